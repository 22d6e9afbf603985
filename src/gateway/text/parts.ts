import type {
  CostRow,
  EmbedAnswer,
  GatewayTextState,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  GuardrailVerdict,
  PriorityClass,
  Provider,
  RerankAnswer,
  Snapshot,
  SnapshotKey,
  SnapshotModel,
  SnapshotVersion,
  TextAttempt,
  TextOperation,
  TokenUsage,
} from '../../contracts/index.ts'
import type { RequestGlance } from '../../dialects/index.ts'
import type { TextFailure, TextUpstream } from '../../providers/index.ts'

/**
 * What the life of a text request asks of its neighbours, and nothing else of them. Each is made once per gateway, is
 * told of every snapshot, and is called on the hot path: whatever can be answered without waiting is answered without
 * a promise. `default-parts.ts` has the plain ones, for a gateway that has no such thing configured.
 */
export interface TextParts {
  readonly ladders: Ladders
  readonly limits: TextLimits
  readonly guards: Guards
  readonly cache: AnswerCache
  readonly pricer: Pricer
  /** Opens the remote provider that versions name in `text.provider`; called once per name and revision. */
  readonly openProvider: (provider: Provider) => TextUpstream
}

/** Told before a new snapshot takes over; what it compiles per version is kept by version id. */
export interface FollowsSnapshots {
  follow?(snapshot: Snapshot): void
}

/** One request as its neighbours see it. The object lives as long as the request; nobody keeps it longer. */
export interface TextSubject {
  readonly requestId: string
  /** Arrival, epoch ms. */
  readonly atMs: number
  readonly key: SnapshotKey
  readonly priority: PriorityClass
  readonly operation: TextOperation
  /** The dialect that the client speaks. */
  readonly surface: string
  readonly model: SnapshotModel
  /** What the split (or the pin) chose; rungs below the primary have their own. */
  readonly version: SnapshotVersion
  /** The client asked for this version by name: no ladder leads away from it. */
  readonly isPinned: boolean
  readonly glance: RequestGlance
  /** The body as it came. */
  readonly body: Buffer
  /** Hears of what is asked besides, to judge or to find it. */
  readonly asides: Asides
  /** The body in neutral form, read at first use. Generation only. Throws `invalid_request`. */
  neutral(): GenerateRequest
}

/** Who hears of what the gateway asks on its own account while it answers a request. */
export interface Asides {
  /** Before it is asked. What it gives is called once, with all tries; the request is not over before. */
  begin(): (attempts: readonly TextAttempt[]) => void
}

// ── the ladder ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Ladders extends FollowsSnapshots {
  climb(subject: TextSubject, nowMs: number): Climb
  /** How they do now, for pages. */
  views?(nowMs: number, wallMs: number): GatewayTextState['ladders']
}

/** The rungs of one request, best first. */
export interface Climb {
  /**
   * The first rung (`failure` undefined), then the one that answers after such a failure. Undefined: nothing is left,
   * and the first failure is told. Only asked while no content was sent.
   */
  next(failure: TextFailure | undefined, nowMs: number): RungStep | undefined
  /** After a step that the gateway itself had no place for. Undefined: the refusal is told. */
  shed(nowMs: number): RungStep | undefined
  /** How a step ended, once for each that was given out, so that rates per rung can be kept. */
  ended(step: RungStep, failure: TextFailure | undefined, nowMs: number): void
}

export type RungStep =
  | (RungCommon & { readonly kind: 'version'; readonly model: string; readonly version: string })
  | (RungCommon & { readonly kind: 'cached'; readonly maxAgeMs: number })
  | (RungCommon & { readonly kind: 'static'; readonly text: string })

interface RungCommon {
  /** As in the policy; told in `x-slipway-fallback` and the record unless it is the primary. */
  readonly name: string
  readonly isPrimary: boolean
  /** 0..1, 1 being the primary. */
  readonly quality: number
}

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface TextLimits extends FollowsSnapshots {
  /**
   * Before anything is asked upstream. A promise only where somebody else must be asked (leases).
   * The request was already admitted by rate and concurrency of its key.
   */
  reserve(
    subject: TextSubject,
    estimate: TextEstimate,
    nowMs: number,
  ): Reservation | LimitRefusal | Promise<Reservation | LimitRefusal>
}

/** The most that the request may use; settled by what it did use. */
export interface TextEstimate {
  readonly inputTokens: number
  readonly outputTokens: number
  /** 10⁻¹⁸ dollars; undefined where no price is known. */
  readonly cost: bigint | undefined
}

export interface Reservation {
  readonly isRefusal?: false
  /** Exactly once, whatever happened. Classes that nobody told are null: settle those by the estimate. */
  settle(usage: TokenUsage, cost: CostRow, nowMs: number): void
}

export interface LimitRefusal {
  readonly isRefusal: true
  readonly code: 'limit_reached' | 'overloaded'
  /** Which limit, for a person: `tokens a minute of key a1b2 (10000)`. */
  readonly what: string
  readonly retryAfterMs: number
}

// ── guardrails ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Guards extends FollowsSnapshots {
  /** Undefined where the version has no rules: then nothing of the request need be read for them. */
  of(model: SnapshotModel, version: SnapshotVersion): Guard | undefined
}

/** The compiled rules of one version. Where there is one, the request is never relayed as bytes. */
export interface Guard {
  begin(subject: TextSubject): GuardRun
}

/** The rules at work on one request. */
export interface GuardRun {
  /** Every verdict so far, shadow ones too; goes into the record. */
  readonly verdicts: readonly GuardrailVerdict[]
  input(request: GenerateRequest): Guarded<GenerateRequest> | Promise<Guarded<GenerateRequest>>
  /** The whole answer, where it is not streamed. */
  output(answer: GenerateAnswer): Guarded<GenerateAnswer> | Promise<Guarded<GenerateAnswer>>
  /**
   * The window of a stream: events go in, and come out by `out` now or later, in order, some redacted. A block comes
   * out as `failed` with the code `guardrail_blocked`, and nothing after it. `out.pause` and `out.resume` hold the
   * upstream while the window is full.
   */
  stream(out: GuardOut): GuardStream
  /** Nobody waits any more: stop what runs. Idempotent. */
  abandon(): void
}

export type Guarded<T> =
  | { readonly verdict: 'pass'; readonly value: T }
  | { readonly verdict: 'block'; readonly rule: string; readonly reason: string }

export interface GuardStream {
  /** Events as they come from upstream; the last is `ended` or `failed`, after which everything held comes out. */
  push(event: GenerateEvent): void
}

export interface GuardOut {
  event(event: GenerateEvent): void
  pause(): void
  resume(): void
}

// ── cache ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export type CachedAnswer = GenerateAnswer | EmbedAnswer | RerankAnswer

export interface AnswerCache extends FollowsSnapshots {
  /** Whether the model's policy caches at all. What `lookup` gives a flight for is translated and never relayed. */
  isOn(model: SnapshotModel, version: SnapshotVersion): boolean
  /** Asked once per request, after its input passed the guardrails. Only where `isOn`. */
  lookup(subject: TextSubject, nowMs: number): CacheFinding | Promise<CacheFinding>
  /** For the rung `cached`: an answer to the same question, no older than `maxAgeMs`. */
  older(
    subject: TextSubject,
    maxAgeMs: number,
    nowMs: number,
  ): CacheHit | undefined | Promise<CacheHit | undefined>
}

export type CacheFinding =
  /** This request is not cached (it draws at random, the client said no). */
  | { readonly kind: 'off' }
  | CacheHit
  /** Nobody has it; whoever got this asks, and tells by `flight` how that went. */
  | { readonly kind: 'miss'; readonly flight: CacheFlight }
  /** Somebody asks the same just now. Resolves to undefined when that failed: then ask yourself, without a flight. */
  | { readonly kind: 'shared'; readonly answer: Promise<CacheHit | undefined> }

export interface CacheHit {
  readonly kind: 'hit' | 'stale' | 'semantic'
  readonly answer: CachedAnswer
  /** Decimal dollars that it did not cost; null where no price is known. */
  readonly savedUsd: string | null
  readonly ageMs: number
  /** A stale or audited hit: the real answer is fetched too, after the client has its own, and told here. */
  readonly refresh?: CacheFlight | undefined
}

/** Exactly one of the two is called, once. Never with an answer that failed, was cut, blocked, or came from a lower rung. */
export interface CacheFlight {
  store(answer: CachedAnswer, usage: TokenUsage, cost: CostRow): void
  abandon(): void
}

// ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Pricer extends FollowsSnapshots {
  cost(use: PricedUse): CostRow
  /** The most it can cost, 10⁻¹⁸ dollars; undefined where no price is known. */
  bound(use: PricedModel, inputTokens: number, outputTokens: number): bigint | undefined
  /** Over all attempts of a request; the least certain of them decides how well the sum is known. */
  sum(rows: readonly CostRow[]): CostRow
}

export interface PricedModel {
  /** The provider of the snapshot; null for replicas of ours. */
  readonly provider: string | null
  /** As the provider names it. */
  readonly modelName: string
  readonly atMs: number
}

export interface PricedUse extends PricedModel {
  readonly usage: TokenUsage
  /** Decimal dollars, where the provider named the sum. */
  readonly reportedUsd: string | null
}
