import type {
  EmbedAnswer,
  EmbedRequest,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  ProviderTimeouts,
  RerankAnswer,
  RerankRequest,
  TextAttempt,
  TokenUsage,
} from '../../contracts/index.ts'
import type { DialectName, JsonObject, ProblemClass } from '../../dialects/index.ts'
import type { ProviderView } from './provider-view.ts'

/**
 * What answers text requests for one version: a remote provider, or one replica of ours over the link. One suite
 * (`text-upstream.conformance.ts`) holds every kind to these promises.
 *
 * A call is made in one of two ways. Translated: the neutral request goes in and neutral events (or one answer) come
 * out. Relayed: where the client speaks the upstream's own dialect, its bytes go in (the model's name replaced) and the
 * upstream's bytes come out, in whole events, looked at but not written again.
 */
export interface TextUpstream {
  /** The provider's name or the replica's id, told in answers and records. */
  readonly id: string
  /** It takes requests now: some account is neither resting nor open-circuited. Read at each pick; costs nothing. */
  readonly isReady: boolean
  /** Resolves at once when ready, else when it gets ready or is closed; never rejects. */
  whenReady(): Promise<void>
  /** The dialects whose bytes it takes as they are; empty where only the neutral form is spoken. */
  readonly relays: ReadonlySet<DialectName>
  /**
   * Calls nothing of the sink before it returns. Retries within itself (other accounts and regions, within its retry
   * budget) as long as nothing was relayed or emitted and the failure was before content. Throws `UnsupportedFeature`
   * for what its dialect cannot say; then nothing was sent and the sink hears nothing.
   */
  start(call: TextCall, sink: TextSink): TextExchange
  /** Takes nothing new, resolves when what is in flight has settled and connections are closed. Idempotent. */
  close(): Promise<void>
  /** For pages, where it is a provider with accounts: plain data, made when it is asked for. */
  view?(): ProviderView
}

export interface TextCall {
  readonly work:
    | { readonly kind: 'generate'; readonly request: GenerateRequest }
    | { readonly kind: 'relay'; readonly dialect: DialectName; readonly body: Buffer }
    | { readonly kind: 'embed'; readonly request: EmbedRequest }
    | { readonly kind: 'rerank'; readonly request: RerankRequest }
    | { readonly kind: 'moderate'; readonly body: JsonObject }
    | { readonly kind: 'count-tokens'; readonly request: GenerateRequest }
  readonly stream: boolean
  /** The model as this upstream names it. */
  readonly modelName: string
  /** What bounds this call; never looser than the provider's own. */
  readonly timeouts: ProviderTimeouts
  /** In a relayed stream the usage event is left out of the bytes, since the client did not ask for it. */
  readonly hideUsage: boolean
  readonly priority: number
  /** By which logs of replicas call it. */
  readonly requestId?: string
  /** The account that another call for the same question is at: left aside where there is another. */
  readonly avoidAccount?: string
}

/** Every method is called while the exchange is not paused, but for `settled`. */
export interface TextSink {
  /** A try was accepted with a 2xx status; comes again when a later try is. */
  accepted(by: AcceptedBy): void
  /**
   * Translated streams. The first event with content comes only when it is there: nothing before commits anything.
   * `ended` and `failed` never come: how it ended is told by `settled`.
   */
  event(event: GenerateEvent): void
  /** Relayed streams: whole events, to be written as they are. */
  relayed(bytes: Buffer, seen: RelaySeen): void
  /** Answers that are not streamed; a relayed one is its bytes. */
  answer(answer: GenerateAnswer | EmbedAnswer | RerankAnswer | JsonObject | Buffer): void
  /** Exactly once, last. */
  settled(outcome: TextOutcome): void
}

export interface AcceptedBy {
  readonly account: string | null
  readonly upstreamRequestId: string | null
  readonly providerModel: string | null
}

/** What was found in relayed bytes. */
export interface RelaySeen {
  /** Text, reasoning, a tool call: what a user would see. */
  readonly hasContent: boolean
  /** Events in these bytes. */
  readonly events: number
}

export interface TextExchange {
  /** Whose key or region is asked now; left out where there are no accounts. */
  readonly account?: string | null
  /** Stops reading from upstream; its window and then its sender feel it. At most one chunk still comes. */
  pause(): void
  resume(): void
  /** Stops the work upstream at once; settles as `cancelled` soon, with the usage that was known. */
  cancel(): void
}

export interface TextOutcome {
  /** Undefined: it ended as it should. */
  readonly failure: TextFailure | undefined
  /** Whose key or region the last try used; left out where there are no accounts. */
  readonly account?: string | null
  /** Merged over the stream; classes that were never told are null. */
  readonly usage: TokenUsage
  readonly finishReason: string | null
  readonly providerModel: string | null
  /** Every try but the last, so that none is unbilled or unlogged. */
  readonly earlier: readonly Omit<TextAttempt, 'rung' | 'version'>[]
  /** Dollars, decimal text, where the provider named the sum (OpenRouter). */
  readonly reportedCostUsd: string | null
  /** Of a replica of ours, by its own clock. */
  readonly spent?: { readonly queueUs: number; readonly prefillUs: number; readonly decodeUs: number }
}

export interface TextFailure {
  readonly code:
    | 'upstream_failed'
    | 'upstream_truncated'
    | 'upstream_rejected'
    | 'upstream_rate_limited'
    | 'upstream_overloaded'
    | 'provider_unready'
    | 'replica_unready'
    | 'replica_lost'
    | 'deadline_exceeded'
    | 'cancelled'
  readonly class: ProblemClass | 'unready' | 'cancelled'
  /** Of the upstream; 0 when there was none. */
  readonly status: number
  readonly detail: string
  readonly retryAfterMs: number | null
  /** Content had been emitted or relayed: too late for anybody else to answer. */
  readonly hadContent: boolean
  /** It was refused for this, as `UnsupportedFeature` names it; without it nothing else may stand in the way. */
  readonly feature?: string
}
