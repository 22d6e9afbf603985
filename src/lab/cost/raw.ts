import { z } from 'zod'

const half = z.object({
  arm: z.enum(['champion', 'candidate']),
  /** By repeat, then group: compute of the request by its header, ms; null: it failed. */
  computeMs: z.array(z.number().nonnegative().nullable()),
})
export type CostHalf = z.infer<typeof half>

/** Both versions with the same groups of rows, asked in turn. */
export const costBlock = z.object({ halves: z.tuple([half, half]) })
export type CostBlock = z.infer<typeof costBlock>

export const costRaw = z.object({ blocks: z.array(costBlock) })
