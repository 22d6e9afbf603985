import {
  type CostRow,
  type GenerateAnswer,
  type GenerateEvent,
  NO_USAGE,
  type TextAttempt,
  type TokenUsage,
} from '../../contracts/index.ts'
import { UnsupportedFeature } from '../../dialects/index.ts'
import { type Clock, SlipwayError } from '../../kernel/index.ts'
import type {
  AcceptedBy,
  RelaySeen,
  TextExchange,
  TextFailure,
  TextOutcome,
  TextSink,
  TextUpstream,
  Upstream,
} from '../../providers/index.ts'
import type { PoolMember } from '../../routing/index.ts'
import type { GatewayTable, GatewayVersion } from '../gateway-table.ts'
import type { GatewayLimits } from '../limits.ts'
import type { NeutralAnswer, UpstreamWork } from './endpoint.ts'
import type { CacheHit, Climb, RungStep, TextParts, TextSubject } from './parts.ts'
import { errorOfFailure } from './text-errors.ts'
import { type TextVersion, textOf } from './text-version.ts'
import { addUsage, attemptsOf, NOTHING_USED } from './use.ts'

const HOLD_STEP_MS = 20
/** About so many characters make a token; only replicas of one version are compared by it. */
const CHARACTERS_PER_TOKEN = 4
/** Fields that one request may have dropped, one at a time. */
const MAX_DROPS = 64

export interface AskParts extends TextParts {
  readonly clock: Clock
  readonly bounds: GatewayLimits
  readonly table: () => GatewayTable
}

/** Who asks, and hears what comes. Whole answers of other rungs (cached, static) come as `whole`. */
export interface Asker {
  readonly subject: TextSubject
  readonly isStream: boolean
  /** Place of its priority class, 0 being the first. */
  readonly rank: number
  readonly timeoutMs: number
  /** The client named the deadline; else each provider's own bounds hold. */
  readonly isTimeoutAsked: boolean
  readonly startedMs: number
  /** Nothing was shown to the client yet. */
  readonly mayFallBack: boolean
  /** In the form that this upstream takes. Throws what the client got wrong. */
  workFor(text: TextVersion, upstream: TextUpstream): UpstreamWork
  /** In a relayed stream, of the work just made. */
  readonly hidesUsage: boolean
  /** Leaves the feature out where the client allowed that; else false. */
  drop(feature: string): boolean
  /** The client's name for it. */
  fieldOf(feature: string): string
  event(event: GenerateEvent): void
  relayed(bytes: Buffer, seen: RelaySeen): void
  answer(answer: NeutralAnswer | Buffer): void
  whole(answer: NeutralAnswer, hit: CacheHit | undefined): void
  /** Once, last. Undefined: it ended as it should. */
  asked(failure: SlipwayError | 'cancelled' | undefined): void
}

/**
 * One question, asked of rung after rung until one answers:
 *
 * idle ──ask──▶ rung ──start──▶ open ──settled, fine──▶ over
 *                ▲ └ nobody ready ┐ └── failed before content ──▶ next rung, or over with the first failure
 *                └────────────────┘
 *
 * Every try leaves an attempt with what it used; nothing is asked after content was shown or after `cancel`.
 */
export class Asking implements TextSink {
  readonly attempts: TextAttempt[] = []
  /** Over all tries; nothing where none was billed. */
  usage: TokenUsage = NOTHING_USED
  readonly costs: CostRow[] = []
  finishReason: string | null = null
  providerModel: string | null = null
  upstreamRequestId: string | null = null
  /** Whoever answers, or was tried last. */
  step: RungStep | undefined
  version: GatewayVersion | undefined
  upstreamId: string | null = null
  account: string | null = null
  /** Somebody took the question; content may still be long in coming. */
  isAccepted = false
  isOver = false
  readonly #parts: AskParts
  readonly #asker: Asker
  #climb: Climb | undefined
  #text: TextVersion | undefined
  #member: PoolMember<Upstream> | undefined
  #tried: PoolMember<Upstream>[] | undefined
  /** Tokens that the member was picked with. */
  #weight = 1
  /** What the last replica said that turned it away, where that is worth telling. */
  #turnedAway: TextFailure | undefined
  #drops = 0
  #exchange: TextExchange | undefined
  #stepMs = 0
  #isCancelled = false
  #isPaused = false
  #first: SlipwayError | undefined

  constructor(parts: AskParts, asker: Asker) {
    this.#parts = parts
    this.#asker = asker
  }

  ask(): void {
    this.#climb = this.#parts.ladders.climb(this.#asker.subject, this.#parts.clock.monotonicMs())
    this.#next(undefined)
  }

  pause(): void {
    this.#isPaused = true
    this.#exchange?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#exchange?.resume()
  }

  /** Stops the work wherever it is. */
  cancel(): void {
    if (this.isOver || this.#isCancelled) return
    this.#isCancelled = true
    if (this.#exchange === undefined) this.#finish('cancelled')
    else this.#exchange.cancel()
  }

  /** The upstream did not settle though it was cancelled: nobody waits for it any more, and what it used is unknown. */
  giveUp(): void {
    if (this.isOver || this.#exchange === undefined) return
    this.settled({
      failure: { ...CANCELLED, hadContent: !this.#asker.mayFallBack },
      usage: NO_USAGE,
      finishReason: null,
      providerModel: this.providerModel,
      earlier: [],
      reportedCostUsd: null,
    })
  }

  accepted(by: AcceptedBy): void {
    this.isAccepted = true
    this.account = by.account
    this.upstreamRequestId = by.upstreamRequestId
    this.providerModel = by.providerModel ?? this.providerModel
  }

  event(event: GenerateEvent): void {
    if (!this.isOver) this.#asker.event(event)
  }

  relayed(bytes: Buffer, seen: RelaySeen): void {
    if (!this.isOver) this.#asker.relayed(bytes, seen)
  }

  answer(answer: NeutralAnswer | Buffer): void {
    if (!this.isOver) this.#asker.answer(answer)
  }

  settled(outcome: TextOutcome): void {
    if (this.#exchange === undefined || this.isOver) return
    this.#exchange = undefined
    const nowMs = this.#parts.clock.monotonicMs()
    const { failure } = outcome
    this.account = outcome.account ?? this.account
    this.#release(failure, nowMs)
    this.#note(outcome, nowMs)
    this.finishReason = outcome.finishReason
    this.providerModel = outcome.providerModel ?? this.providerModel
    if (failure === undefined) {
      this.#climb?.ended(this.step as RungStep, undefined, nowMs)
      this.#finish(undefined)
    } else if (this.#mayDrop(failure)) this.#tryVersion()
    else if (this.#mayAskAnother(failure)) {
      this.#turnedAway = failure.class === 'overloaded' ? failure : undefined
      this.#tryVersion()
    } else this.#failed(failure)
  }

  #next(failure: TextFailure | undefined): void {
    const { clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const step = (this.#climb as Climb).next(failure, nowMs)
    if (step === undefined) {
      this.#finish(this.#first ?? 'cancelled')
      return
    }
    this.step = step
    this.#stepMs = nowMs
    this.#tried = undefined
    this.#turnedAway = undefined
    this.#text = undefined
    this.version = undefined
    this.upstreamId = null
    this.account = null
    this.isAccepted = false
    if (step.kind === 'version') this.#tryVersion()
    else if (step.kind === 'cached') this.#tryCached(step.maxAgeMs)
    else this.#tryStatic(step.text)
  }

  #tryVersion(): void {
    const { model, version: label } = this.step as Extract<RungStep, { kind: 'version' }>
    const version = this.#parts.table().models.get(model)?.versions.get(label)
    const text = version?.text
    if (version === undefined || text === undefined) {
      this.#unasked({ ...UNREADY, detail: `${model} ${label} is not served here` })
      return
    }
    this.version = version
    this.#text = text
    if (text.remote !== undefined) this.#start(text, text.remote)
    else if (text.provider !== null)
      this.#unasked({ ...UNREADY, code: 'provider_unready', detail: 'it is not configured here' })
    else this.#pickReplica(version, text)
  }

  #pickReplica(version: GatewayVersion, text: TextVersion): void {
    const { bounds, clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const weight = this.#expectedTokens()
    const member = version.pool.pick(nowMs, this.#tried, weight)
    if (member !== undefined) {
      this.#member = member
      this.#weight = weight
      const upstream = textOf(member.replica)
      if (upstream !== undefined) this.#start(text, upstream)
      else {
        this.#release(undefined, nowMs)
        this.#finish(notText(text, version.label))
      }
      return
    }
    if (this.#turnedAway !== undefined) {
      this.#failed(this.#turnedAway)
      return
    }
    // As rows do: while replicas connect or one is replaced, a moment later somebody can answer.
    const untilMs = this.#stepMs + Math.min(bounds.holdUnreadyMs, this.#asker.timeoutMs)
    if (version.pool.members.length > 0 && this.#tried === undefined && nowMs + HOLD_STEP_MS <= untilMs)
      setTimeout(tryAgain, HOLD_STEP_MS, this)
    else this.#unasked({ ...UNREADY, detail: 'no replica is ready' })
  }

  /** For the timer of a held request. */
  tryAgain(): void {
    if (!this.isOver) this.#tryVersion()
  }

  #start(text: TextVersion, upstream: TextUpstream): void {
    const asker = this.#asker
    this.upstreamId = upstream.id
    for (let drops = 0; ; drops++) {
      try {
        const work = asker.workFor(text, upstream)
        this.#exchange = upstream.start(
          {
            work,
            stream: asker.isStream,
            modelName: text.modelName,
            timeouts: this.#timeouts(text),
            hideUsage: asker.hidesUsage,
            priority: asker.rank,
            requestId: asker.subject.requestId,
          },
          this,
        )
        if (this.#isPaused) this.#exchange.pause()
        return
      } catch (error) {
        if (error instanceof UnsupportedFeature && drops < MAX_DROPS && asker.drop(error.feature)) continue
        this.#release(undefined, this.#parts.clock.monotonicMs())
        this.#refused(error, text)
        return
      }
    }
  }

  /** The first rung's words are the client's to read; that a lower one cannot say it is no reason to say so. */
  #refused(error: unknown, text: TextVersion): void {
    const told = error instanceof UnsupportedFeature ? this.#unsupported(text, error.feature, error) : error
    const isFirst = this.#first === undefined
    this.#first ??= told instanceof SlipwayError ? told : new SlipwayError('internal', {}, { cause: told })
    const failure: TextFailure = { ...REJECTED, detail: (told as Error).message }
    this.#climb?.ended(this.step as RungStep, failure, this.#parts.clock.monotonicMs())
    if (isFirst) this.#finish(this.#first)
    else this.#next(failure)
  }

  #unsupported(text: TextVersion, feature: string, cause?: Error): SlipwayError {
    const field = this.#asker.fieldOf(feature)
    return new SlipwayError(
      'unsupported_field',
      { model: text.model.model, field },
      { pointer: `/${field.replaceAll('.', '/')}`, cause },
    )
  }

  /** Question and answer, as far as can be told before. */
  #expectedTokens(): number {
    const { glance, version } = this.#asker.subject
    const { assumedOutputTokens } = this.#parts.bounds.text
    const output = glance.maxOutputTokens ?? version.text?.sampling?.maxOutputTokens ?? assumedOutputTokens
    return 1 + Math.ceil(glance.promptCharacters / CHARACTERS_PER_TOKEN) + output
  }

  /** A deadline that the client named bounds what is left of this try; otherwise the provider's own bounds are enough. */
  #timeouts(text: TextVersion) {
    const asker = this.#asker
    if (!asker.isTimeoutAsked) return text.timeouts
    const leftMs = Math.max(1, asker.timeoutMs - (this.#parts.clock.monotonicMs() - asker.startedMs))
    return { ...text.timeouts, totalMs: Math.min(text.timeouts.totalMs, Math.ceil(leftMs)) }
  }

  #tryCached(maxAgeMs: number): void {
    const found = this.#parts.cache.older(this.#asker.subject, maxAgeMs, this.#parts.clock.monotonicMs())
    if (!(found instanceof Promise)) this.#gotCached(found)
    else
      found.then(
        (hit) => this.#gotCached(hit),
        () => this.#gotCached(undefined),
      )
  }

  #gotCached(hit: CacheHit | undefined): void {
    if (this.isOver) return
    if (hit === undefined) this.#unasked({ ...UNREADY, detail: 'no earlier answer is kept' })
    else this.#whole(hit.answer, hit)
  }

  #tryStatic(text: string): void {
    if (this.#asker.subject.operation === 'generate') this.#whole(staticAnswer(this.#asker.subject, text))
    else this.#unasked({ ...UNREADY, detail: 'a text answers only generation' })
  }

  #whole(answer: NeutralAnswer, hit?: CacheHit): void {
    this.finishReason =
      'choices' in answer ? ((answer as GenerateAnswer).choices[0]?.finishReason ?? null) : null
    this.#climb?.ended(this.step as RungStep, undefined, this.#parts.clock.monotonicMs())
    this.#asker.whole(answer, hit)
    this.#finish(undefined)
  }

  /** An engine of ours tells only when it is asked what it does not have; nothing was done then. */
  #mayDrop({ feature, hadContent }: TextFailure): boolean {
    if (feature === undefined || hadContent || this.#isCancelled || this.#drops >= MAX_DROPS) return false
    this.#drops++
    return this.#asker.drop(feature)
  }

  /** A replica that went away, or is full, is no fault of the version: another one of the same rung is asked first. */
  #mayAskAnother(failure: TextFailure): boolean {
    if (this.#isCancelled || this.#text?.remote !== undefined || !this.#maySwitch(failure)) return false
    if (!isOfReplica(failure)) return false
    return (this.#tried?.length ?? 0) <= this.#parts.bounds.maxRetries
  }

  #maySwitch(failure: TextFailure): boolean {
    return !failure.hadContent && this.#asker.mayFallBack && failure.class !== 'cancelled'
  }

  /** Nobody could be asked: a try all the same, so that the record tells why the next rung was. */
  #unasked(failure: TextFailure): void {
    if (this.attempts.length < MAX_ATTEMPTS)
      this.attempts.push({
        rung: (this.step as RungStep).name,
        version: this.version?.label ?? null,
        provider: this.#text?.provider ?? null,
        account: null,
        status: 0,
        code: failure.code,
        tookMs: this.#parts.clock.monotonicMs() - this.#stepMs,
      })
    this.#failed(failure)
  }

  #failed(failure: TextFailure): void {
    const { clock } = this.#parts
    const step = this.step as RungStep
    this.#climb?.ended(step, failure, clock.monotonicMs())
    const { model, version } = this.#asker.subject
    const { feature } = failure
    this.#first ??=
      feature !== undefined && this.#text !== undefined
        ? this.#unsupported(this.#text, feature)
        : errorOfFailure(failure, {
            model: model.model,
            version: this.version?.label ?? version.label,
            provider: this.#text?.provider ?? null,
            timeoutMs: this.#asker.timeoutMs,
          })
    if (this.#isCancelled || failure.class === 'cancelled') this.#finish('cancelled')
    else if (this.#maySwitch(failure)) this.#next(failure)
    else this.#finish(this.#first)
  }

  #release(failure: TextFailure | undefined, nowMs: number): void {
    const member = this.#member
    if (member === undefined) return
    this.#member = undefined
    const isLost = failure?.code === 'replica_lost' || failure?.code === 'replica_unready'
    this.version?.pool.release(member, isLost ? 'unreachable' : 'answered', nowMs, this.#weight)
    if (failure !== undefined && isOfReplica(failure)) {
      this.#tried ??= []
      this.#tried.push(member)
    }
  }

  #note(outcome: TextOutcome, nowMs: number): void {
    const { clock, pricer } = this.#parts
    const by = {
      rung: (this.step as RungStep).name,
      version: this.version?.label ?? '',
      text: this.#text as TextVersion,
      account: this.account,
      tookMs: nowMs - this.#stepMs,
      atMs: clock.nowMs(),
    }
    const attempts = attemptsOf(outcome, by, pricer)
    addTimes(attempts.at(-1), outcome)
    for (const attempt of attempts) {
      if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push(attempt)
      if (attempt.usage !== undefined)
        this.usage = this.usage === NOTHING_USED ? attempt.usage : addUsage(this.usage, attempt.usage)
      if (attempt.cost !== undefined) this.costs.push(attempt.cost)
    }
  }

  #finish(failure: SlipwayError | 'cancelled' | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.#asker.asked(failure)
  }
}

/** It says nothing about the version: another replica may well answer. */
function isOfReplica({ class: kind, code }: TextFailure): boolean {
  return code === 'replica_lost' || code === 'replica_unready' || kind === 'overloaded'
}

function addTimes(attempt: TextAttempt | undefined, { spent }: TextOutcome): void {
  if (attempt === undefined || spent === undefined) return
  attempt.queueMs = spent.queueUs / 1000
  attempt.prefillMs = spent.prefillUs / 1000
  attempt.decodeMs = spent.decodeUs / 1000
}

/** The contract's bound on the attempts of a record. */
const MAX_ATTEMPTS = 32

const UNREADY: TextFailure = {
  code: 'replica_unready',
  class: 'unready',
  status: 0,
  detail: '',
  retryAfterMs: null,
  hadContent: false,
}
const REJECTED: TextFailure = { ...UNREADY, code: 'upstream_rejected', class: 'invalid' }
const CANCELLED: TextFailure = { ...UNREADY, code: 'cancelled', class: 'cancelled' }

function tryAgain(asking: Asking): void {
  asking.tryAgain()
}

function staticAnswer(subject: TextSubject, text: string): GenerateAnswer {
  return {
    id: subject.requestId,
    createdAt: subject.atMs,
    choices: [{ index: 0, content: [{ type: 'text', text }], finishReason: 'stop' }],
    usage: NOTHING_USED,
  }
}

export function notText(text: { readonly model: { readonly model: string } }, version: string): SlipwayError {
  return new SlipwayError('model_not_text', { model: text.model.model, version })
}
