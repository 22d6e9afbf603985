import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { countOf, objectOf } from '../json/tolerant.ts'
import { mergeUsage } from '../merge-usage.ts'

/**
 * Usage of the Messages API: `input_tokens` counts neither what was read from a cache nor what was written to one, and
 * `cache_creation` splits the latter by lifetime. In a stream it is told in `message_start` and, cumulatively, in every
 * `message_delta`, where the split is left out.
 */
export function readUsage(value: unknown): TokenUsage {
  const raw = objectOf(value)
  if (raw === undefined) return NO_USAGE
  const written = countOf(raw.cache_creation_input_tokens)
  const split = objectOf(raw.cache_creation) ?? {}
  const hour = countOf(split.ephemeral_1h_input_tokens)
  const details = objectOf(raw.output_tokens_details) ?? {}
  return {
    ...NO_USAGE,
    input: countOf(raw.input_tokens),
    cacheRead: countOf(raw.cache_read_input_tokens),
    cacheWrite:
      written === null ? countOf(split.ephemeral_5m_input_tokens) : Math.max(0, written - (hour ?? 0)),
    cacheWriteHour: hour,
    output: countOf(raw.output_tokens),
    reasoning: countOf(details.thinking_tokens),
    providerToolCalls: serverCalls(raw.server_tool_use),
  }
}

/** What is told later in a stream wins, silence erases nothing; a total without its split leaves the hour's share be. */
export function laterUsage(before: TokenUsage, raw: unknown): TokenUsage {
  const later = readUsage(raw)
  const { cacheWrite, cacheWriteHour } = later
  const isTotal = cacheWrite !== null && cacheWriteHour === null && before.cacheWriteHour !== null
  const told = isTotal
    ? { ...later, cacheWrite: Math.max(0, cacheWrite - (before.cacheWriteHour ?? 0)) }
    : later
  return mergeUsage(before, told)
}

/** What nobody told is 0 where the form wants a number, and null where it allows that. */
export function writeUsage(usage: TokenUsage): JsonObject {
  const { cacheRead, cacheWrite, cacheWriteHour, input, output, providerToolCalls, reasoning } = usage
  const isWriteKnown = cacheWrite !== null || cacheWriteHour !== null
  return {
    input_tokens: input ?? 0,
    cache_creation_input_tokens: isWriteKnown ? (cacheWrite ?? 0) + (cacheWriteHour ?? 0) : null,
    cache_read_input_tokens: cacheRead,
    cache_creation:
      cacheWriteHour === null
        ? null
        : { ephemeral_5m_input_tokens: cacheWrite ?? 0, ephemeral_1h_input_tokens: cacheWriteHour },
    output_tokens: output ?? 0,
    output_tokens_details: reasoning === null ? null : { thinking_tokens: reasoning },
    // Which tools they were is not told; searches are what they nearly always are.
    server_tool_use:
      providerToolCalls === null ? null : { web_search_requests: providerToolCalls, web_fetch_requests: 0 },
  }
}

/** Of `message_delta`: the split by lifetime only where there is one, since most that read this form know none here. */
export function writeDeltaUsage(usage: TokenUsage): JsonObject {
  const { cache_creation: split, ...told } = writeUsage(usage)
  return { ...told, input_tokens: usage.input, ...(split === null ? {} : { cache_creation: split }) }
}

function serverCalls(value: unknown): number | null {
  const counts = Object.values(objectOf(value) ?? {})
    .map(countOf)
    .filter((one) => one !== null)
  return counts.length === 0 ? null : counts.reduce((sum, one) => sum + one, 0)
}
