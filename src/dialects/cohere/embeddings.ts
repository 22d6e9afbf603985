import type { EmbedAnswer, EmbedRequest } from '../../contracts/index.ts'
import { type DialectName, type JsonObject, type PlainProvider, UnsupportedFeature } from '../dialect.ts'
import { extrasAmong, put, refuseKeys } from '../json/fields.ts'
import { countOf, listOf, objectOf } from '../json/tolerant.ts'
import { embedUsage, textInputs, vectorsFor } from '../json/vectors.ts'
import { cohereBody } from './errors.ts'

/** What its models tell apart, and what others call the same. */
const PURPOSES: Readonly<Record<string, string>> = {
  search_document: 'search_document',
  document: 'search_document',
  passage: 'search_document',
  search_query: 'search_query',
  query: 'search_query',
  classification: 'classification',
  clustering: 'clustering',
}
const EXTRAS = ['truncate', 'max_tokens', 'priority']

/** `POST /v2/embed`. docs.cohere.com/reference/embed */
export const cohereEmbeddings: PlainProvider<EmbedRequest, EmbedAnswer> = {
  writeRequest: (request, modelName) => ({
    model: modelName,
    ...writeEmbed(request, 'cohere'),
    embedding_types: ['float'],
  }),
  readAnswer: (body, request) => {
    const answer = cohereBody(body)
    const billed = objectOf(objectOf(answer.meta)?.billed_units)
    return { vectors: readVectors(answer, request), usage: embedUsage(countOf(billed?.input_tokens)) }
  },
}

/** Its embeddings wherever they run. What is to be found is embedded unless something else is said: it must be said there. */
export function writeEmbed(request: EmbedRequest, dialect: DialectName): JsonObject {
  refuseKeys(request, ['user'], dialect)
  const { dimensions, extras, purpose = 'search_document' } = request
  const asked = Object.hasOwn(PURPOSES, purpose) ? PURPOSES[purpose] : undefined
  if (asked === undefined)
    throw new UnsupportedFeature('purpose', dialect, `${dialect} embeds nothing for ${purpose}`)
  const body: JsonObject = { ...extrasAmong(extras, EXTRAS, dialect), input_type: asked }
  body.texts = textInputs(request, dialect)
  put(body, 'output_dimension', dimensions)
  return body
}

/** By type, as version 2 tells them, or as a list, as it is told where no type was asked for. */
export function readVectors({ embeddings }: JsonObject, request: EmbedRequest): EmbedAnswer['vectors'] {
  return vectorsFor(listOf(objectOf(embeddings)?.float ?? embeddings), request)
}
