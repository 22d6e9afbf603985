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
  halfRequests: z.number().int().positive(),
  concurrency: z.number().int().positive(),
  /** Requests above this quantile of their pair are counted at it: the machine was taken away, the model did not work. */
  winsorAt: z.number(),
  timeoutMs: z.number().positive(),
  /** USD for one core for an hour; null: no price is known, and none is made up. */
  pricePerCoreHourUsd: z.number().positive().nullable(),
})
export type CostPlan = z.infer<typeof costPlan>

export const costSizes = z.strictObject({
  pairs: z.number().int().min(12).max(500).default(24),
  mostPairs: z.number().int().min(12).max(1000).default(60),
  halfRequests: z.number().int().min(72).max(100_000).default(150),
  pricePerCoreHourUsd: z.number().positive().nullable().default(null),
})
export type CostSizes = z.input<typeof costSizes>

/** Spread of the log ratio of two halves of 150 requests between pairs, on a shared machine: a guess until measured. */
const ASSUMED_PAIR_SD = 0.08
const EXPECTED_REQUEST_MS = 8

export function planCost(context: CheckContext, wanted: CostSizes): CheckPlan {
  const sizes = costSizes.parse(wanted)
  const plan: CostPlan = {
    ...planFor(context, 'cost'),
    check: 'cost',
    margin: context.change.proposal.margins.cost,
    ...sizes,
    mostPairs: Math.max(sizes.pairs, sizes.mostPairs),
    concurrency: 4,
    winsorAt: 0.99,
    timeoutMs: 10_000,
  }
  return {
    check: 'cost',
    plan,
    expectedMs: (2 * plan.pairs * plan.halfRequests * EXPECTED_REQUEST_MS) / plan.concurrency,
    says: [
      `Compute-seconds per 1,000 answers, as the replicas report them: ${plan.pairs} pairs AB/BA of ${plan.halfRequests} requests a half, up to ${plan.mostPairs} if their spread asks for it.`,
      `At a spread of ${percent(ASSUMED_PAIR_SD, 0)} between pairs the ratio is known to ± ${percent(ratioHalfWidth(plan.pairs, ASSUMED_PAIR_SD))}; the margin is ${percent(plan.margin)}.`,
      plan.pricePerCoreHourUsd === null
        ? 'No price per core-hour is given, so no money is computed.'
        : `At $${plan.pricePerCoreHourUsd} per core-hour. ${grouped(1000)} answers are priced by their compute alone.`,
    ],
    impossible:
      context.golden.items.length === 0 ? ['The golden set is empty: there is nothing to send.'] : [],
  }
}
