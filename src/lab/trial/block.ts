import { z } from 'zod'
import { exchangeRow } from '../load/exchange-row.ts'

/** Which block comes: all that tells it from the others. `target` is 0 or 1. */
export const step = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rung'), target: z.number().int(), concurrency: z.number().int() }),
  z.object({ kind: z.literal('cell'), target: z.number().int(), class: z.string() }),
  z.object({
    kind: z.literal('half'),
    phase: z.enum(['single', 'aa', 'ab']),
    pair: z.number().int(),
    /** First or second half of its pair. */
    place: z.number().int(),
    /** Does it divide the ratio, or is it divided? */
    side: z.enum(['base', 'other']),
    target: z.number().int(),
    rate: z.number(),
  }),
])
export type Step = z.infer<typeof step>
export type HalfStep = Extract<Step, { kind: 'half' }>

export const block = z.object({
  step,
  rows: z.array(exchangeRow),
  achieved: z.number(),
  lastedMs: z.number(),
  loopDelayP99Ms: z.number(),
  answeredBy: z.string().nullable(),
})
export type Block = z.infer<typeof block>
