import type { CostRow, GenerateAnswer, TextAttempt, TokenUsage } from '../../contracts/index.ts'
import { UnsupportedFeature } from '../../dialects/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { TextFailure, TextOutcome } from '../../providers/index.ts'
import type { GateRefusal } from '../../routing/index.ts'
import type { GatewayVersion } from '../gateway-table.ts'
import type { Asker, AskParts } from './asker.ts'
import { AttemptLog } from './attempt-log.ts'
import type { NeutralAnswer } from './endpoint.ts'
import type { CacheHit, Climb, RungStep } from './parts.ts'
import { CANCELLED, REJECTED, staticAnswer, UNREADY } from './rung-failures.ts'
import { errorOfFailure } from './text-errors.ts'
import { VersionAsking, type VersionOwner } from './version-asking.ts'

/**
 * One question, asked of rung after rung until one answers:
 *
 * idle ──ask──▶ rung ──(see VersionAsking)──▶ fine ──▶ ended ──nothing runs any more──▶ over
 *                ▲ ├─ failed before content ──▶ next rung, or ended with the first failure
 *                │ └─ no place there ─────────▶ a lighter rung for classes that take one, or ended as overloaded
 *                └────────────────┘
 *
 * Every try leaves an attempt with what it used; nothing is asked after content was shown or after `cancel`.
 */
export class Asking implements VersionOwner {
  finishReason: string | null = null
  /** Whoever answers, or was tried last. */
  step: RungStep | undefined
  readonly #parts: AskParts
  readonly #asker: Asker
  readonly #log = new AttemptLog()
  #climb: Climb | undefined
  /** Of the step, where a version is asked. */
  #asked: VersionAsking | undefined
  #providerModel: string | null = null
  #stepMs = 0
  #isCancelled = false
  #isPaused = false
  #isEnded = false
  /** Tries that lost to another and have not settled yet. */
  #losers = 0
  #first: SlipwayError | undefined

  constructor(parts: AskParts, asker: Asker) {
    this.#parts = parts
    this.#asker = asker
  }

  get attempts(): readonly TextAttempt[] {
    return this.#log.attempts
  }
  /** Over all tries; nothing where none was billed. */
  get usage(): TokenUsage {
    return this.#log.usage
  }
  get costs(): readonly CostRow[] {
    return this.#log.costs
  }
  get version(): GatewayVersion | undefined {
    return this.#asked?.version
  }
  get upstreamId(): string | null {
    return this.#asked?.shown?.upstreamId ?? null
  }
  get account(): string | null {
    return this.#asked?.shown?.account ?? null
  }
  get upstreamRequestId(): string | null {
    return this.#asked?.shown?.upstreamRequestId ?? null
  }
  get providerModel(): string | null {
    return this.#asked?.shown?.providerModel ?? this.#providerModel
  }
  /** Somebody took the question; content may still be long in coming. */
  get isAccepted(): boolean {
    return this.#asked?.isAccepted ?? false
  }
  /** Ended, and nothing that was asked runs any more. */
  get isOver(): boolean {
    return this.#isEnded && this.#losers === 0
  }

  ask(): void {
    this.#climb = this.#parts.ladders.climb(this.#asker.subject, this.#parts.clock.monotonicMs())
    this.#take(this.#climb.next(undefined, this.#parts.clock.monotonicMs()))
  }

  pause(): void {
    this.#isPaused = true
    this.#asked?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#asked?.resume()
  }

  /** Stops the work wherever it is. */
  cancel(): void {
    if (this.#isEnded || this.#isCancelled) return
    this.#isCancelled = true
    if (this.#asked?.cancel() !== true) this.#finish('cancelled')
  }

  /** The upstream did not settle though it was cancelled: nobody waits for it any more, and what it used is unknown. */
  giveUp(): void {
    if (!this.isOver) this.#asked?.giveUp()
  }

  // ── of the version that is asked ──────────────────────────────────────────────────────────────────────────────────

  get isCancelled(): boolean {
    return this.#isCancelled
  }
  get isPaused(): boolean {
    return this.#isPaused
  }

  answered(outcome: TextOutcome): void {
    this.#heard(outcome)
    this.#climb?.ended(this.step as RungStep, undefined, this.#parts.clock.monotonicMs())
    this.#finish(undefined)
  }

  failed(failure: TextFailure, outcome: TextOutcome | undefined): void {
    if (outcome !== undefined) this.#heard(outcome)
    const { clock } = this.#parts
    this.#climb?.ended(this.step as RungStep, failure, clock.monotonicMs())
    this.#first ??= this.#errorOf(failure)
    if (this.#isCancelled || failure.class === 'cancelled') this.#finish('cancelled')
    else if (this.maySwitch(failure)) this.#take(this.#climb?.next(failure, clock.monotonicMs()))
    else this.#finish(this.#first)
  }

  /** Nobody could be asked: a try all the same, so that the record tells why the next rung was. */
  unasked(failure: TextFailure): void {
    this.#noteUnasked(failure.code)
    this.failed(failure, undefined)
  }

  /** The first rung's words are the client's to read; that a lower one cannot say it is no reason to say so. */
  refused(error: unknown): void {
    const told = error instanceof UnsupportedFeature ? this.#unsupported(error.feature, error) : error
    const isFirst = this.#first === undefined
    this.#first ??= told instanceof SlipwayError ? told : new SlipwayError('internal', {}, { cause: told })
    const failure: TextFailure = { ...REJECTED, detail: (told as Error).message }
    const nowMs = this.#parts.clock.monotonicMs()
    this.#climb?.ended(this.step as RungStep, failure, nowMs)
    if (isFirst) this.#finish(this.#first)
    else this.#take(this.#climb?.next(failure, nowMs))
  }

  /** Our own doing, so it says nothing of the rung. */
  shed({ retryAfterMs }: GateRefusal): void {
    const { model, version } = this.step as Extract<RungStep, { kind: 'version' }>
    const nowMs = this.#parts.clock.monotonicMs()
    this.#noteUnasked('overloaded')
    this.#first ??= new SlipwayError('overloaded', { what: `${model} ${version}`, retryAfterMs })
    this.#climb?.ended(this.step as RungStep, CANCELLED, nowMs)
    this.#take(this.#asker.mayFallBack ? this.#climb?.shed(nowMs) : undefined)
  }

  maySwitch(failure: TextFailure): boolean {
    return !failure.hadContent && this.#asker.mayFallBack && failure.class !== 'cancelled'
  }

  loserLeft(): void {
    this.#losers++
  }

  loserSettled(): void {
    this.#losers--
    if (this.isOver) this.#asker.quiet()
  }

  // ── rungs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #take(step: RungStep | undefined): void {
    if (step === undefined) {
      this.#finish(this.#first ?? 'cancelled')
      return
    }
    this.step = step
    this.#stepMs = this.#parts.clock.monotonicMs()
    this.#providerModel = this.providerModel
    this.#asked = undefined
    let entering: Promise<void> | undefined
    try {
      entering = this.#asker.enter(step)
    } catch (error) {
      this.refused(error)
      return
    }
    if (entering === undefined) this.#askRung(step)
    else
      entering.then(
        () => !this.#isEnded && this.#askRung(step),
        (error) => !this.#isEnded && this.refused(error),
      )
  }

  #askRung(step: RungStep): void {
    if (step.kind === 'cached') this.#tryCached(step.maxAgeMs)
    else if (step.kind === 'static') this.#tryStatic(step.text)
    else {
      this.#asked = new VersionAsking(this.#parts, this.#asker, step, this.#log, this)
      this.#asked.begin()
    }
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
    if (this.#isEnded) return
    if (hit === undefined) this.unasked({ ...UNREADY, detail: 'no earlier answer is kept' })
    else this.#whole(hit.answer, hit)
  }

  #tryStatic(text: string): void {
    if (this.#asker.subject.operation === 'generate') this.#whole(staticAnswer(this.#asker.subject, text))
    else this.unasked({ ...UNREADY, detail: 'a text answers only generation' })
  }

  #whole(answer: NeutralAnswer, hit?: CacheHit): void {
    this.finishReason =
      'choices' in answer ? ((answer as GenerateAnswer).choices[0]?.finishReason ?? null) : null
    this.#climb?.ended(this.step as RungStep, undefined, this.#parts.clock.monotonicMs())
    this.#asker.whole(answer, hit)
    this.#finish(undefined)
  }

  #heard({ finishReason, providerModel }: TextOutcome): void {
    this.finishReason = finishReason
    this.#providerModel = providerModel ?? this.#providerModel
  }

  #noteUnasked(code: string): void {
    this.#log.unasked({
      rung: (this.step as RungStep).name,
      version: this.version?.label ?? null,
      provider: this.version?.text?.provider ?? null,
      code,
      tookMs: this.#parts.clock.monotonicMs() - this.#stepMs,
    })
  }

  #errorOf(failure: TextFailure): SlipwayError {
    const { model, version } = this.#asker.subject
    const text = this.version?.text
    if (failure.feature !== undefined && text !== undefined) return this.#unsupported(failure.feature)
    return errorOfFailure(failure, {
      model: model.model,
      version: this.version?.label ?? version.label,
      provider: text?.provider ?? null,
      timeoutMs: this.#asker.timeoutMs,
    })
  }

  #unsupported(feature: string, cause?: Error): SlipwayError {
    const field = this.#asker.fieldOf(feature)
    const model = this.version?.text?.model.model ?? this.#asker.subject.model.model
    return new SlipwayError(
      'unsupported_field',
      { model, field },
      { pointer: `/${field.replaceAll('.', '/')}`, cause },
    )
  }

  #finish(failure: SlipwayError | 'cancelled' | undefined): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#asker.asked(failure)
  }
}
