import { requireAtLeast, requireFinite } from './check.ts'
import { around, type MeanEstimate, mean, variance } from './paired-mean.ts'

/**
 * Interval of the mean of paired differences with the lowest and highest `trim` of them left out (Tukey and McLaughlin
 * 1963; Yuen 1974): the standard error is that of the values drawn in to the last ones kept, over 1 − 2·trim, with
 * h − 1 degrees of freedom for h kept values. For differences whose law is symmetric, which a coin over the order makes
 * them when nothing differs, it has the level of Student's interval, and a few wild pairs do not widen it. At least two
 * values must be kept; `trim` in [0, 0.5).
 */
export function trimmedInterval(differences: readonly number[], confidence = 0.95, trim = 0.2): MeanEstimate {
  requireFinite('differences', differences)
  if (!(trim >= 0 && trim < 0.5)) throw new RangeError(`trim must lie in [0, 0.5), not ${trim}`)
  const n = differences.length
  const cut = Math.floor(trim * n)
  requireAtLeast('kept differences', n - 2 * cut, 2)
  const sorted = [...differences].sort((left, right) => left - right)
  const kept = sorted.slice(cut, n - cut)
  const low = kept[0] as number
  const high = kept.at(-1) as number
  const drawnIn = sorted.map((value) => Math.min(high, Math.max(low, value)))
  const standardError = Math.sqrt(variance(drawnIn) / n) / (1 - 2 * trim)
  return around(mean(kept), standardError, kept.length - 1, confidence)
}
