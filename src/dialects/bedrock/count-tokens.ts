import type { GenerateRequest } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { countOf, objectOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { exceptionIn } from './errors.ts'
import { writeRequest } from './write-request.ts'

/** `model/{model}/count-tokens`. docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html */
export const converseTokenCount = {
  writeRequest(request: GenerateRequest, modelName: string): JsonObject {
    const { additionalModelRequestFields, messages, system, toolConfig } = writeRequest(request, modelName)
    return { input: { converse: { messages, system, toolConfig, additionalModelRequestFields } } }
  },
  readAnswer(body: unknown): { input_tokens: number } {
    const tokens = countOf(objectOf(body)?.inputTokens)
    if (tokens === null)
      throw new UpstreamBroken(exceptionIn(body) ?? brokenProblem('its answer has no count of tokens'))
    return { input_tokens: tokens }
  },
}
