import { expect, test } from 'vitest'
import { bcaFrom } from './bootstrap.ts'
import {
  benjaminiHochberg,
  canaryLaw,
  chiSquareQuantile,
  chiSquareTail,
  clopperPearson,
  clusteredMean,
  countEValue,
  fisherExact,
  holm,
  mcnemar,
  newcombe,
  normalCdf,
  normalQuantile,
  pairEValue,
  pairedDifference,
  quantile,
  sampleRatio,
  signFlip,
  studentCdf,
  studentQuantile,
  tInterval,
  trimmedInterval,
  wilson,
} from './index.ts'
import { betaQuantile, betaTails, logBeta } from './special/beta.ts'
import { binomialCdf, binomialPoint } from './special/binomial.ts'
import { gammaTails, logGamma } from './special/gamma.ts'
import canary from './vectors/canary.json' with { type: 'json' }
import means from './vectors/means.json' with { type: 'json' }
import proportions from './vectors/proportions.json' with { type: 'json' }
import special from './vectors/special.json' with { type: 'json' }

/** Reference values come from `vectors/generate.py` (mpmath, SciPy, statsmodels). */
function expectClose(actual: number, expected: number, relative = 1e-9, absolute = 0, what = ''): void {
  const error = Math.abs(actual - expected)
  expect(error, `${what}: ${actual} against ${expected}`).toBeLessThanOrEqual(
    relative * Math.abs(expected) + absolute,
  )
}

type Row = readonly number[]

function table(
  rows: readonly Row[],
  f: (row: Row) => readonly number[],
  relative = 1e-9,
  absolute = 0,
): void {
  for (const row of rows) {
    const actual = f(row)
    const expected = row.slice(-actual.length)
    for (const [index, value] of actual.entries())
      expectClose(value, expected[index]!, relative, absolute, JSON.stringify(row))
  }
}

/** Where a value passes through zero as the difference of numbers near 1, their last bits are all there is. */
const ROUNDING = 3e-15

test('special functions agree with mpmath to 12 digits', () => {
  const digits = 1e-12
  table(special.logGamma, ([x]) => [logGamma(x!)], digits, ROUNDING)
  table(special.gammaTails, ([a, x]) => both(gammaTails(a!, x!)), digits)
  table(special.betaTails, ([a, b, x]) => both(betaTails(a!, b!, x!)), digits)
  table(special.normalCdf, ([z]) => [normalCdf(z!)], digits)
  // With 10⁵ degrees of freedom the rounding of df/(df + t²) alone costs a digit.
  table(special.studentCdf, ([t, df]) => [studentCdf(t!, df!)], 1e-11)
  table(special.chiSquareTail, ([x, df]) => [chiSquareTail(x!, df!)], digits)
  table(special.binomial, ([k, n, p]) => [binomialPoint(k!, n!, p!), binomialCdf(k!, n!, p!)], digits)
  table(special.logBeta, ([a, b]) => [logBeta(a!, b!)], digits)
})

test('quantile functions agree with mpmath and SciPy', () => {
  table(special.normalQuantile, ([p]) => [normalQuantile(p!)], 1e-12, ROUNDING)
  table(special.studentQuantile, ([p, df]) => [studentQuantile(p!, df!)])
  table(special.chiSquareQuantile, ([p, df]) => [chiSquareQuantile(p!, df!)])
  table(special.betaQuantile, ([a, b, p]) => [betaQuantile(a!, b!, p!)])
})

test('intervals and tests of proportions agree with statsmodels and SciPy', () => {
  table(proportions.wilson, ([k, n, confidence]) => ends(wilson(k!, n!, confidence)), 1e-9, ROUNDING)
  table(proportions.clopperPearson, ([k, n, confidence]) => ends(clopperPearson(k!, n!, confidence)))
  table(proportions.newcombe, ([ka, na, kb, nb, confidence]) =>
    ends(newcombe({ successes: ka!, n: na! }, { successes: kb!, n: nb! }, confidence)),
  )
  table(proportions.fisher, ([ka, na, kb, nb]) => [
    fisherExact({ successes: ka!, n: na! }, { successes: kb!, n: nb! }),
  ])
  table(proportions.mcnemar, ([b, c]) => [mcnemar(b!, c!).exact, mcnemar(b!, c!).midP])
})

test('the paired score interval agrees with the likelihood maximised numerically', () => {
  // 1e-7: the reference itself finds its optimum to half the digits only.
  table(
    proportions.tango,
    ([gained, lost, n, confidence]) =>
      ends(pairedDifference({ gained: gained!, lost: lost!, n: n! }, confidence)),
    1e-7,
  )
})

test('means, bootstraps and corrections agree with SciPy and statsmodels', () => {
  for (const [sample, confidence, lower, upper] of means.trimmedInterval as [
    number[],
    number,
    number,
    number,
  ][])
    pairwise(ends(trimmedInterval(sample, confidence)), [lower, upper])
  for (const [sample, confidence, lower, upper] of means.tInterval as [number[], number, number, number][])
    pairwise(ends(tInterval(sample, confidence)), [lower, upper])
  for (const [sample, pValue] of means.signFlip as [number[], number][])
    expectClose(signFlip(sample, { random: unused }).pValue, pValue)
  for (const [values, clusters, estimate, error] of means.clustered as [
    number[],
    number[],
    number,
    number,
  ][]) {
    const actual = clusteredMean(values, clusters)
    pairwise([actual.estimate, actual.standardError], [estimate, error])
  }
  for (const [estimate, distribution, jackknife, lower, upper] of means.bca as [
    number,
    number[],
    number[],
    number,
    number,
  ][])
    pairwise(ends(bcaFrom(estimate, distribution, jackknife, 0.95)), [lower, upper])
  for (const [sorted, p, expected] of means.quantile as [number[], number, number][])
    expectClose(quantile(sorted, p), expected)
  for (const [p, byHolm, byHochberg] of means.adjusted as [number[], number[], number[]][]) {
    pairwise(holm(p), byHolm)
    pairwise(benjaminiHochberg(p), byHochberg)
  }
  for (const [observed, shares, statistic, pValue] of means.sampleRatio as [
    number[],
    number[],
    number,
    number,
  ][]) {
    const actual = sampleRatio(observed, shares)
    pairwise([actual.chiSquare, actual.pValue], [statistic, pValue])
  }
  table(means.pairEValue, ([b, c]) => [pairEValue(b!, c!)])
  table(means.countEValue, ([candidate, total, share]) => [countEValue(candidate!, total!, share!)])
})

test('the canary law agrees with the same law written in NumPy', () => {
  type Case = [
    [number, number, number, number][],
    'abort' | 'promote',
    number,
    number,
    number,
    number,
    number,
    boolean,
    boolean,
  ]
  for (const row of canary.law as Case[]) {
    const [windows, mode, delta, margin, alpha, difference, halfWidth, isReady, isDecided] = row
    const reading = canaryLaw(
      windows.map(([na, ea, nb, eb]) => ({ a: { n: na, events: ea }, b: { n: nb, events: eb } })),
      { mode, delta, margin, alpha },
    )
    expect(Math.abs(reading.difference - difference)).toBeLessThan(1e-12)
    expectClose(reading.halfWidth, halfWidth)
    expect([reading.isReady, reading.isDecided]).toEqual([isReady, isDecided])
  }
})

function both(tails: { lower: number; upper: number }): number[] {
  return [tails.lower, tails.upper]
}

const ends = both

function pairwise(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  for (const [index, value] of actual.entries()) expectClose(value, expected[index]!)
}

function unused(): number {
  throw new Error('an exact p-value needs no random number')
}
