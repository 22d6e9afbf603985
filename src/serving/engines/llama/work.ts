import {
  type EmbedAnswer,
  type FinishReason,
  type GenerateAnswer,
  type GenerateEvent,
  NO_USAGE,
  type TokenUsage,
} from '../../../contracts/index.ts'
import { AnswerCollector } from '../../../dialects/index.ts'
import type { Clock } from '../../../kernel/index.ts'
import type { TextRun, TextWork, TextWorkFailure, TextWorkSink } from '../../text-engine.ts'

type Answer = GenerateAnswer | EmbedAnswer | { readonly inputTokens: number }

/**
 * One request from arrival to its end. It ends exactly once: done, failed, cancelled or too late, whichever is first; what the
 * engine still computes of it afterwards is dropped. While it is paused, what it would say is kept.
 */
export class Work implements TextRun {
  readonly asked: TextWork
  readonly arrivedMs: number
  isOver = false
  isPaused = false
  /** Counted once for all choices. */
  usage: TokenUsage = { ...NO_USAGE, input: 0, cacheRead: 0, output: 0 }
  finishReason: FinishReason | null = null
  /** Told before anything else, when its question begins to be read. */
  opening: readonly GenerateEvent[] = []
  readonly #sink: TextWorkSink
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #left = new AbortController()
  readonly #collector = new AnswerCollector()
  #kept: (() => void)[] = []
  #isBegun = false
  #isUnwanted = false
  #prefillFromMs: number | undefined
  #decodeFromMs: number | undefined

  /** @param changed called when it may be worth looking at the work again. */
  constructor(asked: TextWork, sink: TextWorkSink, clock: Clock, changed: () => void) {
    this.asked = asked
    this.#sink = sink
    this.#clock = clock
    this.#changed = changed
    this.arrivedMs = clock.monotonicMs()
    if (Number.isFinite(asked.deadlineAtMs)) void this.#endAtDeadline()
  }

  get priority(): number {
    return this.asked.priority
  }

  get deadlineAtMs(): number {
    return this.asked.deadlineAtMs
  }

  get isCancelled(): boolean {
    return this.isOver
  }

  get hasStarted(): boolean {
    return this.#prefillFromMs !== undefined
  }

  prefillBegan(usage: TokenUsage): void {
    if (this.#prefillFromMs !== undefined) return
    this.#prefillFromMs = this.#clock.monotonicMs()
    this.usage = usage
    for (const event of this.opening) this.emit(event)
  }

  decodeBegan(): void {
    this.#decodeFromMs ??= this.#clock.monotonicMs()
  }

  tokenDrawn(): void {
    this.usage = { ...this.usage, output: (this.usage.output ?? 0) + 1 }
  }

  emit(event: GenerateEvent): void {
    if (this.isOver) return
    if (event.type === 'finished') this.finishReason ??= event.reason
    if (this.asked.stream) this.#say(() => this.#sink.event(event))
    else this.#collector.push(event)
  }

  /** Everything of it was said. */
  done(answer?: Answer): void {
    const whole = answer ?? (this.asked.stream ? undefined : this.#collected())
    if (whole !== undefined) this.#say(() => this.#sink.answer(whole))
    this.#say(() => this.#settle(undefined))
  }

  fail(failure: TextWorkFailure): void {
    this.#settle(failure)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    while (!this.isPaused && !this.isOver) {
      const next = this.#kept.shift()
      if (next === undefined) break
      next()
    }
    this.#changed()
  }

  /** Its turn to be looked at has come; before that nothing of it is told, not even that it is cancelled. */
  begin(): void {
    this.#isBegun = true
    if (this.#isUnwanted) this.cancel()
  }

  cancel(): void {
    this.#isUnwanted = true
    if (!this.#isBegun) return
    this.#settle({
      code: 'cancelled',
      detail: 'The caller no longer wants the answer.',
      retrySafe: !this.hasStarted,
    })
  }

  #collected(): GenerateAnswer {
    this.#collector.push({ type: 'usage', usage: this.usage })
    this.#collector.push({ type: 'ended' })
    return this.#collector.answer(this.#clock.nowMs())
  }

  #say(what: () => void): void {
    if (this.isOver) return
    if (this.isPaused) this.#kept.push(what)
    else what()
  }

  #settle(failure: TextWorkFailure | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.#kept = []
    this.#left.abort()
    const nowMs = this.#clock.monotonicMs()
    const prefillFromMs = this.#prefillFromMs ?? nowMs
    const decodeFromMs = this.#decodeFromMs ?? nowMs
    const micros = (fromMs: number, toMs: number) => Math.max(0, Math.round((toMs - fromMs) * 1000))
    this.#sink.settled({
      failure,
      usage: this.usage,
      finishReason: failure === undefined ? this.finishReason : null,
      queueUs: micros(this.arrivedMs, prefillFromMs),
      prefillUs: micros(prefillFromMs, decodeFromMs),
      decodeUs: micros(decodeFromMs, nowMs),
    })
    this.#changed()
  }

  async #endAtDeadline(): Promise<void> {
    try {
      const leftMs = this.asked.deadlineAtMs - this.#clock.monotonicMs()
      await this.#clock.sleep(Math.max(0, leftMs), this.#left.signal)
    } catch {
      return
    }
    this.fail({
      code: 'deadline_exceeded',
      detail: this.hasStarted
        ? 'The deadline passed before the answer was whole.'
        : 'The deadline passed while the request waited for a sequence.',
      retrySafe: !this.hasStarted,
    })
  }
}
