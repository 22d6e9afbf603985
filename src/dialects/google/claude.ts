import type { GenerateRequest } from '../../contracts/index.ts'
import { anthropicProvider, anthropicTokenCount } from '../anthropic/anthropic.ts'
import { writeHosted } from '../anthropic/hosted-request.ts'
import type { JsonObject, ProviderDialect } from '../dialect.ts'
import { parsedBody } from '../json/error-body.ts'
import { listOf, objectOf } from '../json/tolerant.ts'
import { readError } from './errors.ts'

const VERSION = 'vertex-2023-10-16'

/**
 * Anthropic's models on Vertex: `publishers/anthropic/models/{model}:rawPredict` and `:streamRawPredict`, in the words of
 * their own Messages API. cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude
 */
export const anthropicOnVertex: ProviderDialect = {
  ...anthropicProvider,
  writeRequest: (request, modelName) => writeHosted(request, modelName, VERSION),
  // Of the model in its own form, of what stands before it in Google's.
  readError(status, body) {
    const parsed = parsedBody(body)
    const { error } = objectOf(listOf(parsed)[0] ?? parsed) ?? {}
    const isGoogle = typeof objectOf(error)?.status === 'string' || typeof objectOf(error)?.code === 'number'
    return isGoogle ? readError(status, body) : anthropicProvider.readError(status, body)
  },
}

/** `publishers/anthropic/models/count-tokens:rawPredict`; the model is in the body. */
export const anthropicTokenCountOnVertex = {
  writeRequest(request: GenerateRequest, modelName: string): JsonObject {
    writeHosted(request, modelName, VERSION)
    return { ...anthropicTokenCount.writeRequest(request, modelName), anthropic_version: VERSION }
  },
  readAnswer: anthropicTokenCount.readAnswer,
}
