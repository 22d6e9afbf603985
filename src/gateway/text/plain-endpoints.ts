import type { EmbedAnswer, EmbedRequest, RerankAnswer, TokenUsage } from '../../contracts/index.ts'
import type { JsonObject, RequestGlance, SurfaceDialect } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { ProblemForm } from '../server/answer.ts'
import type { Endpoint, NeutralAnswer } from './endpoint.ts'

/** Paths whose answers are whole and whose bodies are small: vectors, orders of documents, moderation, counts. */

const MAX_INPUTS = 2048
const MAX_DOCUMENTS = 10_000

/** OpenAI `POST /v1/embeddings`. */
export function embeddingsEndpoint(errors: ProblemForm | undefined): Endpoint {
  return {
    operation: 'embed',
    surface: 'openai-embeddings',
    dialect: undefined,
    errors,
    glance: (body) => glanceOf(body, charactersOf(body.input)),
    work: (body) => ({ kind: 'embed', request: readEmbed(body) }),
    fieldOf: (feature) => ({ inputs: 'input', encoding: 'encoding_format' })[feature] ?? feature,
    write(answer: NeutralAnswer, { model }) {
      const { usage, vectors } = answer as EmbedAnswer
      return {
        object: 'list',
        data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
        model,
        usage: { prompt_tokens: promptTokens(usage), total_tokens: promptTokens(usage) },
      }
    },
  }
}

/** The form that Cohere, Jina and vLLM share. */
export function rerankEndpoint(errors: ProblemForm | undefined): Endpoint {
  return {
    operation: 'rerank',
    surface: 'rerank',
    dialect: undefined,
    errors,
    glance: (body) => glanceOf(body, charactersOf(body.query) + charactersOf(body.documents)),
    work: (body) => ({ kind: 'rerank', request: readRerank(body) }),
    fieldOf: (feature) => ({ top: 'top_n', withDocuments: 'return_documents' })[feature] ?? feature,
    write(answer: NeutralAnswer, { model, requestId }) {
      const { results, usage } = answer as RerankAnswer
      return {
        id: requestId,
        model,
        results: results.map(({ document, index, score }) => ({
          index,
          relevance_score: score,
          ...(document === undefined ? {} : { document: { text: document } }),
        })),
        usage: { total_tokens: promptTokens(usage) },
      }
    },
  }
}

/** OpenAI `POST /v1/moderations`; body and answer go through as they are, but for the model's name. */
export function moderationsEndpoint(errors: ProblemForm | undefined): Endpoint {
  return {
    operation: 'moderate',
    surface: 'openai-moderations',
    dialect: undefined,
    errors,
    glance: (body) => glanceOf(body, charactersOf(body.input)),
    work: (body) => {
      if (body.input === undefined) throw invalid('/input', 'input is missing.')
      return { kind: 'moderate', body }
    },
    fieldOf: (feature) => feature,
    write: (answer: NeutralAnswer, { model }) => ({ ...(answer as JsonObject), model }),
  }
}

/** Anthropic `POST /v1/messages/count_tokens`. */
export function countTokensEndpoint(dialect: SurfaceDialect, errors: ProblemForm): Endpoint {
  return {
    operation: 'count-tokens',
    surface: dialect.name,
    dialect: undefined,
    errors,
    glance: (body) => ({ ...dialect.glance(body), stream: false }),
    // The count has no bound of its own; the form of a message wants one.
    work: (body) => ({ kind: 'count-tokens', request: dialect.readRequest({ max_tokens: 1, ...body }) }),
    fieldOf: (feature) => dialect.fieldOf(feature),
    write: (answer: NeutralAnswer) => answer as JsonObject,
  }
}

function readEmbed(body: JsonObject): EmbedRequest {
  const { dimensions, encoding_format: encoding, input, model: _, user, ...extras } = body
  if (encoding !== undefined && encoding !== 'float' && encoding !== 'base64')
    throw invalid('/encoding_format', 'encoding_format must be float or base64.')
  if (dimensions !== undefined && !(Number.isInteger(dimensions) && (dimensions as number) > 0))
    throw invalid('/dimensions', 'dimensions must be a whole number above 0.')
  if (user !== undefined && typeof user !== 'string') throw invalid('/user', 'user must be text.')
  return {
    inputs: inputsOf(input),
    ...(dimensions === undefined ? {} : { dimensions: dimensions as number }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(user === undefined ? {} : { user }),
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
  }
}

/** One text, several, or the same as token ids. */
function inputsOf(input: unknown): EmbedRequest['inputs'] {
  if (typeof input === 'string') return [input]
  const isIds = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every(Number.isInteger)
  if (isIds(input)) return [input]
  if (!Array.isArray(input) || input.length === 0 || input.length > MAX_INPUTS)
    throw invalid('/input', `input must be text, token ids, or 1 to ${MAX_INPUTS} of either.`)
  if (input.every((one) => typeof one === 'string') || input.every(isIds))
    return input as EmbedRequest['inputs']
  throw invalid('/input', 'input must hold texts only, or lists of token ids only.')
}

function readRerank(body: JsonObject) {
  const { documents, model: _, query, return_documents: withDocuments, top_n: top, ...extras } = body
  if (typeof query !== 'string') throw invalid('/query', 'query must be text.')
  if (!Array.isArray(documents) || documents.length === 0 || documents.length > MAX_DOCUMENTS)
    throw invalid('/documents', `documents must be a list of 1 to ${MAX_DOCUMENTS}.`)
  if (top !== undefined && !(Number.isInteger(top) && (top as number) > 0))
    throw invalid('/top_n', 'top_n must be a whole number above 0.')
  return {
    query,
    documents: documents.map((document, index) => {
      const text = typeof document === 'string' ? document : (document as { text?: unknown } | null)?.text
      if (typeof text !== 'string') throw invalid(`/documents/${index}`, 'A document is text, or has a text.')
      return text
    }),
    ...(top === undefined ? {} : { top: top as number }),
    ...(withDocuments === true ? { withDocuments: true } : {}),
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
  }
}

function glanceOf(body: JsonObject, promptCharacters: number): RequestGlance {
  return {
    model: typeof body.model === 'string' ? body.model : undefined,
    stream: false,
    includeUsage: true,
    user: typeof body.user === 'string' ? body.user : undefined,
    maxOutputTokens: 0,
    promptCharacters,
    isSampled: false,
  }
}

function charactersOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (!Array.isArray(value)) return typeof value === 'number' ? 4 : 0
  let characters = 0
  for (const one of value) characters += charactersOf((one as { text?: unknown } | null)?.text ?? one)
  return characters
}

function promptTokens(usage: TokenUsage): number {
  return (usage.input ?? 0) + (usage.cacheRead ?? 0)
}

function invalid(pointer: string, reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason }, { pointer })
}
