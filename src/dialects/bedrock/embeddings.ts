import type { EmbedAnswer, EmbedRequest, RerankAnswer, RerankRequest } from '../../contracts/index.ts'
import { readVectors, writeEmbed } from '../cohere/embeddings.ts'
import { readResults, writeRerank } from '../cohere/rerank.ts'
import { type JsonObject, type PlainProvider, UnsupportedFeature, UpstreamBroken } from '../dialect.ts'
import { extrasAmong, put, refuseKeys } from '../json/fields.ts'
import { countOf, objectOf } from '../json/tolerant.ts'
import { embedUsage, textInputs, vectorsFor } from '../json/vectors.ts'
import { brokenProblem } from '../problem.ts'
import { exceptionIn } from './errors.ts'

/**
 * Amazon Titan Text Embeddings: one text a call.
 * docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 */
const titan: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest(request) {
    refuseKeys(request, ['purpose', 'user'], 'bedrock-invoke')
    const [text, ...others] = textInputs(request, 'bedrock-invoke')
    if (others.length > 0)
      throw new UnsupportedFeature('inputs', 'bedrock-invoke', 'Titan embeds one text in a call')
    const body: JsonObject = {
      ...extrasAmong(request.extras, ['normalize'], 'bedrock-invoke'),
      inputText: text,
    }
    put(body, 'dimensions', request.dimensions)
    return body
  },
  readAnswer(body, request) {
    const answer = invokeBody(body)
    return {
      vectors: vectorsFor([answer.embedding], request),
      usage: embedUsage(countOf(answer.inputTextTokenCount)),
    }
  },
}

/** Its answer tells no tokens: they are in a header. docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html */
const cohere: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest: (request) => ({ ...writeEmbed(request, 'bedrock-invoke'), embedding_types: ['float'] }),
  readAnswer: (body, request) => ({
    vectors: readVectors(invokeBody(body), request),
    usage: embedUsage(null),
  }),
}

/** docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere-rerank.html */
const cohereRerank: PlainProvider<RerankRequest, RerankAnswer> = {
  writeRequest: (request) => ({ ...writeRerank(request, 'bedrock-invoke'), api_version: 2 }),
  readAnswer: (body, request) => ({
    results: readResults(invokeBody(body), request),
    usage: embedUsage(null),
  }),
}

/** Bodies of `InvokeModel` are the models' own. Undefined: a model that embeds nothing, or is not known here. */
export function bedrockEmbeddings(modelName: string): PlainProvider<EmbedRequest, EmbedAnswer> | undefined {
  if (modelName.includes('amazon.titan-embed-text')) return titan
  return modelName.includes('cohere.embed') ? cohere : undefined
}

export function bedrockRerank(modelName: string): PlainProvider<RerankRequest, RerankAnswer> | undefined {
  return modelName.includes('cohere.rerank') ? cohereRerank : undefined
}

function invokeBody(body: unknown): JsonObject {
  const exception = exceptionIn(body)
  const answer = objectOf(body)
  if (exception !== undefined || answer === undefined)
    throw new UpstreamBroken(exception ?? brokenProblem('its answer is not a JSON object'))
  return answer
}
