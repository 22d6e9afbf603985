import type { Sampling } from '../../../contracts/index.ts'
import type { SamplerConfig } from './binding.ts'
import { wrong } from './refusal.ts'

/**
 * How tokens are drawn. What a request leaves out is off: temperature 1 and no filter draw from the model's own distribution. The
 * order is llama.cpp's: bias, penalties, topK, topP, minP, temperature.
 *
 * Frequency and presence count the answer alone; with a repetition penalty, which is meant for question and answer, all
 * three count both, since one sampler does it.
 */
export function samplerConfigOf(
  sampling: Sampling,
  question: readonly number[],
  seed: number,
  vocabularySize: number,
): SamplerConfig {
  const { temperature = 1, topK, topP, minP, logitBias } = sampling
  return {
    ...(temperature > 0 ? { temperature } : {}),
    ...(topK === undefined || topK === 0 ? {} : { topK }),
    ...(topP === undefined || topP === 1 ? {} : { topP }),
    ...(minP === undefined || minP === 0 ? {} : { minP }),
    seed: seed >>> 0,
    ...penaltiesOf(sampling, question),
    ...(logitBias === undefined ? {} : biasOf(logitBias, vocabularySize)),
  }
}

/** Far enough back for any answer: llama.cpp counts within a window. */
const PENALTY_TOKENS = 4096

function penaltiesOf(
  { repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0 }: Sampling,
  question: readonly number[],
): SamplerConfig {
  if (repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0) return {}
  return {
    repeatPenalty: repetitionPenalty,
    repeatPenaltyFrequencyPenalty: frequencyPenalty,
    repeatPenaltyPresencePenalty: presencePenalty,
    repeatPenaltyMaxTokens: PENALTY_TOKENS,
    repeatPenaltyTokens: Uint32Array.from(repetitionPenalty === 1 ? [] : question.slice(-PENALTY_TOKENS)),
  }
}

function biasOf(logitBias: Readonly<Record<string, number>>, vocabularySize: number): SamplerConfig {
  const pairs = Object.entries(logitBias)
  for (const [token] of pairs)
    if (!/^\d{1,9}$/.test(token) || Number(token) >= vocabularySize)
      throw wrong(`logitBias: ${token} is no token of this model, which has ${vocabularySize}.`)
  if (pairs.length === 0) return {}
  return {
    tokenBiasKeys: Uint32Array.from(pairs, ([token]) => Number(token)),
    tokenBiasValues: Float32Array.from(pairs, ([, bias]) => bias),
  }
}
