import { NO_USAGE, type RerankAnswer, type RerankRequest } from '../../contracts/index.ts'
import { type DialectName, type JsonObject, type PlainProvider, UpstreamBroken } from '../dialect.ts'
import { extrasAmong, put } from '../json/fields.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { cohereBody } from './errors.ts'

const EXTRAS = ['max_tokens_per_doc', 'priority']

/** `POST /v2/rerank`, which is billed by searches. docs.cohere.com/reference/rerank */
export const cohereRerank: PlainProvider<RerankRequest, RerankAnswer> = {
  writeRequest: (request, modelName) => ({ model: modelName, ...writeRerank(request, 'cohere') }),
  readAnswer: (body, request) => {
    const answer = cohereBody(body)
    const searches = countOf(objectOf(objectOf(answer.meta)?.billed_units)?.search_units)
    return {
      results: readResults(answer, request),
      usage: searches === null ? NO_USAGE : { ...NO_USAGE, input: 0, output: 0, providerToolCalls: searches },
    }
  },
}

/** Documents are not told back; who wants them gets those that were sent. */
export function writeRerank(
  { documents, extras, query, top }: RerankRequest,
  dialect: DialectName,
): JsonObject {
  const body: JsonObject = { ...extrasAmong(extras, EXTRAS, dialect), query, documents }
  put(body, 'top_n', top)
  return body
}

export function readResults(
  { results }: JsonObject,
  { documents, withDocuments }: RerankRequest,
): RerankAnswer['results'] {
  const read = listOf(results).map((one, place) => {
    const { index, relevance_score: score } = objectOf(one) ?? {}
    const document = typeof index === 'number' ? documents[index] : undefined
    if (document === undefined || typeof score !== 'number')
      throw broken(`entry ${place} of its answer has no index of a document or no score`)
    return { index: index as number, score, ...(withDocuments === true ? { document } : {}) }
  })
  if (read.length === 0) throw broken('its answer has no results')
  return read.sort((left, right) => right.score - left.score)
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
