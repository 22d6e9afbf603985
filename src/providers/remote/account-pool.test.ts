import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../kernel/index.ts'
import { type Account, AccountPool, type Pooled, type TryVerdict } from './account-pool.ts'
import { remotePolicy } from './policy.ts'
import { retryAt } from './retry-at.ts'

const policy = {
  ...remotePolicy,
  circuitFailures: 3,
  openMs: 100,
  maxOpenMs: 400,
  longRestMs: 5000,
  maxRestMs: 9000,
}
const FAILED: TryVerdict = { kind: 'failed' }
const ANSWERED: TryVerdict = { kind: 'answered' }
const limited = (restMs: number | null): TryVerdict => ({ kind: 'limited', restMs, why: 'rate limited' })
const poolOf = (...weights: number[]) =>
  new AccountPool(
    weights.map((weight, index) => ({ name: 'abcdef'[index] as string, weight })),
    policy,
    seededRandom(3),
  )
const only = (pool: AccountPool<Pooled>) => pool.accounts[0] as Account<Pooled>
const state = (pool: AccountPool<Pooled>, nowMs: number) => pool.stateOf(only(pool), nowMs)

function tried(pool: AccountPool<Pooled>, verdict: TryVerdict, nowMs: number, times = 1): void {
  for (let index = 0; index < times; index++) {
    const account = pool.pick(nowMs)
    if (account === undefined) throw new Error(`nobody takes requests at ${nowMs}`)
    pool.release(account, verdict, nowMs)
  }
}

test('requests are spread by weight, and those set aside get none', () => {
  const pool = poolOf(1, 3, 6)
  const counts = { a: 0, b: 0, c: 0 }
  for (let index = 0; index < 10_000; index++) {
    const account = pool.pick(0) as Account<Pooled>
    counts[account.of.name as 'a']++
    pool.release(account, ANSWERED, 0)
  }
  // Five standard deviations of a binomial share.
  expect(Math.abs(counts.a - 1000)).toBeLessThan(150)
  expect(Math.abs(counts.c - 6000)).toBeLessThan(245)
  pool.rest(pool.accounts[2] as Account<Pooled>, 10, 'x', 0)
  for (let index = 0; index < 200; index++) expect(pool.pick(0)?.of.name).not.toBe('c')
})

describe('the circuit', () => {
  test('opens after so many failures in a row, lets one probe through, and closes when it is answered', () => {
    const pool = poolOf(1)
    tried(pool, FAILED, 0, 2)
    tried(pool, ANSWERED, 0)
    tried(pool, FAILED, 0, 2)
    expect(state(pool, 0)).toBe('ready')
    tried(pool, FAILED, 0)
    expect([state(pool, 99), pool.pick(99), pool.readyAtMs(0)]).toEqual(['open', undefined, 100])
    const probe = pool.pick(100) as Account<Pooled>
    expect([state(pool, 100), pool.pick(100)]).toEqual(['half-open', undefined])
    pool.release(probe, ANSWERED, 110)
    expect(state(pool, 110)).toBe('ready')
    expect(pool.pick(110)).toBeDefined()
  })

  test('opens for twice as long each time a probe fails, up to the most', () => {
    const pool = poolOf(1)
    tried(pool, FAILED, 0, 3)
    const openMs: number[] = []
    let nowMs = 0
    for (let index = 0; index < 5; index++) {
      const untilMs = pool.readyAtMs(nowMs)
      openMs.push(untilMs - nowMs)
      nowMs = untilMs
      tried(pool, FAILED, nowMs)
    }
    expect(openMs).toEqual([100, 200, 400, 400, 400])
  })

  test('what was in flight when it opened fails together and is one failure', () => {
    const pool = poolOf(1)
    const inFlight = Array.from({ length: 20 }, () => pool.pick(0) as Account<Pooled>)
    for (const account of inFlight) pool.release(account, FAILED, 0)
    expect([pool.readyAtMs(0), only(pool).circuitOpenings, only(pool).inFlight]).toEqual([100, 1, 0])
  })

  test('a probe that we stopped ourselves says nothing, and lets the next one through', () => {
    const pool = poolOf(1)
    tried(pool, FAILED, 0, 3)
    tried(pool, { kind: 'unknown' }, 100)
    expect([state(pool, 100), pool.pick(100)?.of.name]).toEqual(['half-open', 'a'])
  })

  property.prop([fc.array(fc.constantFrom('answered', 'unknown', 'limited') as fc.Arbitrary<'answered'>)])(
    'nothing but failures opens it',
    (kinds) => {
      const pool = poolOf(1)
      let nowMs = 0
      for (const kind of kinds) {
        tried(pool, (kind as string) === 'limited' ? limited(5) : { kind }, nowMs)
        nowMs += 10
      }
      expect([state(pool, nowMs), only(pool).circuitOpenings]).toEqual(['ready', 0])
    },
  )
})

describe('rests', () => {
  test.each<[string, TryVerdict, number]>([
    ['as long as it was told', limited(1234), 1234],
    ['never longer than the most', limited(1e9), 9000],
    ['long, when it was refused', { kind: 'refused', why: 'it was answered 401' }, 5000],
  ])('%s', (_, verdict, restMs) => {
    const pool = poolOf(1)
    tried(pool, verdict, 0)
    expect([state(pool, restMs - 1), state(pool, restMs), pool.readyAtMs(0)]).toEqual([
      'resting',
      'ready',
      restMs,
    ])
  })

  test('untold, longer each time, drawn at random below that', () => {
    const pool = poolOf(1)
    let nowMs = 0
    for (const mostMs of [1000, 2000, 4000]) {
      tried(pool, limited(null), nowMs)
      const restMs = pool.readyAtMs(nowMs) - nowMs
      expect(restMs).toBeGreaterThanOrEqual(mostMs / 2)
      expect(restMs).toBeLessThanOrEqual(mostMs)
      nowMs += restMs
    }
    tried(pool, ANSWERED, nowMs)
    tried(pool, limited(null), nowMs)
    expect(pool.readyAtMs(nowMs) - nowMs).toBeLessThanOrEqual(1000)
  })

  test('a shorter one does not end a longer one', () => {
    const pool = poolOf(1)
    pool.rest(only(pool), 500, 'long', 0)
    pool.rest(only(pool), 100, 'short', 0)
    expect([pool.readyAtMs(0), only(pool).restReason, only(pool).rests]).toEqual([500, 'long', 1])
  })

  test('an account without a secret takes nothing, and time does not change that', () => {
    const pool = poolOf(1)
    only(pool).missing = 'no key'
    expect([pool.pick(0), pool.readyAtMs(0), state(pool, 0)]).toEqual([
      undefined,
      Number.POSITIVE_INFINITY,
      'unready',
    ])
  })
})

describe('when to ask again', () => {
  const question = { tries: 1, nowMs: 0, totalAtMs: 10_000 }
  const anybody = { retry: 'anybody', retryAfterMs: null } as const
  const half = () => 0

  test.each([
    ['another account at once', [1, 1], ['a'], 'anybody', 0],
    ['another account at once, when only another will do', [1, 1], ['a'], 'another', 0],
    ['nobody, when only another would do', [1], ['a'], 'another', undefined],
    ['nobody, when it is not safe', [1, 1], ['a'], 'nobody', undefined],
    ['the same one, a moment later', [1], ['a'], 'anybody', 50],
  ] as const)('%s', (_, weights, names, retry, atMs) => {
    const pool = poolOf(...weights)
    const tried = pool.accounts.filter(({ of }) => (names as readonly string[]).includes(of.name))
    expect(retryAt(pool, { ...question, tried, failure: { retry, retryAfterMs: null } }, policy, half)).toBe(
      atMs,
    )
  })

  test.each([
    ['is waited for when it is short', 400, 10_000, 400],
    ['is not when it is longer than anybody would sit through', 3000, 10_000, undefined],
    ['is not when the call ends before', 400, 300, undefined],
  ])('a rest %s', (_, restMs, totalAtMs, atMs) => {
    const pool = poolOf(1)
    tried(pool, limited(restMs), 0)
    const asked = { ...question, totalAtMs, tried: pool.accounts, failure: anybody }
    expect(retryAt(pool, asked, policy, half)).toBe(atMs)
  })
})
