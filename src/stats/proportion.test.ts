import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { clopperPearson, fisherExact, mcnemar, newcombe, pairedDifference, wilson } from './index.ts'

const counts = fc
  .tuple(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([n, share]) => ({ successes: Math.round(n * share), n }))
const confidence = fc.constantFrom(0.8, 0.95, 0.999)

test.each([
  [17, 20, 0.6396, 0.9476],
  [850, 1000, 0.8265, 0.8708],
  [0, 100, 0, 0.037],
  [5, 5, 0.5655, 1],
])('Wilson 95 %% of %i/%i', (successes, n, lower, upper) => {
  expect(wilson(successes, n).lower).toBeCloseTo(lower, 4)
  expect(wilson(successes, n).upper).toBeCloseTo(upper, 4)
})

test.each([
  [8, 2, 0.1094, 0.0654],
  [10, 2, 0.0386, 0.0225],
  [15, 5, 0.0414, 0.0266],
  [30, 15, 0.0357, 0.0259],
  [0, 0, 1, 1],
  [7, 7, 1, 1],
])('McNemar of %i against %i', (b, c, exact, midP) => {
  expect(mcnemar(b, c).exact).toBeCloseTo(exact, 4)
  expect(mcnemar(b, c).midP).toBeCloseTo(midP, 4)
})

describe('intervals of one proportion', () => {
  for (const [name, interval] of Object.entries({ wilson, clopperPearson }))
    test.prop([counts, confidence])(
      `${name} holds the estimate, stays in [0, 1] and mirrors`,
      ({ successes, n }, level) => {
        const { estimate, lower, upper } = interval(successes, n, level)
        expect(lower).toBeGreaterThanOrEqual(0)
        expect(upper).toBeLessThanOrEqual(1)
        expect(lower - 1e-12).toBeLessThanOrEqual(estimate)
        expect(upper + 1e-12).toBeGreaterThanOrEqual(estimate)
        const mirrored = interval(n - successes, n, level)
        expect(mirrored.lower).toBeCloseTo(1 - upper, 10)
        expect(mirrored.upper).toBeCloseTo(1 - lower, 10)
      },
    )

  test.prop([counts])('more confidence is a wider interval', ({ successes, n }) => {
    const [narrow, wide] = [wilson(successes, n, 0.9), wilson(successes, n, 0.99)]
    expect(wide.lower).toBeLessThanOrEqual(narrow.lower)
    expect(wide.upper).toBeGreaterThanOrEqual(narrow.upper)
  })
})

describe('differences of proportions', () => {
  test.prop([counts, counts, confidence])(
    'exchanging independent arms mirrors the interval',
    (a, b, level) => {
      const [forth, back] = [newcombe(a, b, level), newcombe(b, a, level)]
      expect(back.lower).toBeCloseTo(-forth.upper, 10)
      expect(back.upper).toBeCloseTo(-forth.lower, 10)
      expect(fisherExact(a, b)).toBeCloseTo(fisherExact(b, a), 8)
    },
  )

  const pairs = fc
    .tuple(fc.nat(60), fc.nat(60), fc.nat(400))
    .map(([gained, lost, same]) => ({ gained, lost, n: gained + lost + same + 1 }))

  test.prop([pairs, confidence])(
    'exchanging paired arms mirrors the interval, inside [−1, 1]',
    (given, level) => {
      const forth = pairedDifference(given, level)
      const back = pairedDifference({ gained: given.lost, lost: given.gained, n: given.n }, level)
      expect(back.lower).toBeCloseTo(-forth.upper, 9)
      expect(forth.lower).toBeGreaterThanOrEqual(-1)
      expect(forth.upper).toBeLessThanOrEqual(1)
      expect(forth.lower).toBeLessThan(forth.estimate)
      expect(forth.upper).toBeGreaterThan(forth.estimate)
    },
  )

  test.each([
    [
      'no discordant item still has an interval: z²/(n + z²)',
      { gained: 0, lost: 0, n: 30 },
      -0.11351,
      0.11351,
    ],
    ['every item gained', { gained: 10, lost: 0, n: 10 }, 0.44494, 1],
    ['every item lost', { gained: 0, lost: 10, n: 10 }, -1, -0.44494],
  ])('%s', (_, given, lower, upper) => {
    expect(pairedDifference(given).lower).toBeCloseTo(lower, 4)
    expect(pairedDifference(given).upper).toBeCloseTo(upper, 4)
  })
})

test.each([
  [() => wilson(3, 2), /3 successes/],
  [() => wilson(1, 0), /n must be at least one/],
  [() => wilson(1, 2, 1), /confidence/],
  [() => wilson(0.5, 2), /successes/],
  [() => clopperPearson(-1, 2), /successes/],
  [() => newcombe({ successes: 1, n: 2 }, { successes: 5, n: 4 }), /5 successes/],
  [() => mcnemar(-1, 4), /b must be a count/],
  [() => pairedDifference({ gained: 4, lost: 4, n: 7 }), /8 discordant/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
