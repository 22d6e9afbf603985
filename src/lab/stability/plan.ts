import { z } from 'zod'
import { commonPlan, planFor } from '../common-plan.ts'
import { grouped, percent } from '../judging.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'
import { isPerturbable, noiseKinds } from './perturb.ts'

export const stabilityPlan = commonPlan.extend({
  check: z.literal('stability'),
  margin: z.number(),
  noise: z.object({
    /** 0: nothing in the contract can be disturbed. */
    items: z.number().int().nonnegative(),
    kinds: z.array(z.enum(noiseKinds)),
    blockItems: z.number().int().positive(),
  }),
  repeats: z.object({
    items: z.number().int().nonnegative(),
    /** One run of all items at each; all runs must agree. */
    concurrencies: z.array(z.number().int().positive()).min(2),
  }),
  concurrency: z.number().int().positive(),
  timeoutMs: z.number().positive(),
  leastScored: z.number(),
})
export type StabilityPlan = z.infer<typeof stabilityPlan>

export const stabilitySizes = z.strictObject({
  noiseItems: z.number().int().min(1).max(1_000_000).default(1000),
  repeatItems: z.number().int().min(1).max(1_000_000).default(400),
})
export type StabilitySizes = z.input<typeof stabilitySizes>

const EXPECTED_REQUEST_MS = 12
/** Two-sided 95 %: with no disagreement in n items the difference of two versions is below z²/(n + z²). */
const Z_SQUARED = 3.84

export function planStability(context: CheckContext, wanted: StabilitySizes): CheckPlan {
  const sizes = stabilitySizes.parse(wanted)
  const items = context.golden.items.length
  const margin = context.change.proposal.margins.stabilityFlips
  const noiseItems = isPerturbable(context.model.contract) ? Math.min(items, sizes.noiseItems) : 0
  const plan: StabilityPlan = {
    ...planFor(context, 'stability'),
    check: 'stability',
    margin,
    noise: { items: noiseItems, kinds: [...noiseKinds], blockItems: 50 },
    repeats: { items: Math.min(items, sizes.repeatItems), concurrencies: [1, 8, 8, 8, 32] },
    concurrency: 8,
    timeoutMs: 10_000,
    leastScored: 0.95,
  }
  const silent = Math.ceil(Z_SQUARED / margin - Z_SQUARED)
  const repeatCost = plan.repeats.concurrencies.reduce((sum, level) => sum + 1 / level, 0)
  const impossible: string[] = []
  if (items === 0) impossible.push('The golden set is empty.')
  else if (plan.repeats.items < silent)
    impossible.push(
      `${grouped(plan.repeats.items)} repeated items are too few for a margin of ${percent(margin)}, even if all agree: ${grouped(silent)} are wanted.`,
    )
  return {
    check: 'stability',
    plan,
    expectedMs:
      2 * EXPECTED_REQUEST_MS * ((noiseItems * 3) / plan.concurrency + plan.repeats.items * repeatCost),
    says: [
      noiseItems === 0
        ? 'The contract has no text or float input that could be disturbed; only repeats are judged.'
        : `${grouped(noiseItems)} items, each clean and with ${noiseKinds.length} kinds of noise, through both versions.`,
      `${grouped(plan.repeats.items)} items repeated at ${plan.repeats.concurrencies.join(', ')} requests at once must give the same answers.`,
      `Flips may not rise by ${percent(margin)} or more.`,
    ],
    impossible,
  }
}
