import { z } from 'zod'

const scoredItem = z.object({
  id: z.string(),
  label: z.string(),
  /** The class each version named; null with the reason beside it when there was none. */
  champion: z.string().nullable(),
  candidate: z.string().nullable(),
  championUnscored: z.string().optional(),
  candidateUnscored: z.string().optional(),
  slice: z.record(z.string(), z.string()).optional(),
  /** Text of items where exactly one version is right. */
  excerpt: z.string().optional(),
})
export type ScoredItem = z.infer<typeof scoredItem>

export const accuracyBlock = z.object({ items: z.array(scoredItem) })
export type AccuracyBlock = z.infer<typeof accuracyBlock>

export const accuracyRaw = z.object({ blocks: z.array(accuracyBlock) })
