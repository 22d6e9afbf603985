import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import { countOf, objectOf } from '../json/tolerant.ts'

/**
 * `usage` counts twice: `tokens` has what the model read and wrote, words that Cohere itself put around the prompt
 * among them, and `billed_units` what is paid for. The latter counts here, since costs are made from it. Tokens from a
 * cache are in both. docs.cohere.com/reference/chat
 */
export function readUsage(value: unknown): TokenUsage {
  const raw = objectOf(value)
  const billed = objectOf(raw?.billed_units)
  const tokens = objectOf(raw?.tokens)
  const input = countOf(billed?.input_tokens) ?? countOf(tokens?.input_tokens)
  const cached = countOf(raw?.cached_tokens)
  return {
    ...NO_USAGE,
    input: input === null ? null : Math.max(0, input - (cached ?? 0)),
    cacheRead: cached,
    output: countOf(billed?.output_tokens) ?? countOf(tokens?.output_tokens),
    providerToolCalls: countOf(billed?.search_units),
  }
}
