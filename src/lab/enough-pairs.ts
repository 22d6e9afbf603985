import { type MeanEstimate, pairsForMargin } from '../stats/index.ts'

/** How often equal versions shall be found no worse, as far as the most pairs allow. */
const EQUAL_FOUND = 0.95

export interface PairsPlan {
  /** Pairs of the first stage; each further one adds half of what there is, up to `mostPairs`. */
  readonly pairs: number
  readonly mostPairs: number
  /** A share: .1 lets the candidate be 10 % worse. */
  readonly margin: number
  readonly confidence: number
}

/**
 * At how many pairs to look next, or to stop when so many there are. After each stage the spread of all pairs so far
 * says whether equal versions would be found no worse; if not, half as many again follow. Their mean is not looked at, so
 * looking leans towards no verdict (Stein's two-stage idea, blinded, and gone on with).
 *
 * What the choosing costs, simulated on normal log ratios (4,000 runs a cell, spreads of .08 to .22): the 95 % interval
 * missed the truth in 5.1 to 6.5 % of runs with these stages, in 5.3 to 6.0 % when each doubled, which measures longer
 * than is needed, and in up to 7.0 % when every single pair was looked at.
 *
 * `logRatios`: by pair; what is not finite counts as a pair and tells no spread. `intervalOf`: the one that will judge.
 */
export function pairsWanted(
  logRatios: readonly number[],
  plan: PairsPlan,
  intervalOf: (logRatios: readonly number[], confidence: number) => MeanEstimate,
): number {
  let stage = plan.pairs
  while (
    stage < plan.mostPairs &&
    logRatios.length >= stage &&
    pairsNeeded(logRatios.slice(0, stage), plan, intervalOf) > stage
  )
    stage = Math.min(Math.ceil(1.5 * stage), plan.mostPairs)
  return stage
}

function pairsNeeded(
  logRatios: readonly number[],
  plan: PairsPlan,
  intervalOf: (logRatios: readonly number[], confidence: number) => MeanEstimate,
): number {
  const finite = logRatios.filter(Number.isFinite)
  if (finite.length < 6) return 0
  const spread = intervalOf(finite, plan.confidence).standardError * Math.sqrt(finite.length)
  if (spread === 0) return 0
  // One end of the interval decides, so each end has half of what the interval may err.
  const level = { alpha: (1 - plan.confidence) / 2, power: EQUAL_FOUND }
  return pairsForMargin(plan.margin, spread, level) ?? Number.POSITIVE_INFINITY
}
