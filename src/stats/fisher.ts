import { requireTrials } from './proportion.ts'
import { binomialPoint } from './special/binomial.ts'
import type { Proportion } from './types.ts'

/**
 * Fisher's exact test of two independent proportions: two-sided p-value by the sum of all tables no likelier than the
 * one seen. For error counts too small for an interval to be worth much. O(successes).
 */
export function fisherExact(a: Proportion, b: Proportion): number {
  requireTrials(a.successes, a.n)
  requireTrials(b.successes, b.n)
  const successes = a.successes + b.successes
  const share = successes / (a.n + b.n)
  if (share === 0 || share === 1) return 1
  const whole = binomialPoint(successes, a.n + b.n, share)
  const chance = (inA: number) =>
    (binomialPoint(inA, a.n, share) * binomialPoint(successes - inA, b.n, share)) / whole
  // Tables as likely as the one seen must count in spite of rounding.
  const limit = chance(a.successes) * (1 + 1e-7)
  let pValue = 0
  for (let inA = Math.max(0, successes - b.n); inA <= Math.min(a.n, successes); inA += 1) {
    const point = chance(inA)
    if (point <= limit) pValue += point
  }
  return Math.min(1, pValue)
}
