import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { minimumQueries, percentileFloor, quantile, quantileInterval, quantileRanks } from './index.ts'
import { binomialCdf } from './special/binomial.ts'

test.each([
  [0.9, 36, 64],
  [0.95, 72, 130],
  [0.99, 368, 662],
  [0.999, 3688, 6636],
])('p%f is printed from %i values on; MLPerf asks for %i', (p, floor, queries) => {
  expect(percentileFloor(p)).toBe(floor)
  expect(quantileRanks(floor, p)).toBeDefined()
  expect(quantileRanks(floor - 1, p)).toBeUndefined()
  expect(minimumQueries(p)).toBe(queries)
})

test('the low end of a distribution needs as many', () => {
  expect(percentileFloor(0.01)).toBe(368)
})

test.each([
  [0.9, 0.99, 0, 44],
  [0.95, 0.99, 0, 90],
  [0.99, 0.95, 1, 473],
  [0.99, 0.95, 0, 299],
])('MLPerf at p%f, confidence %f, %i over: %i', (p, confidence, over, n) => {
  expect(minimumQueries(p, { confidence, over })).toBe(n)
})

test.each([
  [1000, 0.95, 936, 964],
  [1000, 0.99, 983, 997],
  [10_000, 0.99, 9880, 9920],
])('of %i values p%f lies between ranks %i and %i', (n, p, lower, upper) => {
  expect(quantileRanks(n, p)).toEqual({ lower, upper })
})

describe('ranks', () => {
  test.prop([
    fc.integer({ min: 1, max: 3000 }),
    fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    fc.constantFrom(0.9, 0.95, 0.99),
  ])('cover the quantile as promised, and no narrower pair would with equal tails', (n, p, confidence) => {
    const ranks = quantileRanks(n, p, confidence)
    if (ranks === undefined) return
    const tail = (1 - confidence) / 2
    // Too low when fewer than `lower` values lie below the quantile, too high when `upper` or more do.
    const below = binomialCdf(ranks.lower - 1, n, p)
    const above = 1 - binomialCdf(ranks.upper - 1, n, p)
    expect(below).toBeLessThanOrEqual(tail + 1e-12)
    expect(above).toBeLessThanOrEqual(tail + 1e-12)
    expect(binomialCdf(ranks.lower, n, p)).toBeGreaterThan(tail)
    expect(1 - binomialCdf(ranks.upper - 2, n, p)).toBeGreaterThan(tail)
  })
})

test('an interval below the floor is absent; above it holds the estimate', () => {
  const values = Array.from({ length: 400 }, (_, index) => index)
  expect(quantileInterval(values.slice(0, 100), 0.99)).toBeUndefined()
  const interval = quantileInterval(values, 0.99)!
  expect(interval.lower).toBeLessThan(interval.estimate)
  expect(interval.upper).toBeGreaterThan(interval.estimate)
})

test('a censored value at infinity is a value, not a NaN', () => {
  const values = [1, 2, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  expect(quantile(values, 0.5)).toBe(3)
  expect(quantile(values, 0.9)).toBe(Number.POSITIVE_INFINITY)
})

test.each([
  [() => quantile([], 0.5), /at least 1/],
  [() => quantile([1], 1.5), /p must/],
  [() => percentileFloor(1), /p must/],
  [() => quantileRanks(0, 0.5), /n must/],
  [() => minimumQueries(0.9, { confidence: 1 }), /confidence/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
