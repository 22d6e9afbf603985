import { quantile, trimmedInterval } from '../../stats/index.ts'
import { pairsWanted } from '../enough-pairs.ts'
import type { CostPlan } from './plan.ts'
import type { CostBlock, CostHalf } from './raw.ts'

export type CostSums = Pick<CostPlan, 'groups' | 'rowsPerRequest' | 'askingQuantile'>

/**
 * Compute per row of both sides of a pair, ms: the mean over groups of a low quantile over repeats. The machine is taken
 * away now and then for longer than an answer takes, which only ever adds to single askings and is no work of the model;
 * what some rows cost more than others stays in. Only groups that both sides answered count.
 *
 * Spread of the log ratio between pairs on two cores under a load of eleven, equal versions, 60 requests each, one
 * version after the other: lower quartile .12, median .18; of single requests cut at their 99th percentile .68.
 */
export function meansOf(block: CostBlock, plan: CostSums): { champion: number; candidate: number } | null {
  const side = (arm: CostHalf['arm']) => block.halves.find((half) => half.arm === arm)?.computeMs ?? []
  const champion = groupCosts(side('champion'), plan)
  const candidate = groupCosts(side('candidate'), plan)
  const both = champion.flatMap((value, group) => {
    const other = candidate[group]
    return value === null || other === null || other === undefined ? [] : [[value, other] as const]
  })
  if (both.length === 0) return null
  const rows = both.length * plan.rowsPerRequest
  return {
    champion: both.reduce((sum, [value]) => sum + value, 0) / rows,
    candidate: both.reduce((sum, [, value]) => sum + value, 0) / rows,
  }
}

/** ln of candidate over champion; null when a side has no answers or took no time. */
export function costRatio(block: CostBlock, plan: CostSums): number | null {
  const means = meansOf(block, plan)
  if (means === null || means.champion <= 0 || means.candidate <= 0) return null
  return Math.log(means.candidate / means.champion)
}

/** At how many pairs the measurement stops, or looks next; measuring and judging use the same rule. */
export function costPairsWanted(plan: CostPlan, blocks: readonly CostBlock[]): number {
  return pairsWanted(
    blocks.map((block) => costRatio(block, plan) ?? Number.NaN),
    plan,
    trimmedInterval,
  )
}

function groupCosts(
  computeMs: CostHalf['computeMs'],
  { groups, askingQuantile }: CostSums,
): (number | null)[] {
  return Array.from({ length: groups }, (_, group) => {
    const asked = computeMs.filter((_, index) => index % groups === group).filter((value) => value !== null)
    if (asked.length === 0) return null
    return quantile(
      asked.sort((left, right) => left - right),
      askingQuantile,
    )
  })
}
