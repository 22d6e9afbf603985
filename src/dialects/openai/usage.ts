import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { countOf, objectOf } from '../json/tolerant.ts'

/**
 * Usage as chat completions tell it: the prompt includes what came from and went to a cache, the completion includes
 * the thinking. Figures that contradict each other are refused (null), never repaired by a guess: a cache larger than its
 * prompt, a total that is not the sum.
 *
 * Known variants: DeepSeek `prompt_cache_hit_tokens`; Moonshot `cached_tokens` beside the counts; xAI counts the
 * thinking beside the completion, which its total shows; Gemini counts it into the total only.
 */
export function readUsage(value: unknown): TokenUsage {
  const told = objectOf(value)
  if (told === undefined) return NO_USAGE
  const ofPrompt = objectOf(told.prompt_tokens_details) ?? {}
  const ofCompletion = objectOf(told.completion_tokens_details) ?? {}
  const prompt = countOf(told.prompt_tokens)
  const reasoning = countOf(ofCompletion.reasoning_tokens ?? told.reasoning_tokens)
  const { isPromptSound, output } = completionOf(told, prompt, reasoning)
  const read = countOf(ofPrompt.cached_tokens ?? told.prompt_cache_hit_tokens ?? told.cached_tokens)
  const written = countOf(ofPrompt.cache_write_tokens)
  const input = prompt === null ? null : prompt - (read ?? 0) - (written ?? 0)
  const isInputSound = isPromptSound && input !== null && input >= 0
  return {
    input: isInputSound ? input : null,
    cacheRead: isInputSound ? read : null,
    cacheWrite: isInputSound ? written : null,
    cacheWriteHour: null,
    output,
    reasoning: within(reasoning, output),
    inputAudio: isInputSound ? within(countOf(ofPrompt.audio_tokens), input) : null,
    outputAudio: within(countOf(ofCompletion.audio_tokens), output),
    providerToolCalls: countOf(objectOf(told.server_tool_use)?.web_search_requests ?? told.num_sources_used),
  }
}

function completionOf(
  told: JsonObject,
  prompt: number | null,
  reasoning: number | null,
): { output: number | null; isPromptSound: boolean } {
  const completion = countOf(told.completion_tokens)
  const total = countOf(told.total_tokens)
  if (
    completion === null ||
    prompt === null ||
    total === null ||
    total === 0 ||
    total === prompt + completion
  )
    return { output: completion, isPromptSound: true }
  if (reasoning !== null && total === prompt + completion + reasoning)
    return { output: completion + reasoning, isPromptSound: true }
  return { output: null, isPromptSound: total > prompt + completion }
}

function within(part: number | null, whole: number | null): number | null {
  return part !== null && whole !== null && part <= whole ? part : null
}

/** Undefined where one of the two counts is not known: nobody is told a zero for it. */
export function writeUsage(usage: TokenUsage): JsonObject | undefined {
  const { cacheRead, input, inputAudio, output, outputAudio, reasoning } = usage
  if (input === null || output === null) return undefined
  const written =
    usage.cacheWrite === null && usage.cacheWriteHour === null
      ? null
      : (usage.cacheWrite ?? 0) + (usage.cacheWriteHour ?? 0)
  const prompt = input + (cacheRead ?? 0) + (written ?? 0)
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    ...detailsOf('prompt_tokens_details', {
      cached_tokens: cacheRead,
      cache_write_tokens: written,
      audio_tokens: inputAudio,
    }),
    ...detailsOf('completion_tokens_details', { reasoning_tokens: reasoning, audio_tokens: outputAudio }),
  }
}

function detailsOf(name: string, counts: Record<string, number | null>): JsonObject {
  const known = Object.entries(counts).filter(([, count]) => count !== null)
  return known.length === 0 ? {} : { [name]: Object.fromEntries(known) }
}

/** Dollars as decimal text, where a provider named the sum (OpenRouter `usage.cost`). */
export function readCostUsd(value: unknown): string | null {
  const cost = objectOf(value)?.cost
  if (typeof cost !== 'number' || !(cost >= 0) || cost > 1e6) return null
  return cost.toFixed(12).replace(/\.?0+$/, '')
}
