import { z } from 'zod'

/** Answers in the order of the plan's noise kinds; null: unscored. */
const answers = z.array(z.string().nullable())

const noisyItem = z.object({
  id: z.string(),
  champion: z.object({ clean: z.string().nullable(), noisy: answers }),
  candidate: z.object({ clean: z.string().nullable(), noisy: answers }),
})
export type NoisyItem = z.infer<typeof noisyItem>

export const noiseBlock = z.object({ kind: z.literal('noise'), items: z.array(noisyItem) })
export type NoiseBlock = z.infer<typeof noiseBlock>

/** One run of all repeated items at one concurrency. */
export const repeatBlock = z.object({
  kind: z.literal('repeat'),
  concurrency: z.number(),
  ids: z.array(z.string()),
  champion: answers,
  candidate: answers,
})
export type RepeatBlock = z.infer<typeof repeatBlock>

export const stabilityRaw = z.object({ noise: z.array(noiseBlock), repeats: z.array(repeatBlock) })
export type StabilityRaw = z.infer<typeof stabilityRaw>
