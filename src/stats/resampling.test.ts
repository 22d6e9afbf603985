import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { bcaInterval, blockBootstrap, type Random, signFlip } from './index.ts'

/** Mulberry32. */
function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('sign flips', () => {
  const never = () => {
    throw new Error('drawn')
  }

  test.each([
    ['six of six on one side: 2/2⁶', [1, 2, 3, 4, 5, 6], 0.03125],
    ['five of five cannot pass at .05', [1, 1, 1, 1, 1], 0.0625],
    ['zeros take no part', [0, 0, 1, 1, 1, 1, 1, 0], 0.0625],
    ['nothing differs', [0, 0, 0], 1],
    ['balanced', [1, -1], 1],
    ['ties in decimals count as reached', [0.1, 0.2, -0.3], 1],
  ])('%s', (_, differences, pValue) => {
    expect(signFlip(differences, { random: never })).toEqual({ pValue, isExact: true })
  })

  test('sampled and counted p-values agree', () => {
    const random = seeded(4)
    const differences = Array.from({ length: 16 }, () => gauss(random) + 0.5)
    const exact = signFlip(differences, { random }).pValue
    // Seventeen non-zero values are sampled; the tiny one changes the sum by next to nothing.
    const sampled = signFlip([...differences, 1e-9], { random, resamples: 100_000 })
    expect(sampled.isExact).toBe(false)
    expect(Math.abs(sampled.pValue - exact)).toBeLessThan(5 * Math.sqrt((exact * (1 - exact)) / 100_000))
  })

  test('the level is kept: 4–6 % of 2,000 experiments without a difference fall below .05', () => {
    const random = seeded(8)
    let alarms = 0
    for (let run = 0; run < 2000; run += 1) {
      const differences = Array.from({ length: 20 }, () => gauss(random))
      if (signFlip(differences, { random, resamples: 199 }).pValue <= 0.05) alarms += 1
    }
    expect(alarms / 2000).toBeGreaterThan(0.036)
    expect(alarms / 2000).toBeLessThan(0.064)
  })

  test('a sampled p-value is never zero, however plain the difference', () => {
    const differences = Array.from({ length: 40 }, (_, index) => 1 + index)
    expect(signFlip(differences, { random: seeded(1), resamples: 99 }).pValue).toBe(0.01)
  })

  test.prop([fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 12 })])(
    'the side does not matter',
    (differences) => {
      const mirrored = differences.map((difference) => -difference)
      expect(signFlip(mirrored, { random: never })).toEqual(signFlip(differences, { random: never }))
    },
  )
})

describe('BCa', () => {
  const skewed = [1, 1, 2, 2, 3, 3, 4, 5, 8, 40]

  test('one seed, one interval; it leans to the long tail', () => {
    const once = bcaInterval(skewed, meanOf, { random: seeded(1) })
    expect(bcaInterval(skewed, meanOf, { random: seeded(1) })).toEqual(once)
    expect(once.upper - once.estimate).toBeGreaterThan(2 * (once.estimate - once.lower))
  })

  test('values that never differ give a point', () => {
    const interval = bcaInterval([2, 2, 2], meanOf, { random: seeded(1), resamples: 50 })
    expect(interval).toEqual({ estimate: 2, lower: 2, upper: 2 })
  })

  test('an estimate outside its own resamples does not blow up', () => {
    const { lower, upper } = bcaInterval([1, 2, 3, 4], (values) => new Set(values).size, {
      random: seeded(2),
      resamples: 200,
    })
    expect(lower).toBeGreaterThanOrEqual(1)
    expect(upper).toBeLessThanOrEqual(4)
  })

  test('covers a skewed mean better than 90 % of 300 times', () => {
    const random = seeded(5)
    let covered = 0
    for (let run = 0; run < 300; run += 1) {
      const sample = Array.from({ length: 40 }, () => Math.exp(0.7 * gauss(random)))
      const { lower, upper } = bcaInterval(sample, meanOf, { random, resamples: 500 })
      if (lower <= Math.exp(0.245) && Math.exp(0.245) <= upper) covered += 1
    }
    expect(covered / 300).toBeGreaterThan(0.9)
    expect(covered / 300).toBeLessThan(0.98)
  })
})

describe('block bootstrap', () => {
  /** Share of series without any difference whose interval of the mean misses zero; AR(1) with ρ = .8. */
  function falseAlarms(blockLength: number): number {
    const random = seeded(6)
    let alarms = 0
    for (let run = 0; run < 400; run += 1) {
      let value = gauss(random)
      const blocks = Array.from({ length: 1000 / blockLength }, () =>
        Array.from({ length: blockLength }, () => {
          value = 0.8 * value + 0.6 * gauss(random)
          return value
        }),
      )
      const sums = blocks.map(meanOf)
      const { lower, upper } = blockBootstrap(sums, meanOf, { random, resamples: 300 })
      if (lower > 0 || upper < 0) alarms += 1
    }
    return alarms / 400
  }

  test('blocks of eleven correlation times keep the level', () => {
    expect(falseAlarms(50)).toBeLessThan(0.085)
    expect(falseAlarms(50)).toBeGreaterThan(0.02)
  })

  test('eight blocks keep the level too, which bare percentiles miss by half', () => {
    const random = seeded(9)
    let alarms = 0
    for (let run = 0; run < 2000; run += 1) {
      const blocks = Array.from({ length: 8 }, () => gauss(random))
      const { lower, upper } = blockBootstrap(blocks, meanOf, { random, resamples: 400 })
      if (lower > 0 || upper < 0) alarms += 1
    }
    expect(alarms / 2000).toBeGreaterThan(0.03)
    expect(alarms / 2000).toBeLessThan(0.075)
  })

  test('blocks of one request do not: that is why they are blocks', () => {
    expect(falseAlarms(1)).toBeGreaterThan(0.3)
  })
})

test.each([
  [() => signFlip([], { random: seeded(1) }), /at least 1/],
  [() => signFlip([Number.NaN], { random: seeded(1) }), /finite/],
  [() => bcaInterval([1], meanOf, { random: seeded(1) }), /at least 2/],
  [() => bcaInterval([1, 2], () => Number.NaN, { random: seeded(1) }), /finite/],
  [() => bcaInterval([1, 2], meanOf, { random: seeded(1), resamples: 0 }), /resamples/],
  [() => blockBootstrap([1, 2, 3, 4, 5], meanOf, { random: seeded(1) }), /at least 6/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
