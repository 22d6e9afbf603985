import { type GenerateEvent, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import { mergeUsage } from '../../dialects/index.ts'
import type { Clock } from '../../kernel/index.ts'
import {
  type AskedText,
  type LinkAsk,
  LinkProtocolError,
  type LinkStream,
  type LinkStreamOutcome,
  type LinkStreamSink,
  readAnswer,
  readEvents,
  type TextAnswer,
  type TextAsk,
  type TextEnd,
} from '../../link/index.ts'
import { hasContent } from './has-content.ts'
import { BROKEN_ANSWER, failureOfEngine, failureOfLink, failureOfTime, UNREADY } from './replica-failures.ts'
import type { TextCall, TextExchange, TextFailure, TextSink } from './text-upstream.ts'

export interface ReplicaCallParts {
  readonly clock: Clock
  readonly due: (atMs: number) => void
  readonly settled: (call: ReplicaCall) => void
}

/**
 * One call of a replica:
 *
 * asked ──first content──▶ flowing ──end──▶ over; `due` and `cancel` stop it from anywhere, and the end that the server
 * says then tells what was used.
 *
 * Events before the first content are kept back, so that a failure there has shown nothing and somebody else may answer.
 */
export class ReplicaCall implements TextExchange, LinkStreamSink {
  readonly id: number
  /** When it is to be looked at; monotonic ms. */
  dueAtMs: number
  readonly #call: TextCall
  readonly #sink: TextSink
  readonly #parts: ReplicaCallParts
  readonly #totalAtMs: number
  #stream: LinkStream | undefined
  /** Before the first content, and while it is paused within a frame. */
  #held: GenerateEvent[] = []
  #hadContent = false
  #isPaused = false
  #isEmitting = false
  #isOver = false
  /** Why it was stopped, where it was not the caller's wish. */
  #late: TextFailure | undefined
  #usage: TokenUsage = NO_USAGE

  constructor(id: number, call: TextCall, sink: TextSink, parts: ReplicaCallParts) {
    this.id = id
    this.#call = call
    this.#sink = sink
    this.#parts = parts
    const { firstContentMs, totalMs } = call.timeouts
    const nowMs = parts.clock.monotonicMs()
    this.#totalAtMs = nowMs + totalMs
    this.dueAtMs = call.stream ? Math.min(this.#totalAtMs, nowMs + firstContentMs) : this.#totalAtMs
  }

  ask({ kind, request }: AskedText): LinkAsk {
    const { priority, requestId, stream, timeouts } = this.#call
    const header: TextAsk = { kind, stream, requestId: requestId ?? `call-${this.id}` }
    // The deadline is the server's to plan by; ours comes first.
    return {
      header: { ...header },
      body: Buffer.from(JSON.stringify(request)),
      deadlineMs: timeouts.totalMs + DEADLINE_AHEAD_MS,
      priority,
    }
  }

  carriedBy(stream: LinkStream): void {
    this.#stream = stream
    this.#parts.due(this.dueAtMs)
  }

  /** There is no connection that could take it. */
  turnAway(): void {
    queueMicrotask(() => this.#over(UNREADY, undefined))
  }

  pause(): void {
    this.#isPaused = true
    this.#stream?.pause()
    this.#wait()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#hadContent) this.#emit()
    if (this.#isPaused || this.#isOver) return
    this.#wait()
    this.#stream?.resume()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#held = []
    if (this.#stream !== undefined) this.#stream.cancel()
  }

  due(nowMs: number): void {
    if (this.#isOver || this.#late !== undefined) return
    const { firstContentMs, idleMs, totalMs } = this.#call.timeouts
    if (nowMs >= this.#totalAtMs) this.#late = failureOfTime(`no end within ${totalMs} ms`)
    else if (this.#hadContent) this.#late = failureOfTime(`nothing more within ${idleMs} ms`)
    else this.#late = failureOfTime(`no content within ${firstContentMs} ms`)
    this.dueAtMs = Number.POSITIVE_INFINITY
    this.cancel()
  }

  events(body: Buffer): void {
    let events: readonly GenerateEvent[]
    try {
      events = readEvents(body)
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error
      this.#late ??= { ...BROKEN_ANSWER, detail: error.message }
      this.cancel()
      return
    }
    for (const event of events) {
      if (event.type === 'usage') this.#usage = mergeUsage(this.#usage, event.usage)
      this.#held.push(event)
      if (this.#hadContent || !hasContent(event)) continue
      this.#hadContent = true
      this.#accepted()
    }
    if (!this.#hadContent) return
    this.#emit()
    this.#wait()
  }

  settled(outcome: LinkStreamOutcome): void {
    const end = outcome.end as TextEnd | undefined
    if (this.#late !== undefined) this.#over(this.#late, end)
    else if (!outcome.ok) this.#over(failureOfLink(outcome), end)
    else if (end?.failure !== undefined) this.#over(failureOfEngine(end.failure), end)
    else this.#finish(outcome.body, end)
  }

  #finish(body: Buffer, end: TextEnd | undefined): void {
    if (this.#call.stream) {
      // An answer without content is whole all the same.
      if (!this.#hadContent) this.#accepted()
      this.#hadContent = true
      this.#emit()
      this.#over(undefined, end)
      return
    }
    let answer: TextAnswer
    try {
      answer = readAnswer(body)
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error
      this.#over({ ...BROKEN_ANSWER, detail: error.message }, end)
      return
    }
    this.#hadContent = true
    this.#accepted()
    this.#sink.answer('inputTokens' in answer ? { input_tokens: answer.inputTokens } : answer)
    this.#over(undefined, end)
  }

  #accepted(): void {
    this.#sink.accepted({ account: null, upstreamRequestId: null, providerModel: null })
  }

  /** A frame may hold several events: the one that pauses is the last for now. */
  #emit(): void {
    if (this.#isEmitting) return
    this.#isEmitting = true
    while (this.#held.length > 0 && !this.#isPaused && !this.#isOver)
      this.#sink.event(this.#held.shift() as GenerateEvent)
    this.#isEmitting = false
  }

  /** While it is paused the silence is ours. */
  #wait(): void {
    if (this.#isOver || this.#late !== undefined || !this.#call.stream) return
    const { firstContentMs, idleMs } = this.#call.timeouts
    const waitMs = this.#hadContent ? idleMs : firstContentMs
    const atMs = this.#isPaused ? Number.POSITIVE_INFINITY : this.#parts.clock.monotonicMs() + waitMs
    this.dueAtMs = Math.min(this.#totalAtMs, atMs)
    this.#parts.due(this.dueAtMs)
  }

  #over(failure: TextFailure | undefined, end: TextEnd | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.dueAtMs = Number.POSITIVE_INFINITY
    this.#held = []
    this.#parts.settled(this)
    this.#sink.settled({
      failure: failure === undefined ? undefined : { ...failure, hadContent: this.#hadContent },
      usage: end?.usage ?? this.#usage,
      finishReason: end?.finishReason ?? null,
      providerModel: null,
      earlier: [],
      reportedCostUsd: null,
      ...(end === undefined
        ? {}
        : { spent: { queueUs: end.queueUs, prefillUs: end.prefillUs, decodeUs: end.decodeUs } }),
    })
  }
}

/** So that it is told here that time ran out, and why. */
const DEADLINE_AHEAD_MS = 50
