import { z } from 'zod'
import { ratioHalfWidth } from '../../stats/index.ts'
import { commonPlan, planFor } from '../common-plan.ts'
import { grouped, percent } from '../judging.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'

export const costPlan = commonPlan.extend({
  check: z.literal('cost'),
  margin: z.number(),
  pairs: z.number().int().min(2),
  mostPairs: z.number().int().min(2),
  /** A half asks so many groups of rows, each so often; a group costs this quantile of its askings. */
  groups: z.number().int().positive(),
  repeats: z.number().int().positive(),
  askingQuantile: z.number(),
  rowsPerRequest: z.number().int().positive(),
  concurrency: z.number().int().positive(),
  timeoutMs: z.number().positive(),
  /** USD for one core for an hour; null: no price is known, and none is made up. */
  pricePerCoreHourUsd: z.number().positive().nullable(),
})
export type CostPlan = z.infer<typeof costPlan>

export const costSizes = z.strictObject({
  pairs: z.number().int().min(12).max(500).default(24),
  mostPairs: z.number().int().min(12).max(1000).default(240),
  groups: z.number().int().min(10).max(10_000).default(12),
  repeats: z.number().int().min(5).max(100).default(5),
  pricePerCoreHourUsd: z.number().positive().nullable().default(null),
})
export type CostSizes = z.input<typeof costSizes>

/** Spread of the log ratio of two halves between pairs, on a shared machine: a guess until measured. */
const ASSUMED_PAIR_SD = 0.08
const EXPECTED_REQUEST_MS = 4
/** One row takes some microseconds; a full batch of them is long against the microsecond in which replicas count. */
const ROWS_PER_REQUEST = 32

export function planCost(context: CheckContext, wanted: CostSizes): CheckPlan {
  const sizes = costSizes.parse(wanted)
  const plan: CostPlan = {
    ...planFor(context, 'cost'),
    check: 'cost',
    margin: context.change.proposal.margins.cost,
    ...sizes,
    mostPairs: Math.max(sizes.pairs, sizes.mostPairs),
    rowsPerRequest: Math.min(
      ROWS_PER_REQUEST,
      context.champion.spec.batching.maxBatchSize,
      context.candidate.spec.batching.maxBatchSize,
    ),
    askingQuantile: 0.25,
    concurrency: 1,
    timeoutMs: 10_000,
  }
  return {
    check: 'cost',
    plan,
    expectedMs: (2 * plan.pairs * plan.groups * plan.repeats * EXPECTED_REQUEST_MS) / plan.concurrency,
    says: [
      `Compute-seconds per 1,000 answers, as the replicas report them: ${plan.pairs} pairs in turn, and half as many again up to ${plan.mostPairs} while their spread asks for it; each asks ${plan.groups} groups of ${plan.rowsPerRequest} rows ${plan.repeats} times and counts the lower quartile of each, since a busy machine only ever adds.`,
      `At a spread of ${percent(ASSUMED_PAIR_SD, 0)} between pairs the ratio is known to ± ${percent(ratioHalfWidth(plan.pairs, ASSUMED_PAIR_SD))}; the margin is ${percent(plan.margin)}.`,
      plan.pricePerCoreHourUsd === null
        ? 'No price per core-hour is given, so no money is computed.'
        : `At $${plan.pricePerCoreHourUsd} per core-hour. ${grouped(1000)} answers are priced by their compute alone.`,
    ],
    impossible:
      context.golden.items.length === 0 ? ['The golden set is empty: there is nothing to send.'] : [],
  }
}
