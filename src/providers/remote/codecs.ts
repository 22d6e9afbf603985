import type {
  EmbedAnswer,
  EmbedRequest,
  GenerateRequest,
  RerankAnswer,
  RerankRequest,
  TokenUsage,
} from '../../contracts/index.ts'
import type { DialectName, JsonObject, ProviderDialect, UpstreamProblem } from '../../dialects/index.ts'
import type { RelaySeen } from '../text/text-upstream.ts'
import type { ProviderRow } from './kind-row.ts'

/**
 * The dialects at hand, as a provider of one kind speaks them; the row is that of the model. What is not there is not
 * offered.
 */
export interface TextCodecs {
  generation(row: ProviderRow): ProviderDialect | undefined
  relay(name: DialectName): RelayCodec | undefined
  embed(row: ProviderRow, modelName: string): WholeCodec<EmbedRequest, EmbedAnswer> | undefined
  rerank(row: ProviderRow, modelName: string): WholeCodec<RerankRequest, RerankAnswer> | undefined
  countTokens(row: ProviderRow): WholeCodec<GenerateRequest, JsonObject> | undefined
}

/** Requests out and whole answers in. Throws as `ProviderDialect` does. */
export interface WholeCodec<Request, Answer> {
  writeRequest(request: Request, modelName: string): JsonObject
  readAnswer(body: unknown, request: Request): Answer
}

/** What can be known of an answer without writing it anew. */
export interface Found {
  usage: TokenUsage
  finishReason: string | null
  providerModel: string | null
  reportedCostUsd: string | null
}

/** Bytes that a client gets as they are: how they are looked at. */
export interface RelayCodec {
  scanner(options: RelayOptions): RelayScanner
  /** Of a whole answer. Throws `UpstreamBroken` for a body that is none, and for an error inside a 200. */
  readWhole(body: Buffer): Found
  readError(status: number, body: Buffer): UpstreamProblem
}

export interface RelayOptions {
  readonly hideUsage: boolean
  /** Whole events, to be passed on. */
  relayed(bytes: Buffer, seen: RelaySeen): void
}

/** Bytes in, at any split. An event that tells an error is not passed on: it becomes the scanner's `problem`. */
export interface RelayScanner {
  readonly found: Found
  /** Set when the stream told an error, or was no such stream. Nothing is relayed after it. */
  readonly problem: UpstreamProblem | undefined
  /** The dialect's own terminal marker was seen. */
  readonly isTerminated: boolean
  push(chunk: Buffer): void
  end(): void
}
