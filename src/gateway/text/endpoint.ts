import type { EmbedAnswer, GenerateAnswer, RerankAnswer, TextOperation } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject, RequestGlance, SurfaceDialect } from '../../dialects/index.ts'
import type { TextCall as UpstreamCall } from '../../providers/index.ts'
import type { ProblemForm } from '../server/answer.ts'

export type NeutralAnswer = GenerateAnswer | EmbedAnswer | RerankAnswer | JsonObject
export type UpstreamWork = UpstreamCall['work']

/** What one path of the text surfaces speaks. */
export interface Endpoint {
  readonly operation: TextOperation
  /** As records tell it. */
  readonly surface: string
  /** Generation only: reads requests, writes answers and streams, and may be relayed. */
  readonly dialect: SurfaceDialect | undefined
  /** How errors are written; left out: RFC 9457. */
  readonly errors: ProblemForm | undefined
  glance(body: JsonObject): RequestGlance
  /** What is asked upstream, of anything but generation. Throws `invalid_request`. */
  work(body: JsonObject): UpstreamWork
  write(answer: NeutralAnswer, context: AnswerContext): JsonObject
  /** The client's name for a feature of the neutral form. */
  fieldOf(feature: string): string
}
