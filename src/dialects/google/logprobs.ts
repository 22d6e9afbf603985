import type { TokenLogprob } from '../../contracts/index.ts'
import { listOf, objectOf } from '../json/tolerant.ts'

/**
 * `logprobsResult`: the chosen tokens, and for each of them the likeliest. Undefined where there is none.
 * https://ai.google.dev/api/generate-content#LogprobsResult
 */
export function readLogprobs(value: unknown): TokenLogprob[] | undefined {
  const result = objectOf(value)
  const top = listOf(result?.topCandidates)
  const tokens = listOf(result?.chosenCandidates).map((one, index): TokenLogprob => {
    const others = listOf(objectOf(top[index])?.candidates)
    return { ...tokenOf(one), ...(others.length === 0 ? {} : { top: others.map(tokenOf) }) }
  })
  return tokens.length === 0 ? undefined : tokens
}

function tokenOf(value: unknown): { token: string; logprob: number } {
  const { logProbability, token } = objectOf(value) ?? {}
  return {
    token: typeof token === 'string' ? token : '',
    // JSON of protobuf leaves out zeros: a token that was certain.
    logprob: typeof logProbability === 'number' ? logProbability : 0,
  }
}
