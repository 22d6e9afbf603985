import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { betaQuantile, betaTails } from './beta.ts'
import { chiSquareQuantile, chiSquareTail } from './chi-square.ts'
import { logGamma } from './gamma.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { findRoot, smallestWhole } from './root.ts'
import { studentCdf, studentQuantile } from './student-t.ts'

const chance = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true })
const shape = fc.double({ min: 0.1, max: 5000, noNaN: true })

test.prop([chance, shape])('quantiles undo their distribution', (p, df) => {
  expect(normalCdf(normalQuantile(p)) / p).toBeCloseTo(1, 11)
  expect(studentCdf(studentQuantile(p, df), df) / p).toBeCloseTo(1, 9)
  expect((1 - chiSquareTail(chiSquareQuantile(p, df), df)) / p).toBeCloseTo(1, 9)
})

test.prop([shape, shape, chance])('the beta quantile undoes the beta distribution', (a, b, p) => {
  const x = betaQuantile(a, b, p)
  // Where x rounds to 1 the distribution is steeper than doubles are dense.
  if (x > 0 && x < 1 - 1e-6) expect(betaTails(a, b, x).lower / p).toBeCloseTo(1, 8)
})

test.prop([fc.double({ min: 1e-3, max: 1e8, noNaN: true })])('ln Γ(x + 1) = ln Γ(x) + ln x', (x) => {
  const next = logGamma(x + 1)
  expect(Math.abs(next - logGamma(x) - Math.log(x))).toBeLessThan(1e-14 * (Math.abs(next) + 10))
})

test.each([
  ['a polynomial', (x: number) => x ** 3 - 2, 0, 5, Math.cbrt(2)],
  ['a step', (x: number) => (x < Math.PI ? -1 : 1), 0, 10, Math.PI],
  ['flat far from the root', (x: number) => Math.tanh(50 * (x - 0.999)), -1000, 1, 0.999],
  ['a root at an end', (x: number) => x, 0, 1, 0],
  ['a pole beside the root', (x: number) => 1 / (x + 1e-12) - 3, 0, 1, 1 / 3],
])('finds the root of %s', (_, f, from, to, root) => {
  expect(findRoot(f, from, to)).toBeCloseTo(root, 9)
})

test('without a change of sign there is no root to find', () => {
  expect(() => findRoot((x) => x * x + 1, -1, 1)).toThrow(RangeError)
})

test.each([
  [7, 0, 100, 7],
  [0, 0, 100, 0],
  [101, 0, 100, undefined],
])('the smallest whole number from %i in %i…%i', (least, from, to, expected) => {
  expect(smallestWhole((n) => n >= least, from, to)).toBe(expected)
})
