import { requireCount, requireOpenUnit, requirePositiveCount } from './check.ts'
import { betaQuantile } from './special/beta.ts'
import { normalQuantile } from './special/normal.ts'
import type { Estimate } from './types.ts'

/**
 * Score interval of a proportion (Wilson 1927), the default for any rate here: close to nominal coverage from
 * n = 5 on and never outside [0, 1] (Brown, Cai, DasGupta 2001).
 */
export function wilson(successes: number, n: number, confidence = 0.95): Estimate {
  requireTrials(successes, n)
  const z = twoSidedNormal(confidence)
  const rate = successes / n
  const denominator = 1 + (z * z) / n
  const centre = (rate + (z * z) / (2 * n)) / denominator
  const half = (z / denominator) * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n))
  return {
    estimate: rate,
    lower: successes === 0 ? 0 : centre - half,
    upper: successes === n ? 1 : centre + half,
  }
}

/** Exact interval of a proportion (Clopper, Pearson 1934): covers at least `confidence`, at the price of width. */
export function clopperPearson(successes: number, n: number, confidence = 0.95): Estimate {
  requireTrials(successes, n)
  requireOpenUnit('confidence', confidence)
  const tail = (1 - confidence) / 2
  return {
    estimate: successes / n,
    lower: successes === 0 ? 0 : betaQuantile(successes, n - successes + 1, tail),
    upper: successes === n ? 1 : betaQuantile(successes + 1, n - successes, 1 - tail),
  }
}

/** z with P(|Z| ≤ z) = confidence. */
export function twoSidedNormal(confidence: number): number {
  requireOpenUnit('confidence', confidence)
  return -normalQuantile((1 - confidence) / 2)
}

export function requireTrials(successes: number, n: number): void {
  requirePositiveCount('n', n)
  requireCount('successes', successes)
  if (successes > n) throw new RangeError(`${successes} successes cannot come from ${n} trials`)
}
