import { describe, expect, test } from 'vitest'
import type { GuardName, Rollout, TrafficWindow } from '../../contracts/index.ts'
import { bucketOf } from '../../kernel/index.ts'
import { type CanaryWindow, readLaw } from '../../stats/index.ts'
import { defaultPlan } from '../testing/rollout-world.ts'
import { gather, lastSeconds, nothingFolded, sumsOf } from './evidence.ts'
import { defaultGuardMargins, fixThresholds, guardsOf } from './guards.ts'
import { look } from './look.ts'

const START = 1_700_000_000_000
const SECONDS = 300

interface Scene {
  readonly guards?: GuardName[]
  readonly share?: number
  /** Bad requests of 1,000 in each arm and second. */
  readonly champion?: Partial<Record<'errors' | 'timeouts' | 'slow', number>>
  readonly candidate?: Partial<Record<'errors' | 'timeouts' | 'slow', number>>
  readonly stepSecond?: number
  readonly silentSince?: number
  readonly seconds?: CanaryWindow[]
}

function window(
  version: string,
  second: number,
  requests: number,
  bad: Scene['champion'] = {},
): TrafficWindow {
  // Spread so that every second has its share, whole numbers only.
  const count = (perThousand = 0) =>
    Math.floor(((second + 1) * requests * perThousand) / 1000) -
    Math.floor((second * requests * perThousand) / 1000)
  const slow = count(bad.slow)
  return {
    model: 'spam',
    version,
    startMs: START + second * 1000,
    sizeMs: 1000,
    requests,
    errors: count(bad.errors),
    timeouts: count(bad.timeouts),
    refusals: 0,
    rows: requests,
    computeMs: 0,
    latency: { [bucketOf(10)]: requests - slow, [bucketOf(100)]: slow },
  }
}

function lookAt(scene: Scene) {
  const plan = { ...defaultPlan, guards: scene.guards ?? ['errors'] }
  const guards = guardsOf(plan).map((guard) => ({
    ...guard,
    thresholdMs: guard.name.startsWith('latency') ? 20 : null,
  }))
  const rollout: Rollout = {
    id: 'ro-1',
    changeId: null,
    model: 'spam',
    champion: 'v1',
    candidate: 'v2',
    plan,
    guards,
    forecast: [],
    state: 'progressing',
    step: 2,
    reason: null,
    startedAt: START,
    stepStartedAt: START + (scene.stepSecond ?? 0) * 1000,
    finishedAt: null,
    rollbackMs: null,
  }
  const share = scene.share ?? 0.5
  const windows = Array.from({ length: scene.silentSince ?? SECONDS }, (_, second) => [
    window('v1', second, Math.round(200 * (1 - share)), scene.champion ?? { errors: 10 }),
    window('v2', second, Math.round(200 * share), scene.candidate ?? scene.champion ?? { errors: 10 }),
  ]).flat()
  const settledMs = START + SECONDS * 1000
  const { evidence } = gather(rollout, nothingFolded(rollout), windows, settledMs)
  const seconds = scene.seconds ?? lastSeconds(rollout, windows, settledMs, 3)
  return {
    evidence,
    look: look(rollout, { evidence, seconds, sequence: 0, requestsPerSecond: 200 }, settledMs + 2_000),
  }
}

const failing: CanaryWindow = { a: { n: 100, events: 1 }, b: { n: 100, events: 90 } }

describe('a look', () => {
  test.each<[string, Scene, string]>([
    ['equal versions', {}, 'promote'],
    ['every guard equal', { guards: ['errors', 'timeouts', 'latencyP95', 'latencyP99'] }, 'promote'],
    ['worse by three points', { candidate: { errors: 40 } }, 'abort'],
    [
      'one guard of three worse',
      { guards: ['errors', 'timeouts', 'latencyP99'], candidate: { errors: 10, timeouts: 40 } },
      'abort',
    ],
    [
      'slower, though no more errors',
      { guards: ['errors', 'latencyP95'], champion: { slow: 50 }, candidate: { slow: 200 } },
      'abort',
    ],
    [
      'worse, but within the margin for certain',
      { champion: { errors: 10 }, candidate: { errors: 13 } },
      'promote',
    ],
    ['better', { champion: { errors: 30 }, candidate: { errors: 10 } }, 'promote'],
    ['a share too small to know by now', { share: 0.005 }, 'continue'],
    ['equal, in a step of five seconds', { stepSecond: 295 }, 'continue'],
    ['a step that has just begun', { stepSecond: 300 }, 'continue'],
    ['enough evidence, but none of it is new', { silentSince: 280 }, 'hold'],
    ['no request at all', { silentSince: 0 }, 'hold'],
    ['the brake, whatever the law says', { seconds: [failing, failing, failing] }, 'brake'],
    ['not yet the brake', { seconds: [failing, failing] }, 'promote'],
  ])('%s: %s', (_says, scene, decision) => {
    const { look: result } = lookAt(scene)
    expect([result.decision, result.reason]).toEqual([decision, expect.any(String)])
  })

  test('no data is inconclusive, with the requests that are missing and no promise of a time', () => {
    const { look: result } = lookAt({ silentSince: 0 })
    expect(result.guards[0]).toMatchObject({
      difference: null,
      lower: null,
      upper: null,
      decision: 'inconclusive',
    })
    expect(result.needsRequests).toBeGreaterThan(0)
  })

  test('more of what is worse than the margin brings no promotion, and says so', () => {
    const { look: result } = lookAt({ share: 0.01, champion: { errors: 10 }, candidate: { errors: 30 } })
    expect(result).toMatchObject({ decision: 'continue', needsRequests: null, needsMs: null })
  })

  test('splits the error of aborting over the guards, and not the one of promoting', () => {
    const { look: result, evidence } = lookAt({ guards: ['errors', 'timeouts'], share: 0.1 })
    const sums = sumsOf(evidence.whole, 'errors')
    const { margin } = { margin: defaultGuardMargins.errors }
    expect(result.guards[0]?.lower).toBe(
      readLaw(sums, { mode: 'abort', margin, alpha: defaultPlan.alphaAbort / 2 }).lower,
    )
    expect(result.guards[0]?.upper).toBe(
      readLaw(sums, { mode: 'promote', margin, alpha: defaultPlan.alphaPromote }).upper,
    )
  })
})

describe('thresholds', () => {
  const guards = guardsOf({ ...defaultPlan, guards: ['errors', 'latencyP95', 'latencyP99'] })

  test('are the champion’s own quantiles, at edges that can be counted exactly', () => {
    const windows = Array.from({ length: 50 }, (_, second) => window('v1', second, 200, { slow: 30 }))
    const fixed = fixThresholds(guards, windows)
    if (!('guards' in fixed)) throw new Error('not fixed')
    const [errors, p95, p99] = fixed.guards
    expect(errors?.thresholdMs).toBeNull()
    expect(bucketOf(p95?.thresholdMs ?? 0)).toBe(bucketOf(10))
    expect(bucketOf(p99?.thresholdMs ?? 0)).toBe(bucketOf(100))
    expect(fixThresholds(fixed.guards, [])).toEqual(fixed)
  })

  test.each([
    [299, { missingRequests: 1 }],
    [0, { missingRequests: 300 }],
  ])('%i champion requests are too few', (requests, missing) =>
    expect(fixThresholds(guards, [window('v1', 0, requests)])).toEqual(missing),
  )
})
