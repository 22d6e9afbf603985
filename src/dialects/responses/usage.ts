import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { countOf, objectOf } from '../json/tolerant.ts'

/** `input_tokens` includes what came from and went to a cache, `output_tokens` the thinking. */
export function readUsage(value: unknown): TokenUsage {
  const told = objectOf(value)
  if (told === undefined) return NO_USAGE
  const ofInput = objectOf(told.input_tokens_details) ?? {}
  const ofOutput = objectOf(told.output_tokens_details) ?? {}
  const total = countOf(told.input_tokens)
  const read = countOf(ofInput.cached_tokens)
  const written = countOf(ofInput.cache_write_tokens)
  const input = total === null ? null : total - (read ?? 0) - (written ?? 0)
  // Figures that contradict each other are refused, never repaired by a guess.
  const isSound = input !== null && input >= 0
  return {
    ...NO_USAGE,
    input: isSound ? input : null,
    cacheRead: isSound ? read : null,
    cacheWrite: isSound ? written : null,
    output: countOf(told.output_tokens),
    reasoning: countOf(ofOutput.reasoning_tokens),
  }
}

/** Null where one of the two counts is not known: nobody is told a zero for it. The details must be figures. */
export function writeUsage(usage: TokenUsage): JsonObject | null {
  const { cacheRead, cacheWrite, cacheWriteHour, input, output, reasoning } = usage
  if (input === null || output === null) return null
  const written = (cacheWrite ?? 0) + (cacheWriteHour ?? 0)
  const total = input + (cacheRead ?? 0) + written
  return {
    input_tokens: total,
    input_tokens_details: { cached_tokens: cacheRead ?? 0, cache_write_tokens: written },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning ?? 0 },
    total_tokens: total + output,
  }
}
