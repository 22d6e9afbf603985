import { describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { probeRecovery } from './probe-recovery.ts'
import { judgeRecovery } from './recovery.ts'
import { readServiceTarget } from './service-target.ts'
import { scriptedService } from './testing/scripted-service.ts'

describe('what a fault cost', () => {
  const bounds = { recoverWithinMs: 1000, mostLostShare: 0.2 }
  /** One request every 100 ms, answered 50 ms later; the fault is at 1,000. */
  const load = (isBad: (sentMs: number) => boolean) =>
    Array.from({ length: 40 }, (_, index) => {
      const sentMs = index * 100
      return { sentMs, endMs: sentMs + 50, isGood: !isBad(sentMs) }
    })
  const between = (from: number, to: number) => (ms: number) => ms >= from && ms < to

  test.each<[string, (ms: number) => boolean, object]>([
    ['nothing', () => false, { status: 'pass', lost: 0, recoveredMs: 0 }],
    ['half a second', between(1000, 1500), { status: 'pass', sent: 30, lost: 5, recoveredMs: 500 }],
    ['too many', between(1000, 1800), { status: 'fail', lost: 8, recoveredMs: 800 }],
    ['few, but too late', between(2400, 2500), { status: 'fail', lost: 1, recoveredMs: 1500 }],
    ['all to the end', between(1000, 9000), { status: 'fail', lost: 30, recoveredMs: null }],
    ['good for too short', between(1000, 3100), { status: 'fail', recoveredMs: null }],
    ['bad before', between(500, 600), { status: 'invalid' }],
  ])('%s', (_, isBad, expected) => expect(judgeRecovery(load(isBad), 1000, bounds)).toMatchObject(expected))

  test('what was in flight at the fault counts', () => {
    const requests = load(() => false).map((one) =>
      one.sentMs === 900 ? { ...one, endMs: 1010, isGood: false } : one,
    )
    expect(judgeRecovery(requests, 1000, bounds)).toMatchObject({ status: 'pass', sent: 31, lost: 1 })
  })
})

describe('a real fault', () => {
  const plan = {
    ratePerSecond: 100,
    beforeMs: 200,
    afterMs: 400,
    timeoutMs: 5000,
    recoverWithinMs: 60_000,
    mostLostShare: 0.1,
  }
  const more = { clock: systemClock, signal: new AbortController().signal }

  test('a service that goes away is found to have lost what came after', async () => {
    const service = await scriptedService()
    const target = readServiceTarget(service.url, undefined)
    const recovery = await probeRecovery(target, () => service.close(), plan, more)
    expect(recovery).toMatchObject({ status: 'fail', recoveredMs: null })
    expect(recovery.lost).toBe(recovery.sent)
  })

  test('a fault that nobody notices loses nothing', async () => {
    const service = await scriptedService()
    const target = readServiceTarget(service.url, undefined)
    expect(await probeRecovery(target, () => {}, plan, more)).toMatchObject({ status: 'pass', lost: 0 })
    await service.close()
  })

  test('faults are not made elsewhere', async () => {
    const target = readServiceTarget('openai+http://example.com/v1#m', undefined)
    await expect(probeRecovery(target, () => {}, plan, more)).rejects.toThrow(/only made on this machine/)
  })
})
