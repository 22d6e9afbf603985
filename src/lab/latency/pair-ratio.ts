import { pairsForMargin, quantile } from '../../stats/index.ts'
import type { LatencyPlan } from './plan.ts'
import type { Half, PairBlock } from './raw.ts'

/** Ascending; what got no answer in time is infinite: a censored value is kept, never dropped. */
export function ascending(latencyMs: readonly (number | null)[]): number[] {
  return latencyMs.map((value) => value ?? Number.POSITIVE_INFINITY).sort((left, right) => left - right)
}

export function halvesOf(pair: PairBlock): { base: Half; other: Half } {
  const [first, second] = pair.halves
  return pair.firstIs === 'base' ? { base: first, other: second } : { base: second, other: first }
}

/** ln Q_other(p) − ln Q_base(p); not finite when a quantile lies among the censored. */
export function logRatio(pair: PairBlock, p: number): number {
  const { base, other } = halvesOf(pair)
  return Math.log(quantile(ascending(other.latencyMs), p)) - Math.log(quantile(ascending(base.latencyMs), p))
}

export function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}

/** How often equal versions shall be found no worse, as far as the most pairs allow. */
const EQUAL_FOUND = 0.95

/**
 * How many pairs the spread of the finished ones asks for, so that equal versions are found no worse. Their mean is
 * not looked at, so looking costs no false verdicts (Stein's two-stage idea, blinded).
 */
export function pairsWanted(
  logRatios: readonly number[],
  plan: Pick<LatencyPlan, 'pairs' | 'mostPairs' | 'margin' | 'confidence'>,
): number {
  const finite = logRatios.filter(Number.isFinite)
  if (finite.length < 2) return plan.pairs
  const spread = standardDeviation(finite)
  if (spread === 0) return plan.pairs
  // One end of the interval decides, so each end has half of what the interval may err.
  const needed = pairsForMargin(plan.margin, spread, { alpha: (1 - plan.confidence) / 2, power: EQUAL_FOUND })
  return Math.min(plan.mostPairs, Math.max(plan.pairs, needed ?? plan.mostPairs))
}
