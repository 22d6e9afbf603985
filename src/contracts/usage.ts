import { z } from 'zod'

/**
 * Tokens of one request, normalised: no class is inside another, but for `reasoning`, which is inside `output`.
 * OpenAI counts cached tokens into the prompt and Anthropic does not; both come out the same here. Null: not told.
 */
export const tokenUsage = z.object({
  /** Read by the model and neither read from nor written to a prompt cache. */
  input: z.number().int().nonnegative().nullable(),
  cacheRead: z.number().int().nonnegative().nullable(),
  /** Written to a cache that lives five minutes, or as long as the provider says by default. */
  cacheWrite: z.number().int().nonnegative().nullable(),
  /** Written to a cache that lives an hour. */
  cacheWriteHour: z.number().int().nonnegative().nullable(),
  output: z.number().int().nonnegative().nullable(),
  /** Of `output`. */
  reasoning: z.number().int().nonnegative().nullable(),
  /** Of `input`. */
  inputAudio: z.number().int().nonnegative().nullable(),
  /** Of `output`. */
  outputAudio: z.number().int().nonnegative().nullable(),
  /** Searches and other paid calls that the provider made by itself. */
  providerToolCalls: z.number().int().nonnegative().nullable(),
})
export type TokenUsage = z.infer<typeof tokenUsage>

export const NO_USAGE: TokenUsage = Object.freeze({
  input: null,
  cacheRead: null,
  cacheWrite: null,
  cacheWriteHour: null,
  output: null,
  reasoning: null,
  inputAudio: null,
  outputAudio: null,
  providerToolCalls: null,
})

/**
 * How well a cost is known. `exact`: tokens as billed, at a known price. `provider-reported`: the provider named the
 * sum. `estimated`: bounded from both sides, never above what the model can put out. `unknown`: never shown as zero.
 */
export const costState = z.enum(['exact', 'provider-reported', 'estimated', 'unknown'])
export type CostState = z.infer<typeof costState>

export const costRow = z.object({
  state: costState,
  /** Decimal text; null when unknown. */
  costUsd: z.string().nullable(),
  /** The price row it was made from: source and content hash, so that history can be priced again. */
  price: z.string().nullable(),
  /** Why it is not exact. */
  reason: z.string().optional(),
})
export type CostRow = z.infer<typeof costRow>
