import type { GenerateAnswer, GenerateEvent, GenerateRequest } from '../contracts/index.ts'

export type JsonObject = Record<string, unknown>

export type DialectName =
  | 'slipway'
  | 'openai-chat'
  | 'openai-completions'
  | 'openai-responses'
  | 'anthropic'
  | 'bedrock-converse'
  | 'bedrock-invoke'
  | 'gemini'
  | 'cohere'
  | 'tgi'

/** What routing, limits and caches must know of a request, without reading all of it. */
export interface RequestGlance {
  /** As the client named it; the path may name it instead. */
  readonly model: string | undefined
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly user: string | undefined
  readonly maxOutputTokens: number | undefined
  /** Of everything that the model will read; the bound of what a request may cost is made from it. */
  readonly promptCharacters: number
  /** Two equal requests may be answered differently: temperature above 0 (or not said) and no seed. */
  readonly isSampled: boolean
  /** The client calls tools by OpenAI's first form (`functions`), and waits for answers in it; hand it to the context. */
  readonly usesFunctions?: boolean
}

/**
 * A dialect as a surface: requests in, answers, events and errors out.
 *
 * Fields without a neutral meaning go into `extras` by their name here and are never dropped in silence. Errors of
 * form are `invalid_request` with a JSON pointer into the client's own body.
 */
export interface SurfaceDialect {
  readonly name: DialectName
  glance(body: JsonObject): RequestGlance
  readRequest(body: JsonObject): GenerateRequest
  /** The name here of a feature of the neutral form (`maxOutputTokens` → `max_tokens`), for errors and `params.drop`. */
  fieldOf(feature: string): string
  writeAnswer(answer: GenerateAnswer, context: AnswerContext): JsonObject
  streamWriter(context: AnswerContext): StreamWriter
  writeError(error: SurfaceError): JsonObject
}

export interface AnswerContext {
  readonly requestId: string
  /** The model as the client named it. */
  readonly model: string
  /** The label of the version that answers, where the one who asks knows it by then. */
  readonly version?: string | undefined
  readonly createdAtMs: number
  /** The client asked for the usage at the end of its stream. */
  readonly includeUsage: boolean
  /** As the request's glance has it. */
  readonly usesFunctions?: boolean
  /** Events that the client had before the writer's first: those of a provider, as they were. Numbering goes on from there. */
  readonly eventsBefore?: number
}

export interface SurfaceError {
  readonly code: string
  readonly status: number
  /** What happened, for a person. */
  readonly title: string
  /** What to do. */
  readonly hint: string
  /** JSON pointer into the request. */
  readonly pointer?: string | undefined
  readonly requestId: string
}

/**
 * Writes whole SSE events, each ended by its blank line. After `failed` nothing more is written, and no success marker
 * ever; after `ended` the dialect's own terminal marker is out.
 */
export interface StreamWriter {
  /** '' where the dialect says nothing for this event. */
  write(event: GenerateEvent): string
}

/** A surface whose answers are whole: vectors, documents in an order, verdicts. Promises as `SurfaceDialect`. */
export interface PlainSurface<Request, Answer> {
  glance(body: JsonObject): RequestGlance
  readRequest(body: JsonObject): Request
  fieldOf(feature: string): string
  writeAnswer(answer: Answer, context: AnswerContext): JsonObject
}

/** The same as a provider's dialect. Promises as `ProviderDialect`. */
export interface PlainProvider<Request, Answer> {
  writeRequest(request: Request, modelName: string): JsonObject
  /** @param request as it was written: what the answer does not repeat is taken from it. */
  readAnswer(body: unknown, request: Request): Answer
}

/**
 * A dialect as a provider: requests out, answers, events and errors in. What the neutral form can say and the dialect
 * cannot throws `UnsupportedFeature`; nothing is dropped in silence.
 */
export interface ProviderDialect {
  readonly name: DialectName
  writeRequest(request: GenerateRequest, modelName: string): JsonObject
  /** Throws `UpstreamBroken` for a body that is no answer, and for an error inside a 200. */
  readAnswer(body: unknown): GenerateAnswer
  streamReader(emit: (event: GenerateEvent) => void): StreamReader
  readError(status: number, body: Buffer): UpstreamProblem
}

/**
 * Bytes in, at any split; events out, the same for every split of the same bytes. Emits exactly one `ended` or `failed`,
 * the latter as `upstream_truncated` when the input ends before the dialect's terminal marker. Nothing is emitted
 * after it. Bounded: an event larger than the limit is `upstream_failed`.
 */
export interface StreamReader {
  push(chunk: Buffer): void
  end(): void
}

/** What the provider meant, so that a ladder can decide on it. */
export type ProblemClass =
  | 'invalid'
  | 'auth'
  | 'not-found'
  | 'rate-limited'
  | 'overloaded'
  | 'context-length'
  | 'content-filter'
  | 'quota'
  | 'timeout'
  | 'error'

export interface UpstreamProblem {
  readonly class: ProblemClass
  readonly status: number
  /** The provider's words, bounded, without secrets. */
  readonly detail: string
  readonly code: string | undefined
}

/** A feature of the neutral form that a provider's dialect cannot express. */
export class UnsupportedFeature extends Error {
  override readonly name = 'UnsupportedFeature'
  /** A key of the neutral request (`seed`), `extras.<name>`, or a place in it (`messages.2.content.0`). */
  readonly feature: string
  readonly dialect: DialectName

  constructor(feature: string, dialect: DialectName, why?: string) {
    super(why ?? `${dialect} has no ${feature}`)
    this.feature = feature
    this.dialect = dialect
  }
}

/** What came from upstream is not what its dialect promises, or says that it failed. */
export class UpstreamBroken extends Error {
  override readonly name = 'UpstreamBroken'
  readonly problem: UpstreamProblem

  constructor(problem: UpstreamProblem) {
    super(problem.detail)
    this.problem = problem
  }
}
