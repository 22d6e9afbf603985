import type {
  CostRow,
  GenerateAnswer,
  GenerateEvent,
  GenerateRequest,
  GuardrailVerdict,
  TextAttempt,
  TextRecord,
  TokenUsage,
} from '../../contracts/index.ts'
import { AnswerCollector } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { RelaySeen, TextUpstream } from '../../providers/index.ts'
import type { Asker, AskParts } from './asker.ts'
import { Asking } from './asking.ts'
import type { NeutralAnswer, UpstreamWork } from './endpoint.ts'
import { eventsOf } from './events-of.ts'
import { mayAskTwice } from './hedgeable.ts'
import type {
  CachedAnswer,
  CacheFinding,
  CacheFlight,
  CacheHit,
  Guarded,
  GuardStream,
  LimitRefusal,
  Reservation,
  RungStep,
} from './parts.ts'
import { blocked, RuleStack } from './rule-stack.ts'
import type { Subject } from './subject.ts'
import type { TextVersion } from './text-version.ts'
import { NO_COST, NOTHING_USED } from './use.ts'
import { WindowOut } from './window-out.ts'

/** Where an answer goes. Exactly one of `ended`, `answer` and `failed` comes, then `over`; after `cancel` only that. */
export interface QuestionOut {
  /** Nothing was shown yet. */
  readonly mayFallBack: boolean
  event(event: GenerateEvent): void
  relayed(bytes: Buffer, seen: RelaySeen): void
  /** All of a stream was given. */
  ended(): void
  answer(answer: NeutralAnswer | Buffer): void
  failed(error: SlipwayError): void
  /** Nothing runs any more; what was used is known or never will be. */
  over(): void
}

/** About four characters make a token in English and one or two in Chinese; what was too much comes back. */
const CHARACTERS_PER_TOKEN = 2
/** The contract's bound on the attempts of a record. */
const MAX_ATTEMPTS = 32

/**
 * One question to a model of text, from its limits to the settling of its usage, whoever waits for the answer:
 *
 * begun ─▶ reserved ─▶ passed the rules ─┬ cached ──────────────▶ delivered ─▶ over
 *                                        └▶ asked (see Asking) ─▶ delivered or failed ─▶ over
 *
 * Each arrow is taken at once unless a neighbour waits for somebody. A refusal at any of them leads to failed, and
 * `cancel` from anywhere to over. The reservation is settled exactly once: at over.
 */
export class TextQuestion implements Asker {
  readonly subject: Subject
  readonly isStream: boolean
  cache: TextRecord['cache'] = 'off'
  savedUsd: string | null = null
  asking: Asking | undefined
  isOver = false
  readonly #parts: AskParts
  readonly #out: QuestionOut
  #reservation: Reservation | undefined
  readonly #rules = new RuleStack()
  #window: GuardStream | undefined
  #flight: CacheFlight | undefined
  #collector: AnswerCollector | undefined
  #answer: NeutralAnswer | undefined
  #hitFinish: string | null = null
  #failure: SlipwayError | undefined
  #isReserving = false
  /** The out had its ended, answer or failed, or nobody waits. */
  #isDelivered = false
  /** What is asked is for the cache alone. */
  #isRefresh = false
  #isPausedByOut = false
  #isPausedByWindow = false

  constructor(parts: AskParts, subject: Subject, out: QuestionOut) {
    this.#parts = parts
    this.#out = out
    this.subject = subject
    subject.asides.settled = () => this.#maybeOver()
    this.isStream = subject.isStream
  }

  get rank(): number {
    return this.subject.rank
  }
  get timeoutMs(): number {
    return this.subject.of.timeoutMs
  }
  get isTimeoutAsked(): boolean {
    return this.subject.of.isTimeoutAsked
  }
  get startedMs(): number {
    return this.subject.of.startedMs
  }
  get mayFallBack(): boolean {
    return !this.#isDelivered && this.#out.mayFallBack
  }
  get mayHedge(): boolean {
    return !this.#isRefresh && mayAskTwice(this.subject.of.parsed)
  }
  get hidesUsage(): boolean {
    return this.subject.hidesUsage
  }
  get verdicts(): readonly GuardrailVerdict[] {
    return this.#rules.verdicts
  }
  get usage(): TokenUsage {
    return this.asking?.usage ?? NOTHING_USED
  }
  get cost(): CostRow {
    const aside = this.subject.asides.attempts.flatMap(({ cost }) => (cost === undefined ? [] : [cost]))
    return this.#sum([...(this.asking?.costs ?? []), ...aside])
  }
  get attempts(): readonly TextAttempt[] {
    return [...(this.asking?.attempts ?? []), ...this.subject.asides.attempts].slice(0, MAX_ATTEMPTS)
  }
  get finishReason(): string | null {
    return this.asking?.finishReason ?? this.#hitFinish
  }

  begin(): void {
    const { bounds, clock, limits, pricer } = this.#parts
    const { glance, of } = this.subject
    const { priced, snapshot } = of.text
    const inputTokens = Math.ceil(glance.promptCharacters / CHARACTERS_PER_TOKEN)
    const outputTokens =
      glance.maxOutputTokens ?? snapshot.text?.sampling?.maxOutputTokens ?? bounds.text.assumedOutputTokens
    const cost = pricer.bound(
      { provider: priced.provider, modelName: priced.modelName, atMs: of.atMs },
      inputTokens,
      outputTokens,
    )
    const estimate = { inputTokens, outputTokens, cost }
    try {
      const reserved = limits.reserve(this.subject, estimate, clock.monotonicMs())
      if (reserved instanceof Promise) this.#reserveLate(reserved)
      else this.#reserved(reserved)
    } catch (error) {
      this.#broke(error)
    }
  }

  /** Nobody waits any more: the work stops wherever it is. */
  cancel(): void {
    this.#isDelivered = true
    this.asking?.cancel()
    this.#maybeOver()
  }

  /** The upstream does not settle. */
  giveUp(): void {
    this.asking?.giveUp()
  }

  pause(): void {
    this.#isPausedByOut = true
    this.#hold()
  }

  resume(): void {
    this.#isPausedByOut = false
    this.#hold()
  }

  pauseForWindow(isPaused: boolean): void {
    this.#isPausedByWindow = isPaused
    this.#hold()
  }

  enter(step: RungStep): Promise<void> | undefined {
    const { model, operation, version } = this.subject
    const isOwn = step.kind !== 'version' || (step.model === model.model && step.version === version.label)
    const other = isOwn ? undefined : this.#parts.table().models.get(step.model)?.versions.get(step.version)
    return operation === 'generate' ? this.#rules.enter(other?.text?.guard, this.subject) : undefined
  }

  workFor(text: TextVersion, upstream: TextUpstream): UpstreamWork {
    // Rules and the cache read what is answered; relayed bytes nobody here reads.
    const isRead = !this.#rules.isEmpty || text.guard !== undefined || this.#flight !== undefined
    return this.subject.workFor(text, upstream, !isRead)
  }

  drop(feature: string): boolean {
    return this.subject.drop(feature)
  }

  fieldOf(feature: string): string {
    return this.subject.of.endpoint.fieldOf(feature)
  }

  event(event: GenerateEvent): void {
    if (event.type === 'ended' || event.type === 'failed') return
    try {
      this.#collector?.push(event)
      if (this.#isDelivered || this.#isRefresh) return
      if (this.#rules.isEmpty) this.#out.event(event)
      else {
        this.#window ??= this.#rules.stream(new WindowOut(this))
        this.#window.push(event)
      }
    } catch (error) {
      this.#broke(error)
    }
  }

  relayed(bytes: Buffer, seen: RelaySeen): void {
    if (!this.#isDelivered) this.#out.relayed(bytes, seen)
  }

  answer(answer: NeutralAnswer | Buffer): void {
    if (Buffer.isBuffer(answer)) {
      if (!this.#isDelivered) this.#deliver(answer)
      return
    }
    this.#answer = answer
    if (this.#isDelivered || this.#isRefresh) return
    try {
      this.#check(answer)
    } catch (error) {
      this.#broke(error)
    }
  }

  whole(answer: NeutralAnswer, hit: CacheHit | undefined): void {
    if (hit !== undefined) {
      this.cache = hit.kind
      this.savedUsd = hit.savedUsd
    }
    if (this.#isDelivered || this.#isRefresh) return
    this.#answer = answer
    this.#guarding(() => this.#check(answer))
  }

  asked(failure: SlipwayError | 'cancelled' | undefined): void {
    try {
      this.#toCache(failure === undefined)
      if (!this.#isRefresh && !this.#isDelivered) this.#endOf(failure)
      this.#maybeOver()
    } catch (error) {
      this.#broke(error)
    }
  }

  quiet(): void {
    this.#maybeOver()
  }

  /** From the rules' window. */
  windowed(event: GenerateEvent): void {
    if (this.#isDelivered) return
    if (event.type === 'ended') {
      this.#isDelivered = true
      this.#out.ended()
      this.#maybeOver()
    } else if (event.type === 'failed') this.#fail(this.#failure ?? this.#blockedBy(event.detail))
    else this.#out.event(event)
  }

  #reserveLate(reserved: Promise<Reservation | LimitRefusal>): void {
    this.#isReserving = true
    reserved.then(
      (late) => this.#guarding(() => this.#reserved(late)),
      (error) => this.#broke(error),
    )
  }

  #reserved(reserved: Reservation | LimitRefusal): void {
    this.#isReserving = false
    if (reserved.isRefusal === true) {
      const { code, retryAfterMs, what } = reserved
      this.#fail(new SlipwayError(code, { what, retryAfterMs }))
      return
    }
    this.#reservation = reserved
    if (this.#isDelivered) this.#maybeOver()
    else this.#applyRules()
  }

  #applyRules(): void {
    const { guard } = this.subject.of.text
    if (guard === undefined || this.subject.operation !== 'generate') {
      this.#lookUp()
      return
    }
    const guarded = this.#rules.begin(guard, this.subject)
    if (guarded instanceof Promise)
      guarded.then(
        (late) => this.#guarding(() => this.#passed(late)),
        (error) => this.#broke(error),
      )
    else this.#passed(guarded)
  }

  #passed(guarded: Guarded<GenerateRequest>): void {
    if (this.#isDelivered) return
    if (guarded.verdict === 'block') this.#fail(blocked(guarded.rule, guarded.reason))
    else {
      this.subject.replace(guarded.value)
      this.#lookUp()
    }
  }

  #lookUp(): void {
    const { operation } = this.subject
    const isCacheable = operation === 'generate' || operation === 'embed' || operation === 'rerank'
    if (!this.subject.of.text.isCached || !isCacheable) {
      this.#ask()
      return
    }
    const found = this.#parts.cache.lookup(this.subject, this.#parts.clock.monotonicMs())
    if (found instanceof Promise)
      found.then(
        (late) => this.#guarding(() => this.#found(late)),
        // A cache that breaks is no reason to fail a request that can be asked.
        () => this.#guarding(() => this.#found({ kind: 'off' })),
      )
    else this.#found(found)
  }

  #found(found: CacheFinding): void {
    if (this.#isDelivered) {
      if (found.kind === 'miss') found.flight.abandon()
      else if (found.kind !== 'off' && found.kind !== 'shared') found.refresh?.abandon()
      return
    }
    if (found.kind === 'miss') {
      this.cache = 'miss'
      this.#takeFlight(found.flight)
      this.#ask()
    } else if (found.kind === 'off') this.#ask()
    else if (found.kind === 'shared') this.#share(found.answer)
    else this.#hit(found)
  }

  #share(answer: Promise<CacheHit | undefined>): void {
    answer.then(
      (hit) => this.#guarding(() => this.#found(hit ?? { kind: 'off' })),
      () => this.#guarding(() => this.#found({ kind: 'off' })),
    )
  }

  #hit(hit: CacheHit): void {
    this.cache = hit.kind
    this.savedUsd = hit.savedUsd
    this.#hitFinish =
      'choices' in hit.answer ? ((hit.answer as GenerateAnswer).choices[0]?.finishReason ?? null) : null
    if (hit.refresh === undefined) {
      this.#check(hit.answer)
      return
    }
    this.#isRefresh = true
    this.#takeFlight(hit.refresh)
    // Made before the client has its answer, so that the question is not over while the fresh one is to be asked.
    const asking = new Asking(this.#parts, this)
    this.asking = asking
    this.#check(hit.answer)
    if (!asking.isOver) asking.ask()
  }

  #takeFlight(flight: CacheFlight): void {
    this.#flight = flight
    if (this.isStream) this.#collector = new AnswerCollector()
  }

  #ask(): void {
    this.asking = new Asking(this.#parts, this)
    this.asking.ask()
  }

  /** A whole answer and the rules. */
  #check(answer: NeutralAnswer): void {
    if (this.#rules.isEmpty || !('choices' in answer)) {
      this.#deliver(answer)
      return
    }
    const guarded = this.#rules.output(answer as GenerateAnswer)
    if (guarded instanceof Promise)
      guarded.then(
        (late) => this.#guarding(() => this.#checked(late)),
        (error) => this.#broke(error),
      )
    else this.#checked(guarded)
  }

  #checked(guarded: Guarded<GenerateAnswer>): void {
    if (this.#isDelivered) return
    if (guarded.verdict === 'block') this.#fail(blocked(guarded.rule, guarded.reason))
    else this.#deliver(guarded.value)
    this.#maybeOver()
  }

  #deliver(answer: NeutralAnswer | Buffer): void {
    if (this.isStream && 'choices' in answer) {
      for (const event of eventsOf(answer as GenerateAnswer)) this.#out.event(event)
      this.#isDelivered = true
      this.#out.ended()
    } else {
      this.#isDelivered = true
      this.#out.answer(answer)
    }
    this.#maybeOver()
  }

  #endOf(failure: SlipwayError | 'cancelled' | undefined): void {
    const place = { model: this.subject.model.model, reason: 'it was stopped' }
    if (failure !== undefined) {
      this.#failure = failure === 'cancelled' ? new SlipwayError('upstream_failed', place) : failure
      const { code, message: detail, status } = this.#failure
      if (this.#window === undefined) this.#fail(this.#failure)
      else this.#window.push({ type: 'failed', code, detail, status })
    } else if (this.#answer !== undefined) return
    else if (!this.isStream)
      this.#fail(new SlipwayError('upstream_failed', { ...place, reason: 'no answer came' }))
    else if (this.#window !== undefined) this.#window.push({ type: 'ended' })
    else {
      this.#isDelivered = true
      this.#out.ended()
    }
  }

  /** Only what the primary answered whole is an answer to keep. */
  #toCache(isWhole: boolean): void {
    const flight = this.#flight
    if (flight === undefined) return
    this.#flight = undefined
    const answer = isWhole && this.asking?.step?.isPrimary === true ? this.#collected() : undefined
    if (answer === undefined) flight.abandon()
    else flight.store(answer, this.usage, this.#sum(this.asking?.costs ?? []))
  }

  #sum(costs: readonly CostRow[]): CostRow {
    return costs.length < 2 ? (costs[0] ?? NO_COST) : this.#parts.pricer.sum(costs)
  }

  #collected(): CachedAnswer | undefined {
    const collector = this.#collector
    if (collector === undefined) return this.#answer as CachedAnswer | undefined
    collector.push({ type: 'ended' })
    return { ...collector.answer(this.subject.atMs), usage: this.usage }
  }

  #fail(error: SlipwayError): void {
    if (!this.#isDelivered) {
      this.#isDelivered = true
      this.#out.failed(error)
      this.asking?.cancel()
    }
    this.#maybeOver()
  }

  #broke(error: unknown): void {
    this.#isReserving = false
    this.#fail(error instanceof SlipwayError ? error : new SlipwayError('internal', {}, { cause: error }))
    this.asking?.cancel()
    this.#maybeOver()
  }

  #guarding(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#broke(error)
    }
  }

  #blockedBy(detail: string): SlipwayError {
    const rule = this.verdicts.findLast(({ verdict }) => verdict === 'block')?.rule ?? 'of the answer'
    return blocked(rule, detail)
  }

  #hold(): void {
    if (this.#isPausedByOut || this.#isPausedByWindow) this.asking?.pause()
    else this.asking?.resume()
  }

  #maybeOver(): void {
    if (this.isOver || !this.#isDelivered || this.#isReserving) return
    if ((this.asking !== undefined && !this.asking.isOver) || this.subject.asides.isOpen) return
    this.isOver = true
    this.#rules.abandon()
    this.#flight?.abandon()
    this.#flight = undefined
    this.#reservation?.settle(this.usage, this.cost, this.#parts.clock.monotonicMs())
    this.#out.over()
  }
}
