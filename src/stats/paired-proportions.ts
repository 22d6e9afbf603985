import { requireCount, requirePositiveCount } from './check.ts'
import { twoSidedNormal } from './proportion.ts'
import { findRoot } from './special/root.ts'
import type { Estimate } from './types.ts'

export interface Pairs {
  /** Items that only the candidate got right. */
  readonly gained: number
  /** Items that only the champion got right. */
  readonly lost: number
  /** All paired items. */
  readonly n: number
}

/**
 * Interval of p_B − p_A for two classifiers on the same items: Tango's (1998) score interval, which inverts the
 * score test with the discordant rate fitted at each difference.
 */
export function pairedDifference(pairs: Pairs, confidence = 0.95): Estimate {
  const { gained, lost, n } = pairs
  requirePositiveCount('n', n)
  requireCount('gained', gained)
  requireCount('lost', lost)
  if (gained + lost > n) throw new RangeError(`${gained + lost} discordant items cannot come from ${n}`)
  const z = twoSidedNormal(confidence)
  const estimate = (gained - lost) / n
  const score = (difference: number) => tangoScore(gained, lost, n, difference)
  return {
    estimate,
    lower: lost === n ? -1 : findRoot((difference) => score(difference) - z, -1, estimate),
    upper: gained === n ? 1 : findRoot((difference) => score(difference) + z, estimate, 1),
  }
}

/** (b − c − nΔ)/√(n(2·q̂ + Δ(1 − Δ))), q̂ the fitted rate of lost items when the true difference is Δ. */
function tangoScore(gained: number, lost: number, n: number, difference: number): number {
  const distance = gained - lost - n * difference
  if (Math.abs(difference) === 1) return distance === 0 ? 0 : Math.sign(distance) * Number.MAX_VALUE
  const linear = -gained - lost + (2 * n - gained + lost) * difference
  const constant = -lost * difference * (1 - difference)
  const fitted = (Math.sqrt(Math.max(0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
  const variance = n * (2 * fitted + difference * (1 - difference))
  if (variance <= 0) return distance === 0 ? 0 : Math.sign(distance) * Number.MAX_VALUE
  return distance / Math.sqrt(variance)
}
