import { NO_USAGE, type RerankAnswer, type RerankRequest, type TokenUsage } from '../../contracts/index.ts'
import { type PlainProvider, type PlainSurface, UpstreamBroken } from '../dialect.ts'
import { Place } from '../json/place.ts'
import { countOf, listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import { plainFieldOf, promptOnly, promptUsage, wholeAnswer, wholeGlance } from './embeddings.ts'
import { charactersIn } from './glance.ts'

const MAX_DOCUMENTS = 10_000
const FIELDS: Readonly<Record<string, string>> = { top: 'top_n', withDocuments: 'return_documents' }

/** `POST /v1/rerank` in the form that Cohere began and Jina, vLLM and Together share. */
export const rerankSurface: PlainSurface<RerankRequest, RerankAnswer> = {
  glance: (body) => wholeGlance(body, charactersIn(body.query) + charactersIn(body.documents)),
  readRequest(body) {
    const root = new Place(body)
    const {
      documents: _,
      model: __,
      params: ___,
      query: ____,
      return_documents: _____,
      top_n: ______,
      ...rest
    } = body
    const extras = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
    const documents = root.at('documents').list(MAX_DOCUMENTS)
    if (documents.length === 0) root.at('documents').fail('has nothing to order')
    const top = root.at('top_n').maybe((place) => place.integer(1))
    const withDocuments = root.at('return_documents').maybe((place) => place.flag())
    return {
      query: root.at('query').text(),
      documents: documents.map((one) => (typeof one.value === 'string' ? one.value : one.at('text').text())),
      ...(top === undefined ? {} : { top }),
      ...(withDocuments === undefined ? {} : { withDocuments }),
      ...(Object.keys(extras).length === 0 ? {} : { extras }),
    }
  },
  fieldOf: plainFieldOf(FIELDS),
  writeAnswer: ({ results, usage }, { model, requestId }) => ({
    id: requestId,
    model,
    results: results.map(({ document, index, score }) => ({
      index,
      relevance_score: score,
      ...(document === undefined ? {} : { document: { text: document } }),
    })),
    ...promptUsage(usage),
  }),
}

export const rerankProvider: PlainProvider<RerankRequest, RerankAnswer> = {
  writeRequest: ({ documents, extras, query, top, withDocuments }, model) => ({
    model,
    query,
    documents,
    ...(top === undefined ? {} : { top_n: top }),
    ...(withDocuments === undefined ? {} : { return_documents: withDocuments }),
    ...extras,
  }),
  readAnswer(body) {
    const told = wholeAnswer(body)
    // Together and TEI call them otherwise.
    const results = listOf(told.results ?? told.data).map((one, place) => {
      const { document, index, relevance_score: relevance, score = relevance } = objectOf(one) ?? {}
      if (!Number.isSafeInteger(index) || typeof score !== 'number')
        throw new UpstreamBroken(brokenProblem(`entry ${place} of its answer has no index or no score`))
      const text = textOf(document) ?? textOf(objectOf(document)?.text)
      return { index: index as number, score, ...(text === undefined ? {} : { document: text }) }
    })
    if (results.length === 0) throw new UpstreamBroken(brokenProblem('its answer has no results'))
    const model = textOf(told.model)
    return {
      ...(model === undefined ? {} : { providerModel: model }),
      results: results.sort((left, right) => right.score - left.score),
      usage: usageOf(told),
    }
  },
}

/** Cohere bills searches and not tokens; what it says of tokens is in `meta`. */
function usageOf({ meta, usage }: { readonly meta?: unknown; readonly usage?: unknown }): TokenUsage {
  if (objectOf(usage) !== undefined) return promptOnly(usage)
  const input = countOf(objectOf(objectOf(meta)?.tokens)?.input_tokens)
  return input === null ? NO_USAGE : { ...NO_USAGE, input, output: 0 }
}
