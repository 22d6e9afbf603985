import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  type CanaryPlanOptions,
  DEFAULT_GUARD,
  detectableRise,
  detectionTime,
  planCanary,
  promotionTime,
  rateDeviation,
} from '../index.ts'

const options: CanaryPlanOptions = {
  requestsPerSecond: 100,
  share: 0.5,
  baseRate: 0.01,
  windowSeconds: 1,
  margin: 0.01,
  detectWithinSeconds: 600,
  ...DEFAULT_GUARD,
}

/** Medians of 1,000 simulated canaries each; `bench/judge` repeats them and many more. */
test.each([
  [100, 0.5, 44, 12],
  [100, 0.05, 281, 98],
  [1000, 0.01, 137, 48],
])(
  '%i requests a window at share %f: promoted and found when simulation says so',
  (requestsPerSecond, share, promoted, found) => {
    const traffic = { ...options, requestsPerSecond, share }
    expect(Math.abs(promotionTime(traffic, 0.5)!.windows / promoted - 1)).toBeLessThan(0.1)
    expect(Math.abs(detectionTime(traffic, 0.04, 0.5)!.windows / found - 1)).toBeLessThan(0.1)
  },
)

const traffic = fc.record({
  requestsPerSecond: fc.integer({ min: 5, max: 5000 }),
  share: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
  baseRate: fc.double({ min: 0, max: 0.2, noNaN: true }),
  windowSeconds: fc.constantFrom(1, 5, 10),
  margin: fc.double({ min: 0.002, max: 0.05, noNaN: true }),
})

describe('what a plan must obey', () => {
  test.prop([traffic, fc.double({ min: 1.5, max: 4, noNaN: true })], { numRuns: 40 })(
    'a growing margin promotes no later',
    (given, factor) => {
      const strict = promotionTime({ ...given, ...DEFAULT_GUARD }, 0.5)
      const lax = promotionTime({ ...given, ...DEFAULT_GUARD, margin: given.margin * factor }, 0.5)
      if (strict !== undefined) expect(lax!.windows).toBeLessThanOrEqual(strict.windows)
    },
  )

  test.prop([traffic, fc.double({ min: 0.01, max: 0.2, noNaN: true })], { numRuns: 40 })(
    'a larger rise is found no later, and more power takes no less time',
    (given, rise) => {
      const plan = { ...given, ...DEFAULT_GUARD }
      const small = detectionTime(plan, rise, 0.5)
      if (small === undefined) return
      expect(detectionTime(plan, 2 * rise, 0.5)!.windows).toBeLessThanOrEqual(small.windows)
      const surer = detectionTime(plan, rise, 0.8)
      expect(surer?.windows ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(small.windows)
    },
  )

  test.prop([traffic, fc.integer({ min: 60, max: 3600 })], { numRuns: 40 })(
    'the smallest rise found within a time is found within that time, and no much smaller one',
    (given, seconds) => {
      const plan = { ...given, ...DEFAULT_GUARD }
      const rise = detectableRise(plan, seconds, 0.8)
      if (rise === undefined) return
      expect(detectionTime(plan, rise * 1.01, 0.8)!.seconds).toBeLessThanOrEqual(seconds)
      const smaller = detectionTime(plan, rise * 0.9, 0.8)?.seconds ?? Number.POSITIVE_INFINITY
      expect(smaller).toBeGreaterThan(seconds - given.windowSeconds)
    },
  )
})

test('a plan says in time and requests what a step costs and what it can see', () => {
  const plan = planCanary(options)
  expect(plan.promotion.median).toEqual({ windows: 43, seconds: 43, requests: 4300, candidateRequests: 2150 })
  expect(plan.promotion.likely!.windows).toBeGreaterThan(plan.promotion.median!.windows)
  expect(plan.detectable.likely!).toBeGreaterThan(plan.detectable.median!)
  expect(plan.detectable.likely!).toBeLessThan(0.01)
})

test('where the bound is crossed early, the eight events are what takes the time', () => {
  const eager = { ...options, share: 0.05, baseRate: 0, alphaAbort: 0.2 }
  const { candidateRequests } = detectionTime(eager, 0.02, 0.5)!
  // Half of all Poisson counts with mean 7.67 reach 8.
  expect(candidateRequests * 0.02).toBeGreaterThanOrEqual(7.67)
  expect(candidateRequests * 0.02).toBeLessThan(7.8)
})

test('what cannot be had is left out, not invented', () => {
  const starved = { ...options, requestsPerSecond: 0.001, share: 0.01 }
  expect(planCanary(starved)).toEqual({ promotion: {}, detectable: {} })
})

test('bursts lengthen the plan', () => {
  const bursty = { ...options, rateDeviation: 0.04 }
  expect(promotionTime(bursty, 0.5)!.windows).toBeGreaterThan(4 * promotionTime(options, 0.5)!.windows)
})

describe('the deviation of a rate between windows', () => {
  const at = (n: number, events: number) => ({ n, events })

  test.each([
    ['nothing ever fails', [at(100, 0), at(50, 0), at(10, 0)], 0],
    ['less spread than sampling', [at(100, 5), at(100, 5), at(100, 5)], 0],
    ['windows without requests are skipped', [at(100, 5), at(0, 0), at(100, 5)], 0],
  ])('%s', (_, windows, expected) => {
    expect(rateDeviation(windows)).toBe(expected)
  })

  test('bursts of 30 % in every fiftieth window: .3·√(.02·.98) = .042', () => {
    const windows = Array.from({ length: 5000 }, (_, index) =>
      index % 50 === 0 ? at(1000, 300) : at(1000, 0),
    )
    expect(rateDeviation(windows)).toBeCloseTo(0.042, 2)
  })

  test('a slow drift that both arms share counts for almost nothing', () => {
    const windows = Array.from({ length: 1000 }, (_, index) => at(1000, 10 + Math.round(index / 20)))
    expect(rateDeviation(windows)).toBeLessThan(0.001)
  })
})

test.each([
  [() => planCanary({ ...options, share: 1 }), /share/],
  [() => planCanary({ ...options, requestsPerSecond: 0 }), /requestsPerSecond/],
  [() => planCanary({ ...options, baseRate: 1.2 }), /baseRate/],
  [() => planCanary({ ...options, detectWithinSeconds: Number.NaN }), /detectWithinSeconds/],
  [() => detectionTime(options, 0, 0.5), /rise/],
  [() => promotionTime(options, 1), /power/],
  [() => rateDeviation([{ n: 5, events: 0 }]), /at least 2/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
