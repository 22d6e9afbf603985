import { z } from 'zod'

const half = z.object({
  arm: z.enum(['champion', 'candidate']),
  /** Of each answered request, as its header says. */
  computeMs: z.array(z.number().nonnegative()),
  failed: z.number().int().nonnegative(),
})

/** Two halves in the order in which they were run, with the same items. */
export const costBlock = z.object({ halves: z.tuple([half, half]) })
export type CostBlock = z.infer<typeof costBlock>

export const costRaw = z.object({ blocks: z.array(costBlock) })
