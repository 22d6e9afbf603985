import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  countEValue,
  pairEValue,
  passAtK,
  passHatK,
  powerTuning,
  predictionPowered,
  predictionPoweredError,
  roganGladen,
} from './index.ts'

describe('a judge with known errors', () => {
  const judge = { sensitivity: 0.92, positives: 100, specificity: 0.85, negatives: 100 }

  test('a reported 70 % is a true 71.4 %, and the judge itself makes it uncertain', () => {
    const corrected = roganGladen(0.7, 400, judge)
    expect(corrected.estimate).toBeCloseTo(0.7143, 4)
    expect(corrected.standardError).toBeCloseTo(0.0412, 4)
  })

  test('a perfect judge changes nothing but what sampling adds', () => {
    const perfect = { sensitivity: 1, positives: 50, specificity: 1, negatives: 50 }
    const { estimate, standardError } = roganGladen(0.3, 100, perfect)
    expect(estimate).toBe(0.3)
    expect(standardError).toBeCloseTo(Math.sqrt(0.21 / 100), 12)
  })

  test.prop([fc.double({ min: 0, max: 1, noNaN: true })])('stays a rate', (rate) => {
    const { estimate, lower, upper } = roganGladen(rate, 400, judge)
    expect(0 <= lower && lower <= estimate && estimate <= upper && upper <= 1).toBe(true)
  })

  test('a judge that guesses is refused', () => {
    expect(() => roganGladen(0.5, 100, { ...judge, specificity: 0.2 })).toThrow(/too weak/)
  })
})

describe('few golden labels and many silver ones', () => {
  const moments = {
    golden: 100,
    silver: 2000,
    varianceLabel: 0.75 * 0.25,
    variancePrediction: 0.7275 * 0.2725,
    covariance: 0.75 * 0.92 - 0.75 * 0.7275,
  }

  test('the published example: true rate .75, Se .92, Sp .85', () => {
    expect(powerTuning(moments)).toBeCloseTo(0.694, 3)
    expect(predictionPoweredError(moments, 0)).toBeCloseTo(0.0433, 4)
    expect(predictionPoweredError(moments, 1)).toBeCloseTo(0.0327, 4)
    expect(predictionPoweredError(moments)).toBeCloseTo(0.0296, 4)
  })

  test.prop([fc.double({ min: 0, max: 1, noNaN: true })])('no other trust does better', (lambda) => {
    expect(predictionPoweredError(moments, lambda)).toBeGreaterThanOrEqual(predictionPoweredError(moments))
  })

  /** 60 golden items, 1,000 silver ones; labels 0 or 1 in turn, three in four right. */
  const golden = Array.from({ length: 60 }, (_, index) => {
    const label = index % 4 === 0 ? 0 : 1
    return { label, prediction: index % 10 === 0 ? 1 - label : label }
  })
  const silver = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? 0 : 1))

  test('good predictions narrow the interval and count as further labels', () => {
    const result = predictionPowered(golden, silver)
    expect(result.combined.standardError).toBeLessThan(0.85 * result.goldenOnly.standardError)
    expect(result.effectiveGolden).toBeGreaterThan(80)
    expect(result.lambda).toBeGreaterThan(0.5)
  })

  test('worthless predictions are not trusted: the golden labels alone remain', () => {
    const worthless = golden.map(({ label }, index) => ({ label, prediction: Math.floor(index / 4) % 2 }))
    const inverted = golden.map(({ label }) => ({ label, prediction: 1 - label }))
    expect(predictionPowered(worthless, silver).lambda).toBeLessThan(0.1)
    const result = predictionPowered(inverted, silver)
    expect(result.lambda).toBe(0)
    expect(result.combined.estimate).toBe(result.goldenOnly.estimate)
  })

  test('predictions that never vary carry nothing', () => {
    const constant = golden.map(({ label }) => ({ label, prediction: 1 }))
    expect(
      predictionPowered(
        constant,
        silver.map(() => 1),
      ).lambda,
    ).toBe(0)
  })

  test('a judge biased alike on both samples does not bias the estimate', () => {
    const lenient = golden.map(({ label, prediction }) => ({ label, prediction: prediction + 0.2 }))
    const result = predictionPowered(
      lenient,
      silver.map((prediction) => prediction + 0.2),
    )
    expect(result.combined.estimate).toBeCloseTo(predictionPowered(golden, silver).combined.estimate, 12)
  })
})

test.each([
  [5, 1, 3, 0.6, 0],
  [5, 4, 3, 1, 0.4],
  [5, 5, 5, 1, 1],
  [5, 0, 2, 0, 0],
  [10, 3, 1, 0.3, 0.3],
])('%i answers, %i passes: any and all of %i', (n, c, k, any, all) => {
  expect(passAtK(n, c, k)).toBeCloseTo(any, 12)
  expect(passHatK(n, c, k)).toBeCloseTo(all, 12)
})

test.each([
  [5, 0, 7.875],
  [6, 0, 14.4375],
  [10, 2, 4.1006],
  [30, 10, 23.444],
  [30, 15, 1.5119],
  [50, 50, 0.0796],
])('evidence of %i against %i pairs', (b, c, expected) => {
  expect(pairEValue(b, c)).toBeCloseTo(expected, 3)
  expect(pairEValue(c, b)).toBeCloseTo(expected, 3)
})

test.prop([fc.nat(200), fc.nat(200)])(
  'an e-value is a bet at fair odds: its mean over the next pair is itself',
  (b, c) => {
    const next = (pairEValue(b + 1, c) + pairEValue(b, c + 1)) / 2
    expect(next / pairEValue(b, c)).toBeCloseTo(1, 9)
  },
)

test('counts are evidence of one side only', () => {
  expect(countEValue(5, 10, 0.5)).toBe(0)
  expect(countEValue(30, 40, 0.5)).toBeGreaterThan(20)
})

test.each([
  [() => passAtK(5, 6, 1), /6 passes/],
  [() => passHatK(5, 2, 6), /k = 6/],
  [() => pairEValue(-1, 0), /b must/],
  [() => countEValue(5, 4, 0.5), /5 of 4/],
  [() => countEValue(5, 4, 1), /share/],
  [() => predictionPowered([{ label: 1, prediction: 1 }], [1, 0]), /at least 2/],
  [() => roganGladen(1.2, 5, { sensitivity: 1, positives: 1, specificity: 1, negatives: 1 }), /rate/],
  [() => roganGladen(0.2, 5, { sensitivity: 1, positives: 0, specificity: 1, negatives: 1 }), /positives/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
