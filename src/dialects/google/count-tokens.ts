import type { GenerateRequest } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { countOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { googleBody } from './embeddings.ts'
import { writeRequest } from './write-request.ts'

/** `models/{model}:countTokens` of the Gemini API, which wants the whole request named. ai.google.dev/api/tokens */
export const geminiTokenCount = {
  writeRequest: (request: GenerateRequest, modelName: string): JsonObject => ({
    generateContentRequest: { model: `models/${modelName}`, ...writeRequest(request, modelName) },
  }),
  readAnswer: readCount,
}

/** The same on Vertex, where its parts stand by themselves. cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens */
export const vertexTokenCount = {
  writeRequest(request: GenerateRequest, modelName: string): JsonObject {
    // How the answer is drawn has no say in what the prompt counts.
    const { contents, generationConfig, systemInstruction, tools } = writeRequest(request, modelName)
    return { contents, generationConfig, systemInstruction, tools }
  },
  readAnswer: readCount,
}

function readCount(body: unknown): { input_tokens: number } {
  const tokens = countOf(googleBody(body).totalTokens)
  if (tokens === null) throw new UpstreamBroken(brokenProblem('its answer has no count of tokens'))
  return { input_tokens: tokens }
}
