import type { GenerateAnswer, Problem, TextOperation } from '../../contracts/index.ts'
import {
  type DialectName,
  embeddingsSurface,
  moderationsSurface,
  type PlainSurface,
  rerankSurface,
  type SurfaceDialect,
  slipwaySurface,
} from '../../dialects/index.ts'
import type { ProblemForm } from '../server/answer.ts'
import type { TextRouteName } from '../server/route-table.ts'
import type { Endpoint, NeutralAnswer, UpstreamWork } from './endpoint.ts'

export type Endpoints = Partial<Record<TextRouteName, Endpoint>>
export type Surfaces = Partial<Record<DialectName, SurfaceDialect>>

const GENERATION: readonly (readonly [TextRouteName, DialectName])[] = [
  ['chatCompletions', 'openai-chat'],
  ['completions', 'openai-completions'],
  ['responses', 'openai-responses'],
  ['messages', 'anthropic'],
]

/** The endpoints that the dialects at hand make possible; what is not here answers 404. */
export function endpointsOf(surfaces: Surfaces): Endpoints {
  const endpoints: Endpoints = { generate: generation(slipwaySurface, undefined) }
  for (const [route, name] of GENERATION) {
    const dialect = surfaces[name]
    if (dialect !== undefined) endpoints[route] = generation(dialect, errorsOf(dialect))
  }
  const openai = surfaces['openai-chat']
  const errors = openai === undefined ? undefined : errorsOf(openai)
  endpoints.embeddings = plain('embed', 'openai-embeddings', embeddingsSurface, errors, (request) => ({
    kind: 'embed',
    request,
  }))
  endpoints.rerank = plain('rerank', 'rerank', rerankSurface, errors, (request) => ({
    kind: 'rerank',
    request,
  }))
  endpoints.moderations = plain('moderate', 'openai-moderations', moderationsSurface, errors, (body) => ({
    kind: 'moderate',
    body,
  }))
  const { anthropic } = surfaces
  if (anthropic !== undefined) endpoints.countTokens = tokenCount(anthropic)
  return endpoints
}

const OVERLOADS = new Set(['overloaded', 'upstream_overloaded'])

function errorsOf(dialect: SurfaceDialect): ProblemForm {
  const statusOf = ({ code, status }: Problem): number => {
    // Neither API has 422, and the clients of Anthropic know an overload by a status of its own.
    if (status === 422) return 400
    return dialect.name === 'anthropic' && OVERLOADS.has(code) ? 529 : status
  }
  return {
    contentType: 'application/json',
    statusOf,
    write: (problem) =>
      dialect.writeError({
        code: problem.code,
        status: statusOf(problem),
        title: problem.detail,
        hint: problem.hint ?? '',
        pointer: problem.pointer,
        requestId: problem.requestId ?? '',
      }),
  }
}

function generation(dialect: SurfaceDialect, errors: ProblemForm | undefined): Endpoint {
  return {
    operation: 'generate',
    surface: dialect.name,
    dialect,
    errors,
    glance: (body) => dialect.glance(body),
    work: (body) => ({ kind: 'generate', request: dialect.readRequest(body) }),
    write: (answer, context) => dialect.writeAnswer(answer as GenerateAnswer, context),
    fieldOf: (feature) => dialect.fieldOf(feature),
  }
}

function plain<Request, Answer>(
  operation: TextOperation,
  surface: string,
  dialect: PlainSurface<Request, Answer>,
  errors: ProblemForm | undefined,
  work: (request: Request) => UpstreamWork,
): Endpoint {
  return {
    operation,
    surface,
    dialect: undefined,
    errors,
    glance: (body) => dialect.glance(body),
    work: (body) => work(dialect.readRequest(body)),
    write: (answer, context) => dialect.writeAnswer(answer as Answer, context),
    fieldOf: (feature) => dialect.fieldOf(feature),
  }
}

/** Anthropic `POST /v1/messages/count_tokens`. */
function tokenCount(dialect: SurfaceDialect): Endpoint {
  return {
    operation: 'count-tokens',
    surface: dialect.name,
    dialect: undefined,
    errors: errorsOf(dialect),
    glance: (body) => ({ ...dialect.glance(body), stream: false, maxOutputTokens: 0 }),
    // The count has no bound of its own; the form of a message wants one.
    work: (body) => ({ kind: 'count-tokens', request: dialect.readRequest({ max_tokens: 1, ...body }) }),
    write: (answer: NeutralAnswer) => answer as Record<string, unknown>,
    fieldOf: (feature) => dialect.fieldOf(feature),
  }
}
