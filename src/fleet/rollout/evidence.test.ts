import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Rollout, TrafficWindow } from '../../contracts/index.ts'
import { defaultPlan } from '../testing/rollout-world.ts'
import { type Evidence, gather, lastSeconds, nothingFolded } from './evidence.ts'

const START = 1_700_000_000_000

function rollout(windowMs = 1000, stepStartedAt = START): Rollout {
  return {
    id: 'ro-1',
    changeId: null,
    model: 'spam',
    champion: 'v1',
    candidate: 'v2',
    plan: { ...defaultPlan, windowMs },
    guards: [{ name: 'errors', margin: 0.01, thresholdMs: null }],
    forecast: [],
    state: 'progressing',
    step: 0,
    reason: null,
    startedAt: START,
    stepStartedAt,
    finishedAt: null,
    rollbackMs: null,
  }
}

function window(version: string, second: number, requests: number, errors = 0): TrafficWindow {
  const counts = { requests, errors, timeouts: 0, refusals: 0, rows: requests, computeMs: 0, latency: {} }
  return { model: 'spam', version, startMs: START + second * 1000, sizeMs: 1000, ...counts }
}

const read = (windows: TrafficWindow[], untilSecond: number, of = rollout()) =>
  gather(of, nothingFolded(of), windows, START + untilSecond * 1000).evidence

describe('windows', () => {
  test('count when both versions answered in them', () => {
    const { whole, pairedUntilMs } = read(
      [window('v1', 0, 90, 1), window('v2', 0, 10, 2), window('v1', 1, 90), window('v2', 2, 10)],
      5,
    )
    expect(whole.errors).toMatchObject({ windows: 1, requestsA: 90, requestsB: 10, eventsA: 1, eventsB: 2 })
    expect(pairedUntilMs).toBe(START + 1000)
  })

  test('that are not settled, or from before the start, do not count', () => {
    const windows = [-1, 0, 1, 2].flatMap((second) => [window('v1', second, 9), window('v2', second, 1)])
    expect(read(windows, 2).whole.errors?.windows).toBe(2)
  })

  test('are added up to the size of the plan, whole ones only', () => {
    const windows = Array.from({ length: 10 }, (_, second) => [
      window('v1', second, 9),
      window('v2', second, 1),
    ])
    const { whole, settledUntilMs } = read(windows.flat(), 9, rollout(4000))
    expect(whole.errors).toMatchObject({ windows: 2, requestsA: 72, requestsB: 8 })
    expect(settledUntilMs).toBe(START + 8000)
  })

  test('of the present step are told apart', () => {
    const windows = [0, 1, 2, 3].flatMap((second) => [window('v1', second, 9), window('v2', second, 1)])
    const { whole, step } = read(windows, 4, rollout(1000, START + 2500))
    expect([whole.errors?.windows, step.errors?.windows]).toEqual([4, 1])
  })

  test('the brake sees silent seconds as silent', () => {
    const seconds = lastSeconds(rollout(), [window('v2', 1, 10, 9)], START + 3000, 3)
    expect(seconds.map(({ b }) => b)).toEqual([
      { n: 0, events: 0 },
      { n: 10, events: 9 },
      { n: 0, events: 0 },
    ])
  })
})

const counts = fc.record({
  champion: fc.integer({ min: 0, max: 50 }),
  candidate: fc.integer({ min: 0, max: 50 }),
  errors: fc.double({ min: 0, max: 1, noNaN: true }),
})

test.prop([fc.array(counts, { minLength: 700, maxLength: 1500 }), fc.integer({ min: 50, max: 300 })], {
  numRuns: 20,
})(
  'looking often, and forgetting windows that were folded, comes to the same as looking once',
  (seconds, stride) => {
    const all = seconds.flatMap(({ champion, candidate, errors }, second) => [
      window('v1', second, champion, Math.floor(champion * errors)),
      window('v2', second, candidate, Math.floor(candidate * errors)),
    ])
    const of = rollout()
    let folded = nothingFolded(of)
    let evidence: Evidence | undefined
    for (let until = stride; ; until += stride) {
      const settledMs = START + Math.min(until, seconds.length) * 1000
      const fresh = all.filter((each) => each.startMs >= folded.untilMs && each.startMs < settledMs)
      ;({ evidence, folded } = gather(of, folded, fresh, settledMs))
      if (until >= seconds.length) break
    }
    const once = read(all, seconds.length)
    expect(evidence?.pairedUntilMs).toBe(once.pairedUntilMs)
    for (const [name, sum] of Object.entries(once.whole.errors ?? {}))
      expect(evidence?.whole.errors?.[name as 'weight']).toBeCloseTo(sum, 6)
    expect(folded.untilMs).toBeGreaterThan(START)
  },
)
