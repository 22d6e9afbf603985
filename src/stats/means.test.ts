import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  benjaminiHochberg,
  clusteredMean,
  holm,
  repeatSpread,
  sampleRatio,
  tInterval,
  trimmedInterval,
} from './index.ts'

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 })

describe('many tests at once', () => {
  test.prop([pValues])('raw ≤ Benjamini–Hochberg ≤ Holm ≤ Bonferroni', (raw) => {
    const [strict, lax] = [holm(raw), benjaminiHochberg(raw)]
    for (const [index, p] of raw.entries()) {
      expect(lax[index]!).toBeGreaterThanOrEqual(p)
      expect(strict[index]! + 1e-15).toBeGreaterThanOrEqual(lax[index]!)
      expect(strict[index]!).toBeLessThanOrEqual(Math.min(1, p * raw.length))
    }
  })

  test.prop([pValues])('a smaller p-value never gets a larger adjusted one, wherever it stands', (raw) => {
    for (const adjust of [holm, benjaminiHochberg]) {
      const adjusted = adjust(raw)
      const order = [...raw.keys()].sort((left, right) => raw[left]! - raw[right]!)
      for (let rank = 1; rank < order.length; rank += 1)
        expect(adjusted[order[rank]!]!).toBeGreaterThanOrEqual(adjusted[order[rank - 1]!]!)
      expect(adjust([...raw].reverse())).toEqual(adjusted.reverse())
    }
  })

  test('no tests, no corrections', () => {
    expect([holm([]), benjaminiHochberg([])]).toEqual([[], []])
  })
})

const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 })

describe('means', () => {
  test.prop([values, fc.integer({ min: -500, max: 500 })])(
    'shifting the values shifts the interval',
    (sample, shift) => {
      const [here, there] = [tInterval(sample), tInterval(sample.map((value) => value + shift))]
      expect(there.lower).toBeCloseTo(here.lower + shift, 6)
      expect(there.upper).toBeCloseTo(here.upper + shift, 6)
    },
  )

  test.prop([values])('clusters of one are no clusters', (sample) => {
    const alone = clusteredMean(sample, [...sample.keys()])
    const plain = tInterval(sample)
    expect(alone.standardError).toBeCloseTo(plain.standardError, 8)
    expect(alone.df).toBe(plain.df)
  })

  test.prop([values])('copying every value into its cluster adds no information', (sample) => {
    const doubled = clusteredMean(
      sample.flatMap((value) => [value, value]),
      [...sample.keys()].flatMap((cluster) => [cluster, cluster]),
    )
    expect(doubled.standardError).toBeCloseTo(tInterval(sample).standardError, 8)
    expect(doubled.clusters).toBe(sample.length)
  })

  test('repeats split the spread: items 0 and 10 with noise ±1', () => {
    const spread = repeatSpread([
      [-1, 1],
      [9, 11],
    ])
    expect(spread).toEqual({ withinItem: 2, betweenItems: 49 })
  })

  test('noise alone leaves no spread of items, not a negative one', () => {
    expect(
      repeatSpread(
        [
          [-5, 5],
          [-4, 4],
          [-6, 6],
        ].map((row) => row),
      ).betweenItems,
    ).toBe(0)
  })
})

test.each([
  ['an even split as intended', [500, 500], [1, 1], false],
  ['5 % of the units went astray', [9500, 500], [0.9, 0.1], true],
  ['shares need not add up to one', [300, 100], [3, 1], false],
])('sample ratio: %s', (_, observed, intended, isBroken) => {
  expect(sampleRatio(observed, intended).pValue < 0.001).toBe(isBroken)
})

test.each([
  [() => holm([1.1]), /p-value/],
  [() => benjaminiHochberg([Number.NaN]), /p-value/],
  [() => tInterval([1]), /at least 2/],
  [() => trimmedInterval([1]), /at least 2/],
  [() => trimmedInterval([1, 2, 3], 0.95, 0.5), /trim/],
  [() => tInterval([1, Number.POSITIVE_INFINITY]), /finite/],
  [() => clusteredMean([1, 2], ['a', 'a']), /at least 2/],
  [() => clusteredMean([1, 2], ['a']), /as many clusters/],
  [() => repeatSpread([[1, 2], [1]]), /2 repeats/],
  [() => repeatSpread([[1], [2]]), /at least 2/],
  [() => sampleRatio([0, 0], [1, 1]), /no units/],
  [() => sampleRatio([1, 2], [1, 0]), /intended/],
  [() => sampleRatio([1, 2], [1, 1, 1]), /as many shares/],
  [() => sampleRatio([1], [1]), /at least 2/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})

test('a few wild pairs do not move the trimmed mean, nor widen its interval', () => {
  const calm = Array.from({ length: 50 }, (_, index) => 0.02 * Math.sin(index * 12.9898))
  const wild = [...calm, ...Array.from({ length: 5 }, () => 0.45), ...Array.from({ length: 5 }, () => -0.45)]
  const [trimmed, plain] = [trimmedInterval(wild), tInterval(wild)]
  expect(trimmed.upper - trimmed.lower).toBeLessThan((plain.upper - plain.lower) / 3)
  expect(trimmedInterval(calm, 0.95, 0).lower).toBeCloseTo(tInterval(calm).lower, 12)
})
