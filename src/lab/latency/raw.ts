import { z } from 'zod'

const counts = z.record(z.string(), z.number())
const arm = z.enum(['champion', 'candidate'])
export type Arm = z.infer<typeof arm>

const rung = z.object({
  arm,
  concurrency: z.number(),
  requests: z.number(),
  goodPerSecond: z.number(),
  /** null: below the floor of the percentile. */
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  failures: counts,
})
export type Rung = z.infer<typeof rung>

export const ladderBlock = z.object({
  kind: z.literal('ladder'),
  rungs: z.array(rung),
  /** Load of the halves that follow. */
  ratePerSecond: z.number().positive(),
})
export type LadderBlock = z.infer<typeof ladderBlock>

const half = z.object({
  arm,
  latencyMs: z.array(z.number().nonnegative().nullable()).min(1),
  failures: counts,
  sendLag: counts,
  achieved: z.number(),
  capped: z.number(),
  loopDelayMs: z.number(),
  queueMs: z.number().nullable(),
  computeMs: z.number().nullable(),
})
export type Half = z.infer<typeof half>

/**
 * Two halves, one after the other in the order given, or at once (see `isInterleaved`). In an A/A pair both are the same
 * version: the champion in one, the candidate in the next.
 */
export const pairBlock = z.object({
  kind: z.enum(['aa', 'ab']),
  /** Which side of the ratio the first half is: `base` divides. */
  firstIs: z.enum(['base', 'other']),
  halves: z.tuple([half, half]),
})
export type PairBlock = z.infer<typeof pairBlock>

export const latencyRaw = z.object({
  ladder: ladderBlock,
  aa: z.array(pairBlock),
  ab: z.array(pairBlock),
})
export type LatencyRaw = z.infer<typeof latencyRaw>
