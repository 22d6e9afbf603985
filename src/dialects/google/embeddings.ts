import type { EmbedAnswer, EmbedRequest } from '../../contracts/index.ts'
import { type JsonObject, type PlainProvider, UnsupportedFeature, UpstreamBroken } from '../dialect.ts'
import { extrasAmong, put, refuseKeys } from '../json/fields.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'
import { embedUsage, textInputs, vectorsFor } from '../json/vectors.ts'
import { brokenProblem } from '../problem.ts'
import { readProblem } from './errors.ts'

/** `TaskType` (ai.google.dev/api/embeddings), and what others call the same. */
const TASKS: Readonly<Record<string, string>> = {
  search_query: 'RETRIEVAL_QUERY',
  query: 'RETRIEVAL_QUERY',
  search_document: 'RETRIEVAL_DOCUMENT',
  document: 'RETRIEVAL_DOCUMENT',
  passage: 'RETRIEVAL_DOCUMENT',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
  semantic_similarity: 'SEMANTIC_SIMILARITY',
  question_answering: 'QUESTION_ANSWERING',
  fact_verification: 'FACT_VERIFICATION',
  code_retrieval_query: 'CODE_RETRIEVAL_QUERY',
  retrieval_query: 'RETRIEVAL_QUERY',
  retrieval_document: 'RETRIEVAL_DOCUMENT',
}

/** `models/{model}:batchEmbedContents`, one request for each input. ai.google.dev/api/embeddings */
export const geminiEmbeddings: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest(request, modelName) {
    const shared = { ...extrasAmong(request.extras, ['title'], 'gemini') }
    put(shared, 'taskType', taskOf(request))
    put(shared, 'outputDimensionality', request.dimensions)
    return {
      requests: textInputs(request, 'gemini').map((text) => ({
        model: `models/${modelName}`,
        content: { parts: [{ text }] },
        ...shared,
      })),
    }
  },
  readAnswer(body, request) {
    const answer = googleBody(body)
    const values = listOf(answer.embeddings).map((one) => objectOf(one)?.values)
    const used = countOf(objectOf(answer.usageMetadata)?.promptTokenCount)
    return { vectors: vectorsFor(values, request), usage: embedUsage(used) }
  },
}

/**
 * `publishers/google/models/{model}:predict`, one instance for each input.
 * cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
 */
export const vertexEmbeddings: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest(request) {
    const { autoTruncate, title } = extrasAmong(request.extras, ['autoTruncate', 'title'], 'gemini')
    const shared: JsonObject = {}
    put(shared, 'task_type', taskOf(request))
    put(shared, 'title', title)
    const parameters: JsonObject = {}
    put(parameters, 'autoTruncate', autoTruncate)
    put(parameters, 'outputDimensionality', request.dimensions)
    return {
      instances: textInputs(request, 'gemini').map((content) => ({ content, ...shared })),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    }
  },
  readAnswer(body, request) {
    const told = listOf(googleBody(body).predictions).map((one) => objectOf(objectOf(one)?.embeddings))
    const counts = told.map((one) => countOf(objectOf(one?.statistics)?.token_count))
    const used = counts.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
    return {
      vectors: vectorsFor(
        told.map((one) => one?.values),
        request,
      ),
      usage: embedUsage(told.length === 0 ? null : used),
    }
  },
}

function taskOf(request: EmbedRequest): string | undefined {
  refuseKeys(request, ['user'], 'gemini')
  const { purpose } = request
  if (purpose === undefined) return undefined
  const name = purpose.toLowerCase()
  if (!Object.hasOwn(TASKS, name))
    throw new UnsupportedFeature('purpose', 'gemini', `gemini embeds nothing for ${purpose}`)
  return TASKS[name]
}

/** Throws `UpstreamBroken` for what is no object, and for an error inside a 200. */
export function googleBody(body: unknown): JsonObject {
  const problem = readProblem(body, 200)
  const answer = objectOf(body)
  if (problem !== undefined || answer === undefined)
    throw new UpstreamBroken(problem ?? brokenProblem('its answer is not a JSON object'))
  return answer
}
