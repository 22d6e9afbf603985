import { NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'

/**
 * `TokenUsage` of Converse: `inputTokens` has neither what was read from a cache nor what was written to one in it, and
 * `cacheDetails` splits the latter by lifetime. docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function readUsage(value: unknown): TokenUsage {
  const raw = objectOf(value)
  if (raw === undefined) return NO_USAGE
  const written = countOf(raw.cacheWriteInputTokens)
  const hours = listOf(raw.cacheDetails)
    .map(objectOf)
    .filter((one) => one?.ttl === '1h')
    .map((one) => countOf(one?.inputTokens) ?? 0)
  const hour = hours.length === 0 ? null : hours.reduce((sum, one) => sum + one, 0)
  return {
    ...NO_USAGE,
    input: countOf(raw.inputTokens),
    cacheRead: countOf(raw.cacheReadInputTokens),
    cacheWrite: written === null ? null : Math.max(0, written - (hour ?? 0)),
    cacheWriteHour: hour,
    output: countOf(raw.outputTokens),
  }
}
