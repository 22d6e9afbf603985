import type {
  EmbedAnswer,
  EmbedRequest,
  EngineName,
  FinishReason,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  TokenUsage,
  VersionSpec,
} from '../contracts/index.ts'

/**
 * What runs one version of a model of text inside a model server; engines of rows have `Engine`. One suite
 * (`text-engine.conformance.ts`) holds every kind to these promises.
 *
 * An engine schedules by itself: it is handed every request that was let in, decodes as many together as it can, and
 * holds the rest in order of priority and arrival. How much may wait is bounded by `start`, which refuses.
 */
export interface TextEngine {
  readonly name: EngineName
  /** Loads and validates; throws `artifact_*` errors and `contract_broken`. Nothing else is called before it resolves. */
  load(wanted: TextLoadRequest): Promise<void>
  /** After it the first request is no slower than the next. */
  warmUp(): Promise<void>
  /**
   * Calls nothing of the sink before it returns. What can be refused at once (too long for the context, no room in the
   * queue, a field that this engine does not have) settles as a failure on the next turn, with nothing emitted.
   */
  start(work: TextWork, sink: TextWorkSink): TextRun
  /** Read at each scrape and health check; costs nothing. */
  readonly gauges: TextEngineGauges
  describe(): TextEngineInfo
  /** Idempotent. What runs is cancelled; afterwards no native memory of the model is held. */
  unload(): Promise<void>
}

export interface TextLoadRequest {
  readonly model: string
  readonly label: string
  readonly spec: VersionSpec
  /**
   * Files whose digests were checked, by their place in the spec: `artifact`, `llama/speculation/artifact`,
   * `llama/loras/0/artifact`.
   */
  readonly files: ReadonlyMap<string, string>
}

export interface TextWork {
  readonly work:
    | { readonly kind: 'generate'; readonly request: GenerateRequest }
    | { readonly kind: 'embed'; readonly request: EmbedRequest }
    | { readonly kind: 'count-tokens'; readonly request: GenerateRequest }
  /** Events as they come; else one answer at the end. */
  readonly stream: boolean
  readonly requestId: string
  /** 0 is served first. */
  readonly priority: number
  /** Monotonic ms after which nobody waits any more; Infinity for none. */
  readonly deadlineAtMs: number
}

/** `event` and `answer` are not called while the run is paused; `settled` is called exactly once, last. */
export interface TextWorkSink {
  /** `ended` and `failed` never come: how it ended is told by `settled`. */
  event(event: GenerateEvent): void
  answer(answer: GenerateAnswer | EmbedAnswer | { readonly inputTokens: number }): void
  settled(outcome: TextWorkOutcome): void
}

export interface TextRun {
  /** Decodes no further for this one; others go on. At most one event still comes. */
  pause(): void
  resume(): void
  /** Stops at the next token at the latest; settles as `cancelled` with the usage so far. */
  cancel(): void
}

export interface TextWorkOutcome {
  /** Undefined: it ended as it should. */
  readonly failure: TextWorkFailure | undefined
  readonly usage: TokenUsage
  readonly finishReason: FinishReason | null
  /** From arrival to the start of prefill, of prefill, and of decode. */
  readonly queueUs: number
  readonly prefillUs: number
  readonly decodeUs: number
}

export interface TextWorkFailure {
  readonly code:
    | 'context_too_long'
    | 'overloaded'
    | 'invalid_request'
    | 'model_failed'
    | 'deadline_exceeded'
    | 'cancelled'
  readonly detail: string
  /** The field of the request that is at fault, in neutral form; undefined where none is. */
  readonly field?: string
  /** Nothing was decoded, so another replica may be asked. */
  readonly retrySafe: boolean
  readonly retryAfterMs?: number
}

/** Gauges and counters since start. */
export interface TextEngineGauges {
  readonly running: number
  readonly waiting: number
  readonly kvBlocksTotal: number
  readonly kvBlocksUsed: number
  readonly inputTokens: number
  /** Of the input, those whose KV was there already. */
  readonly reusedTokens: number
  readonly outputTokens: number
  /** Speculation: proposed and accepted; 0 where there is none. */
  readonly draftedTokens: number
  readonly acceptedTokens: number
}

export interface TextEngineInfo {
  readonly runtime: string
  /** Tokens that one sequence may hold. */
  readonly contextTokens: number
  readonly sequences: number
  readonly weightsBytes: number
  readonly kvBytes: number
  readonly embeddings: boolean
}
