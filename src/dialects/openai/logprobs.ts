import type { TokenLogprob } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { listOf, objectOf } from '../json/tolerant.ts'

/** `logprobs.content` of chat completions. Undefined where there is none. */
export function readLogprobs(value: unknown): TokenLogprob[] | undefined {
  const tokens = listOf(objectOf(value)?.content).flatMap((one) => {
    const token = tokenOf(one)
    if (token === undefined) return []
    const top = listOf(objectOf(one)?.top_logprobs).flatMap((other) => tokenOf(other) ?? [])
    return [{ ...token, top }]
  })
  return tokens.length === 0 ? undefined : tokens
}

function tokenOf(value: unknown): TokenLogprob | undefined {
  const { bytes, logprob, token } = objectOf(value) ?? {}
  if (typeof token !== 'string' || typeof logprob !== 'number') return undefined
  const isBytes = Array.isArray(bytes) && bytes.every(Number.isInteger)
  return { token, logprob, bytes: isBytes ? (bytes as number[]) : null }
}

export function writeLogprobs(logprobs: readonly TokenLogprob[] | undefined): JsonObject | null {
  if (logprobs === undefined) return null
  return {
    content: logprobs.map((one) => ({
      ...written(one),
      top_logprobs: (one.top ?? []).map(written),
    })),
    refusal: null,
  }
}

function written({ bytes, logprob, token }: TokenLogprob): JsonObject {
  return { token, logprob, bytes: bytes ?? null }
}
