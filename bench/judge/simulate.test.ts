import { expect, test } from 'vitest'
import { countEValue } from '../../src/stats/index.ts'
import { binomialDraw, seeded } from './random.ts'
import { simulate, worlds } from './simulate.ts'

test.each([
  [20, 0.3],
  [1000, 0.01],
  [950, 0.06],
  [1000, 0.5],
  [3000, 0.4],
  [50, 0.9],
])('draws from Bin(%i, %f) have its mean, variance and skewness', (n, p) => {
  const random = seeded(7)
  const draws = Array.from({ length: 40_000 }, () => binomialDraw(n, p, random))
  const deviation = Math.sqrt(n * p * (1 - p))
  const scaled = draws.map((draw) => (draw - n * p) / deviation)
  const moment = (power: number) => scaled.reduce((sum, z) => sum + z ** power, 0) / scaled.length
  // Five standard errors of each moment of a near-normal variable.
  expect(Math.abs(moment(1))).toBeLessThan(5 / 200)
  expect(Math.abs(moment(2) - 1)).toBeLessThan((5 * Math.SQRT2) / 200)
  expect(Math.abs(moment(3) - (1 - 2 * p) / deviation)).toBeLessThan((5 * Math.sqrt(15)) / 200)
  expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw <= n)).toBe(true)
})

test('the edges need no draw', () => {
  const never = () => {
    throw new Error('drawn')
  }
  expect([binomialDraw(0, 0.5, never), binomialDraw(9, 0, never), binomialDraw(9, 1, never)]).toEqual([
    0, 0, 9,
  ])
})

test('one seed, one canary; and an outright failure is aborted at the first look that may decide', () => {
  const world = worlds().find(({ requests, shares }) => requests === 1000 && shares[0] === 0.5)!
  const run = { world, rise: 0.3, windows: 50, rules: ['abort', 'promote'] } as const
  expect(simulate(run, seeded(3))).toEqual(simulate(run, seeded(3)))
  expect(simulate(run, seeded(3))).toEqual({ abort: 10 })
})

test('the worlds are all combinations, each once', () => {
  expect(new Set(worlds().map((world) => JSON.stringify(world))).size).toBe(48)
})

/** Published medians of the count test, request by request: 1 → 5 % errors, α = .01. */
test.each([
  [0.5, 815],
  [0.05, 3480],
])('at share %f counts find independent errors after about %i requests', (share, published) => {
  const random = seeded(12)
  const found = Array.from({ length: 500 }, () => {
    let [candidate, total] = [0, 0]
    for (let request = 1; ; request += 1) {
      const isCandidate = random() < share
      if (random() >= (isCandidate ? 0.05 : 0.01)) continue
      total += 1
      if (isCandidate) candidate += 1
      if (countEValue(candidate, total, share) >= 100) return request
    }
  }).sort((left, right) => left - right)
  expect(Math.abs(found[250]! / published - 1)).toBeLessThan(0.12)
})
