import { expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { Health } from './health.ts'

test('work in hand and nothing produced for a minute is stuck, an idle house never is', () => {
  let nowMs = 0
  let work = 0
  const health = new Health({ ...systemClock, monotonicMs: () => nowMs }, () => work)
  health.phase = 'ready'
  nowMs = 3_600_000
  expect([health.isStuck, health.isLive, health.isReady]).toEqual([false, true, true])
  work = 1
  health.moved()
  nowMs += 60_000
  expect(health.isStuck).toBe(false)
  nowMs += 1
  expect([health.isStuck, health.isLive, health.isReady]).toEqual([true, false, false])
  health.moved()
  expect(health.isReady).toBe(true)
})

test('only ready is ready, all but stuck is live', () => {
  const health = new Health(systemClock, () => 0)
  for (const phase of ['starting', 'draining', 'failed'] as const) {
    health.phase = phase
    expect([health.isReady, health.isLive]).toEqual([false, true])
  }
})
