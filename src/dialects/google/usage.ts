import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'

/**
 * `usageMetadata` of ai.google.dev/api/generate-content. The prompt's count has what came from a cache in it, but not
 * what the provider's own tools added; thoughts stand beside the candidates' count.
 */
export function readUsage(raw: JsonObject): TokenUsage {
  const prompt = countOf(raw.promptTokenCount)
  const cached = countOf(raw.cachedContentTokenCount)
  const thoughts = countOf(raw.thoughtsTokenCount)
  const candidates = countOf(raw.candidatesTokenCount)
  const audio = audioIn(raw.promptTokensDetails)
  const isOutputTold = candidates !== null || thoughts !== null
  return {
    ...NO_USAGE,
    input:
      prompt === null
        ? null
        : Math.max(0, prompt - (cached ?? 0)) + (countOf(raw.toolUsePromptTokenCount) ?? 0),
    cacheRead: cached,
    output: isOutputTold ? (candidates ?? 0) + (thoughts ?? 0) : null,
    reasoning: thoughts,
    inputAudio: audio === null ? null : Math.max(0, audio - (audioIn(raw.cacheTokensDetails) ?? 0)),
    outputAudio: audioIn(raw.candidatesTokensDetails),
  }
}

/** Every chunk of a stream tells it anew, cumulatively and not always in full: figures only grow. */
export function growUsage(before: JsonObject, told: unknown): JsonObject {
  const grown = { ...before }
  for (const [name, value] of Object.entries(objectOf(told) ?? {})) {
    const count = countOf(value)
    if (count !== null) grown[name] = Math.max(count, countOf(grown[name]) ?? 0)
    else if (Array.isArray(value) && value.length > 0) grown[name] = value
  }
  return grown
}

/** Modalities are counted one by one: `[{modality: 'AUDIO', tokenCount: 7}]`. */
function audioIn(details: unknown): number | null {
  const counts = listOf(details)
    .map(objectOf)
    .filter((one) => one?.modality === 'AUDIO')
    .map((one) => countOf(one?.tokenCount) ?? 0)
  return counts.length === 0 ? null : counts.reduce((sum, one) => sum + one, 0)
}
