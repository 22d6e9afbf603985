import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PrivateRedis, privateRedis } from '../../../scripts/redis.ts'
import { type CostRow, type GenerateRequest, NO_USAGE, servingPolicy } from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { RedisLink } from '../redis/redis-link.ts'
import { until } from '../testing/world.ts'
import type { CacheFinding, CacheHit, TextSubject } from '../text/parts.ts'
import { answerOf, conformsToAnswers } from './answers.conformance.ts'
import { MemoryAnswers } from './answers.ts'
import { PolicyCache } from './policy-cache.ts'
import { RedisAnswers } from './redis-answers.ts'

// Left out only on request: a suite that skips itself is green where it proves nothing.
const isSkipped = process.env.SLIPWAY_TEST_REDIS === 'skip'
const cost: CostRow = { state: 'exact', costUsd: '0.25', price: 'p' }

conformsToAnswers('in memory', () => new MemoryAnswers(1_000_000))

describe.skipIf(isSkipped)('on a real Redis', () => {
  let redis: PrivateRedis
  let link: RedisLink
  const parts = { clock: systemClock, random: Math.random, log: silentLogger() }
  beforeAll(async () => {
    redis = await privateRedis()
    link = new RedisLink({ url: redis.url, ...parts })
    await until(() => link.isUp)
  })
  afterEach(() => until(() => link.isUp))
  afterAll(async () => {
    await link?.close()
    await redis?.remove()
  })

  const answers = (prefix: string = randomUUID(), more: { lookTimeoutMs?: number } = {}) =>
    new RedisAnswers({ link, prefix, clock: systemClock, lookTimeoutMs: 5000, ...more })

  conformsToAnswers('in Redis', () => answers())

  test('what is past its time is gone', async () => {
    const kept = answers()
    kept.set('k', { answer: answerOf('x'), costUsd: null }, 1)
    kept.set('l', { answer: answerOf('x'), costUsd: null }, 60_000)
    await until(async () => (await kept.get('l')) !== undefined && (await kept.get('k')) === undefined)
  })

  test('what somebody else wrote there is nothing, not an error', async () => {
    const prefix = randomUUID()
    await link.command(1000, ['SET', `${prefix}:answer:a1:k`, 'no answer'])
    expect(await answers(prefix).get('k')).toBeUndefined()
  })

  const gateway = (prefix: string, more: { lookTimeoutMs?: number } = {}) =>
    new PolicyCache({ answers: answers(prefix, more), embed: async () => [1], ...parts })
  const ask = (more: { tenant?: string; text?: string; ttlMs?: number } = {}) => {
    const { tenant = 'acme', text = 'hi', ttlMs = 60_000 } = more
    const request: GenerateRequest = { messages: [{ role: 'user', content: [{ type: 'text', text }] }] }
    return {
      operation: 'generate',
      key: { publicId: 'k', tenant, scopes: ['predict'], limits: {}, expiresAt: null, mac: '' },
      model: { model: 'm', serving: servingPolicy.parse({ cache: { exact: { ttlMs, staleMs: 60_000 } } }) },
      version: { id: 'v1', label: 'v1' },
      glance: { isSampled: false },
      body: Buffer.from(JSON.stringify(request)),
      neutral: () => request,
    } as unknown as TextSubject
  }
  const look = async (cache: PolicyCache, subject = ask()): Promise<CacheFinding> =>
    await cache.lookup(subject, systemClock.monotonicMs())
  const store = (finding: CacheFinding, text: string) => {
    if (finding.kind !== 'miss') throw new Error(`not a miss: ${finding.kind}`)
    finding.flight.store(answerOf(text), NO_USAGE, cost)
  }
  const hits = (cache: PolicyCache, kind: string, subject = ask()) =>
    until(async () => {
      const finding = await look(cache, subject)
      if (finding.kind === 'miss') finding.flight.abandon()
      return finding.kind === kind
    })

  test('what one gateway was answered another one gives, and to no other tenant or question', async () => {
    const prefix = randomUUID()
    const [one, two] = [gateway(prefix), gateway(prefix)]
    store(await look(one), 'shared')
    await hits(two, 'hit')
    expect((await look(two)) as CacheHit).toMatchObject({ answer: answerOf('shared'), savedUsd: '0.25' })
    expect((await look(two, ask({ tenant: 'other' }))).kind).toBe('miss')
    expect((await look(two, ask({ text: 'else' }))).kind).toBe('miss')
  })

  test('equal questions that come while one is looked up are asked once', async () => {
    const cache = gateway(randomUUID())
    const [first, second] = await Promise.all([look(cache), look(cache)])
    expect([first.kind, second.kind]).toEqual(['miss', 'shared'])
    store(first, 'once')
    expect(second.kind === 'shared' && (await second.answer)).toMatchObject({ answer: answerOf('once') })
  })

  test('and where it is found all of them get it', async () => {
    const prefix = randomUUID()
    store(await look(gateway(prefix)), 'there')
    const cache = gateway(prefix)
    await hits(gateway(prefix), 'hit')
    const [first, second] = await Promise.all([look(cache), look(cache)])
    expect(first).toMatchObject({ kind: 'hit', answer: answerOf('there') })
    expect(second.kind === 'shared' && (await second.answer)).toMatchObject({ answer: answerOf('there') })
  })

  test('past its time it is given once more while one gateway fetches it anew', async () => {
    const prefix = randomUUID()
    const [one, two] = [gateway(prefix), gateway(prefix)]
    store(await look(one), 'old')
    await hits(one, 'stale', ask({ ttlMs: 1 }))
    const stale = (await look(two, ask({ ttlMs: 1 }))) as CacheHit
    expect(stale).toMatchObject({ kind: 'stale', answer: answerOf('old') })
    stale.refresh?.store(answerOf('new'), NO_USAGE, cost)
    await until(async () => {
      const found = (await look(gateway(prefix))) as CacheHit
      return JSON.stringify(found.answer) === JSON.stringify(answerOf('new'))
    })
    expect(await two.older(ask(), 60_000, 0)).toMatchObject({ kind: 'stale', answer: answerOf('new') })
  })

  test('killed, everything is asked and nothing waits; back again, it is found again', async () => {
    const prefix = randomUUID()
    const cache = gateway(prefix)
    store(await look(cache), 'kept')
    await hits(cache, 'hit')
    await redis.signal('SIGKILL')
    await until(() => !link.isUp)
    const finding = cache.lookup(ask(), 0)
    expect(finding).toMatchObject({ kind: 'miss' })
    if ('flight' in finding) finding.flight.store(answerOf('meanwhile'), NO_USAGE, cost)
    await redis.start()
    await hits(cache, 'hit')
  })

  test('hanging, it holds one request for the time a look has, and then nobody', async () => {
    const prefix = randomUUID()
    const cache = gateway(prefix, { lookTimeoutMs: 50 })
    store(await look(cache), 'kept')
    await hits(cache, 'hit')
    await redis.signal('SIGSTOP')
    const first = await look(cache)
    expect(first.kind).toBe('miss')
    // Not even a promise: others do not wait at all.
    expect(cache.lookup(ask({ text: 'else' }), 0)).toMatchObject({ kind: 'miss' })
    if (first.kind === 'miss') first.flight.abandon()
    await redis.signal('SIGCONT')
    await hits(cache, 'hit')
  })
})
