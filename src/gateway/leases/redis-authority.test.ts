import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PrivateRedis, privateRedis } from '../../../scripts/redis.ts'
import type { LeaseAsk } from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { conformsToLeaseAuthority } from '../../routing/testing.ts'
import { RedisLink } from '../redis/redis-link.ts'
import { until } from '../testing/world.ts'
import { redisAuthority } from './redis-authority.ts'

// Left out only on request: a suite that skips itself is green where it proves nothing.
const isSkipped = process.env.SLIPWAY_TEST_REDIS === 'skip'

describe.skipIf(isSkipped)('on a real Redis', () => {
  let redis: PrivateRedis
  let link: RedisLink
  beforeAll(async () => {
    redis = await privateRedis()
    link = new RedisLink({ url: redis.url, clock: systemClock, random: Math.random, log: silentLogger() })
    await until(() => link.isUp)
  })
  afterAll(async () => {
    await link?.close()
    await redis?.remove()
  })

  conformsToLeaseAuthority('the script in Redis', (now) =>
    redisAuthority({ link, prefix: randomUUID(), nowMs: now, timeoutMs: 10_000 }),
  )

  const ask = (more: Partial<LeaseAsk> = {}): LeaseAsk => ({
    id: 'a',
    law: { kind: 'calendar', limit: 100, span: 'month' },
    release: 0,
    owe: 0,
    first: 60,
    need: 60,
    spare: 0,
    holds: 0,
    ...more,
  })

  test('by its own clock, with nothing to ask, and with the largest numbers', async () => {
    const authority = redisAuthority({ link, prefix: randomUUID() })
    expect(await authority.exchange({ session: 's', sequence: 1, asks: [] })).toEqual({
      sequence: 1,
      grants: [],
    })
    const most = Number.MAX_SAFE_INTEGER
    const now = new Date()
    const law = { kind: 'calendar', limit: most, span: 'month' } as const
    const { grants } = await authority.exchange({
      session: 's',
      sequence: 2,
      asks: [ask({ law, first: most - 1, need: most - 1 })],
    })
    const monthMs = 31 * 86_400_000
    expect(grants[0]).toMatchObject({
      granted: most - 1,
      left: 1,
      epoch: Date.UTC(now.getUTCFullYear(), now.getUTCMonth()),
    })
    expect(grants[0]?.renewsMs).toBeLessThanOrEqual(monthMs)
  })

  test('killed, it counts on from its disk; meanwhile every message fails at once', async () => {
    const authority = redisAuthority({ link, prefix: randomUUID() })
    const message = { session: 's', sequence: 1, asks: [ask()] }
    const first = await authority.exchange(message)
    await redis.signal('SIGKILL')
    await until(() => !link.isUp)
    await expect(authority.exchange({ ...message, sequence: 2 })).rejects.toThrow('no connection')
    await redis.start()
    await until(() => link.isUp)
    expect((await authority.exchange(message)).grants[0]?.granted).toBe(first.grants[0]?.granted)
    const { grants } = await authority.exchange({ session: 't', sequence: 1, asks: [ask()] })
    expect(grants[0]).toMatchObject({ granted: 0, left: 40 })
  })

  test('hanging, it is told after the time a message has, and what it did all the same counts once', async () => {
    const authority = redisAuthority({ link, prefix: randomUUID(), timeoutMs: 100 })
    const message = { session: 's', sequence: 1, asks: [ask()] }
    await authority.exchange({ session: 'warm', sequence: 1, asks: [] })
    await redis.signal('SIGSTOP')
    await expect(authority.exchange(message)).rejects.toThrow('did not answer')
    await redis.signal('SIGCONT')
    await until(() =>
      authority.exchange(message).then(
        () => true,
        () => false,
      ),
    )
    const { grants } = await authority.exchange({
      session: 't',
      sequence: 1,
      asks: [ask({ first: 40, need: 40 })],
    })
    expect(grants[0]).toMatchObject({ granted: 40, left: 0 })
  })
})
