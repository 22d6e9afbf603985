import { z } from 'zod'
import { pairedDetectable, pairedItemsForMargin } from '../../stats/index.ts'
import { commonPlan, planFor } from '../common-plan.ts'
import { grouped, percent } from '../judging.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'

export const accuracyPlan = commonPlan.extend({
  check: z.literal('accuracy'),
  margin: z.number(),
  /** All of them, in an order drawn from the seed. */
  items: z.number().int(),
  blockItems: z.number().int().positive(),
  concurrency: z.number().int().positive(),
  timeoutMs: z.number().positive(),
  /** Below this share of pairs with both answers the comparison is refused. */
  leastPaired: z.number(),
  /** Share of items answered differently that the planning assumes; the analysis uses what was seen. */
  assumedDiscordant: z.number(),
  /** Smallest difference found with probability .8 under that assumption; null: none. */
  detectable: z.number().nullable(),
  /** Flipped items whose text is kept for people. */
  excerpts: z.number().int(),
})
export type AccuracyPlan = z.infer<typeof accuracyPlan>

/** One tenth answered differently is the usual distance between two trained versions of one task. */
const ASSUMED_DISCORDANT = 0.1
/** One request takes so long at this concurrency, batching delay included: a guess for the ETA until it is measured. */
const EXPECTED_REQUEST_MS = 12

export function planAccuracy(context: CheckContext): CheckPlan {
  const items = context.golden.items.length
  const margin = context.change.proposal.margins.accuracy
  const isGoal = context.change.proposal.goal === 'accuracy'
  const detectable = items === 0 ? undefined : pairedDetectable(items, ASSUMED_DISCORDANT)
  const plan: AccuracyPlan = {
    ...planFor(context, 'accuracy'),
    check: 'accuracy',
    margin,
    items,
    blockItems: 100,
    concurrency: 8,
    timeoutMs: 10_000,
    leastPaired: 0.95,
    assumedDiscordant: ASSUMED_DISCORDANT,
    detectable: detectable ?? null,
    excerpts: 400,
  }
  // The lower end of the 95 % interval decides.
  const wanted = pairedItemsForMargin(Math.min(margin, ASSUMED_DISCORDANT), ASSUMED_DISCORDANT, {
    alpha: 0.025,
  })
  return {
    check: 'accuracy',
    plan,
    expectedMs: (2 * items * EXPECTED_REQUEST_MS) / plan.concurrency,
    says: [
      `${grouped(items)} golden items through both versions, interleaved, paired by id.`,
      detectable === undefined
        ? 'So few items cannot show any difference.'
        : `If ${percent(ASSUMED_DISCORDANT, 0)} are answered differently, a difference of ${percent(detectable)} is found four times in five.`,
      isGoal
        ? 'The goal is accuracy: the candidate must be better, by its whole interval.'
        : `It must not be worse by ${percent(margin)} or more.`,
    ],
    impossible: impossible(items, wanted, margin, isGoal, detectable),
  }
}

function impossible(
  items: number,
  wanted: number,
  margin: number,
  isGoal: boolean,
  detectable: number | undefined,
): string[] {
  if (items === 0) return ['The golden set is empty.']
  if (isGoal)
    return detectable === undefined ? [`${items} items cannot show that the candidate is better.`] : []
  return items < wanted
    ? [
        `${grouped(items)} items are too few to show "not worse by ${percent(margin)}" for equal versions: ${grouped(wanted)} are wanted if ${percent(ASSUMED_DISCORDANT, 0)} are answered differently.`,
      ]
    : []
}
