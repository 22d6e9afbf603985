import type { GenerateAnswer } from '../../contracts/index.ts'
import type { DialectName, SurfaceDialect } from '../../dialects/index.ts'
import type { ProblemForm } from '../server/answer.ts'
import type { TextRouteName } from '../server/route-table.ts'
import type { Endpoint } from './endpoint.ts'
import {
  countTokensEndpoint,
  embeddingsEndpoint,
  moderationsEndpoint,
  rerankEndpoint,
} from './plain-endpoints.ts'
import { slipwaySurface } from './slipway-surface.ts'

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
  const openaiErrors = openai === undefined ? undefined : errorsOf(openai)
  endpoints.embeddings = embeddingsEndpoint(openaiErrors)
  endpoints.moderations = moderationsEndpoint(openaiErrors)
  endpoints.rerank = rerankEndpoint(openaiErrors)
  const { anthropic } = surfaces
  if (anthropic !== undefined) endpoints.countTokens = countTokensEndpoint(anthropic, errorsOf(anthropic))
  return endpoints
}

export function errorsOf(dialect: SurfaceDialect): ProblemForm {
  return {
    contentType: 'application/json',
    write: (problem) =>
      dialect.writeError({
        code: problem.code,
        status: problem.status,
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
