import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type KeyLimits, limitRule } from '../../contracts/index.ts'
import { type Held, LimitBook, type LimitedBy, type LimitSubject, type Unleased } from '../index.ts'

const free: KeyLimits = { requestsPerSecond: null, concurrency: null }
const subject = (more: Partial<LimitSubject> = {}): LimitSubject => ({
  key: 'k1',
  keyLimits: free,
  tenant: 'acme',
  model: 'chat',
  ...more,
})
const use = (tokens: number, usd?: number) => ({
  tokens: BigInt(tokens),
  cost: usd === undefined ? undefined : BigInt(Math.round(usd * 1e6)) * 10n ** 12n,
})
const rule = (more: Record<string, unknown>) => limitRule.parse({ name: 'r', ...more })
const isHeld = (outcome: Held | LimitedBy | Unleased): outcome is Held => 'settle' in outcome
const NOON = Date.UTC(2026, 5, 30, 12)

describe('tokens a minute', () => {
  const limited = subject({ keyLimits: { ...free, tokensPerMinute: 600 } })

  test('are taken by the estimate and given back by what was used', () => {
    const book = new LimitBook()
    const held = book.take(limited, use(600), 0)
    expect(book.take(limited, use(1), 0)).toEqual({
      what: '600 tokens a minute of key k1',
      retryAfterMs: 100,
    })
    if (isHeld(held)) held.settle(use(100), 0)
    expect(isHeld(book.take(limited, use(500), 0))).toBe(true)
    expect(isHeld(book.take(limited, use(1), 0))).toBe(false)
  })

  test('settle once', () => {
    const book = new LimitBook()
    const held = book.take(limited, use(600), 0)
    if (!isHeld(held)) throw new TypeError('refused')
    held.settle(use(600), 0)
    held.settle(use(0), 0)
    expect(isHeld(book.take(limited, use(1), 0))).toBe(false)
  })

  test('come back evenly, and a longer answer than expected is a debt', () => {
    const book = new LimitBook()
    const held = book.take(limited, use(600), 0)
    if (isHeld(held)) held.settle(use(900), 0)
    expect(isHeld(book.take(limited, use(1), 30_000))).toBe(false)
    expect(isHeld(book.take(limited, use(1), 30_200))).toBe(true)
  })

  test('a request larger than the limit is never let through, and that is said', () =>
    expect(new LimitBook().take(limited, use(601), 0)).toMatchObject({
      retryAfterMs: Number.POSITIVE_INFINITY,
    }))
})

describe('money', () => {
  const limited = subject({ keyLimits: { ...free, costUsdPerDay: 1 } })

  test('of a day is used up until midnight, UTC', () => {
    const book = new LimitBook()
    book.take(limited, use(1, 0.9), NOON)
    expect(book.take(limited, use(1, 0.2), NOON)).toEqual({
      what: '1 USD a day of key k1',
      retryAfterMs: 12 * 3_600_000,
    })
    expect(isHeld(book.take(limited, use(1, 0.2), NOON + 12 * 3_600_000))).toBe(true)
  })

  test('of a month lasts over its days', () => {
    const book = new LimitBook()
    const monthly = subject({ keyLimits: { ...free, costUsdPerMonth: 1 } })
    book.take(monthly, use(1, 1), Date.UTC(2026, 5, 1))
    expect(isHeld(book.take(monthly, use(1, 0.1), NOON))).toBe(false)
    expect(isHeld(book.take(monthly, use(1, 0.1), Date.UTC(2026, 6, 1)))).toBe(true)
  })

  test('a model without a price is refused where money is limited, and let through where it is not', () => {
    expect(new LimitBook().take(limited, use(1), NOON)).toMatchObject({
      what: expect.stringMatching(/no price/),
    })
    expect(isHeld(new LimitBook().take(subject(), use(1), NOON))).toBe(true)
  })

  test('a clock that goes back over midnight grants no second day', () => {
    const book = new LimitBook()
    const midnight = Date.UTC(2026, 6, 1)
    book.take(limited, use(1, 1), midnight)
    expect(isHeld(book.take(limited, use(1, 0.5), midnight - 1000))).toBe(false)
    expect(isHeld(book.take(limited, use(1, 0.5), midnight + 1000))).toBe(false)
  })
})

describe('rules', () => {
  test.each<[string, Record<string, unknown>, Partial<LimitSubject>, boolean]>([
    ['of a tenant hold for all its keys together', { tenant: 'acme' }, { key: 'k2' }, false],
    ['of a tenant hold for nobody else', { tenant: 'acme' }, { tenant: 'other' }, true],
    ['of a model hold for all tenants together', { model: 'chat' }, { tenant: 'other' }, false],
    ['of a tenant on a model hold for that pair', { tenant: 'acme', model: 'chat' }, { model: 'else' }, true],
    ['of nobody hold for everybody', {}, { tenant: 'other', model: 'else' }, false],
  ])('%s', (_, named, second, isLet) => {
    const book = new LimitBook()
    book.follow([rule({ ...named, tokensPerMinute: 10 })])
    expect(isHeld(book.take(subject(), use(10), 0))).toBe(true)
    expect(isHeld(book.take(subject(second), use(1), 0))).toBe(isLet)
  })

  test('a request that one limit refuses takes nothing from the others', () => {
    const book = new LimitBook()
    book.follow([
      rule({ name: 'a', tenant: 'acme', tokensPerMinute: 100 }),
      rule({ name: 'b', model: 'chat', tokensPerMinute: 10 }),
    ])
    expect(isHeld(book.take(subject(), use(50), 0))).toBe(false)
    expect(isHeld(book.take(subject({ model: 'else' }), use(100), 0))).toBe(true)
  })

  test('concurrency is given back when the request settles', () => {
    const book = new LimitBook()
    book.follow([rule({ concurrency: 1 })])
    const held = book.take(subject(), use(1), 0)
    expect(isHeld(book.take(subject(), use(1), 0))).toBe(false)
    if (isHeld(held)) held.settle(use(1), 0)
    expect(isHeld(book.take(subject(), use(1), 0))).toBe(true)
  })

  test('a new snapshot with the same rule keeps what was used, with another limit it begins anew', () => {
    const book = new LimitBook()
    book.follow([rule({ tokensPerMinute: 10 })])
    book.take(subject(), use(10), 0)
    book.follow([rule({ tokensPerMinute: 10 })])
    expect(isHeld(book.take(subject(), use(1), 0))).toBe(false)
    book.follow([rule({ tokensPerMinute: 20 })])
    expect(isHeld(book.take(subject(), use(20), 0))).toBe(true)
  })
})

property.prop([
  fc.array(fc.record({ gapMs: fc.nat(20_000), estimate: fc.nat(120), used: fc.nat(120) }), {
    maxLength: 200,
  }),
])('over any minute no more is used than twice the limit and what estimates fell short', (requests) => {
  const limit = 100
  const book = new LimitBook()
  const limited = subject({ keyLimits: { ...free, tokensPerMinute: limit } })
  const spent: { atMs: number; used: number; short: number }[] = []
  let nowMs = 0
  for (const { estimate, gapMs, used } of requests) {
    nowMs += gapMs
    const held = book.take(limited, use(estimate), nowMs)
    if (!isHeld(held)) continue
    held.settle(use(used), nowMs)
    spent.push({ atMs: nowMs, used, short: Math.max(0, used - estimate) })
  }
  for (const { atMs } of spent) {
    const within = spent.filter((each) => each.atMs >= atMs && each.atMs < atMs + 60_000)
    const used = within.reduce((sum, each) => sum + each.used, 0)
    const short = within.reduce((sum, each) => sum + each.short, 0)
    expect(used).toBeLessThanOrEqual(2 * limit + short)
  }
})
