import type { GenerateEvent } from '../../contracts/index.ts'
import { type StreamReader, UpstreamBroken } from '../dialect.ts'
import { brokenProblem, failedEvent, TRUNCATED } from '../problem.ts'
import { SseLimitExceeded, type SseLimits } from './event-splitter.ts'
import { type SseEvent, SseReader } from './sse-reader.ts'

/** What a dialect makes of one server-sent event. */
export interface StreamInterpreter {
  /**
   * Throws `UpstreamBroken` for an error told inside the stream and for an event that is none; the stream has failed
   * then. Returns true when this was the dialect's terminal marker.
   */
  event(event: SseEvent, emit: (event: GenerateEvent) => void): boolean
  /** Before `ended` goes out, or when the input ended without a marker; true: the dialect takes that for an end. */
  end?(emit: (event: GenerateEvent) => void, isMarked: boolean): boolean
}

/**
 * The promises of `StreamReader` for every dialect that streams server-sent events: one `ended` or `failed`, nothing
 * after it, bounded, `upstream_truncated` where the input ends before the terminal marker. An event cut off by the end of
 * the input that cannot be read is a truncation too, and not a malformed event.
 */
export function sseStreamReader(
  emit: (event: GenerateEvent) => void,
  interpreter: StreamInterpreter,
  limits: Partial<SseLimits> = {},
): StreamReader {
  return new SseStream(emit, interpreter, limits)
}

class SseStream implements StreamReader {
  readonly #emit: (event: GenerateEvent) => void
  readonly #interpreter: StreamInterpreter
  readonly #reader: SseReader
  #isOver = false
  #isFlushing = false

  constructor(
    emit: (event: GenerateEvent) => void,
    interpreter: StreamInterpreter,
    limits: Partial<SseLimits>,
  ) {
    this.#emit = emit
    this.#interpreter = interpreter
    this.#reader = new SseReader((event) => this.#event(event), limits)
  }

  push(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof SseLimitExceeded)) throw error
      this.#last(failedEvent(brokenProblem(error.message)))
    }
  }

  end(): void {
    if (this.#isOver) return
    this.#isFlushing = true
    this.#reader.end()
    if (this.#isOver) return
    const isWhole = this.#interpreter.end?.(this.#emit, false) ?? false
    this.#last(isWhole ? { type: 'ended' } : TRUNCATED)
  }

  #event(event: SseEvent): void {
    if (this.#isOver) return
    let isTerminal: boolean
    try {
      isTerminal = this.#interpreter.event(event, this.#emit)
    } catch (error) {
      if (!(error instanceof UpstreamBroken)) throw error
      const isCut = this.#isFlushing && error instanceof MalformedEvent
      this.#last(isCut ? TRUNCATED : failedEvent(error.problem))
      return
    }
    if (!isTerminal) return
    this.#interpreter.end?.(this.#emit, true)
    this.#last({ type: 'ended' })
  }

  #last(event: GenerateEvent): void {
    this.#isOver = true
    this.#emit(event)
  }
}

/** Throws `UpstreamBroken` where the data of an event is no JSON object. */
export function eventObject(data: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    throw new MalformedEvent('an event of its stream is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedEvent('an event of its stream is not a JSON object')
  return value as Record<string, unknown>
}

class MalformedEvent extends UpstreamBroken {
  constructor(detail: string) {
    super(brokenProblem(detail))
  }
}
