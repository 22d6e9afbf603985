import { histogramQuantileMs } from '../../kernel/index.ts'
import { quantile, tInterval } from '../../stats/index.ts'
import { pairsWanted } from '../enough-pairs.ts'
import { ascending, logRatio } from './pair-ratio.ts'
import type { LatencyPlan } from './plan.ts'
import type { Half, PairBlock } from './raw.ts'

/**
 * Which pairs count, and when there are enough. Both answers look at the instrument and at the spread of the ratios,
 * never at their mean, so they cannot lean towards a verdict. Measuring and judging use the same rule.
 */

/** Was the client in time in both halves? A pair it was late in tells of the client and is replaced by a spare one. */
export function isSound(plan: LatencyPlan, pair: PairBlock): boolean {
  return pair.halves.every((half) => halfFault(plan, half) === undefined)
}

export function halfFault(plan: LatencyPlan, half: Half): 'late' | 'rate' | 'sockets' | undefined {
  const { mostLagMs, mostLagOfMedian, leastAchieved } = plan.instrument
  const lagMs = histogramQuantileMs(half.sendLag, 0.99) ?? 0
  if (lagMs > mostLagMs && lagMs > mostLagOfMedian * quantile(ascending(half.latencyMs), 0.5)) return 'late'
  if (half.achieved < leastAchieved) return 'rate'
  const sent = Object.values(half.sendLag).reduce((sum, count) => sum + count, 0)
  return half.capped > sent / 100 ? 'sockets' : undefined
}

export function soundPairs(plan: LatencyPlan, pairs: readonly PairBlock[]): PairBlock[] {
  return pairs.filter((pair) => isSound(plan, pair))
}

/** Is another pair to be measured after these? */
export function wantsAnother(plan: LatencyPlan, kind: 'aa' | 'ab', pairs: readonly PairBlock[]): boolean {
  const sound = soundPairs(plan, pairs)
  if (pairs.length - sound.length > plan.sparePairs) return false
  const planned = kind === 'aa' ? plan.aaPairs : plan.pairs
  if (sound.length < planned) return true
  if (kind === 'aa') return false
  const ratios = sound.map((pair) => logRatio(pair, plan.quantile))
  return sound.length < pairsWanted(ratios, plan, tInterval)
}
