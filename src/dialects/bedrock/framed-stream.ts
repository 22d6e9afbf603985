import type { GenerateEvent } from '../../contracts/index.ts'
import { type JsonObject, type StreamReader, UpstreamBroken } from '../dialect.ts'
import { failedEvent, TRUNCATED } from '../problem.ts'
import { eventBody } from './event-body.ts'
import { EventStreamReader } from './event-stream.ts'

/** What is made of the events of one answer. */
export interface FramedEvents {
  /** Throws `UpstreamBroken`. True: this was the last one. */
  event(type: string | boolean | undefined, body: JsonObject): boolean
  /** The input ended without a last one: it may be whole all the same. */
  readonly isWhole: boolean
}

/** The promises of `StreamReader` for events in Amazon's framing; an exception inside is the last one. */
export class FramedStream implements StreamReader {
  readonly #emit: (event: GenerateEvent) => void
  readonly #events: FramedEvents
  readonly #reader = new EventStreamReader((message) => {
    if (this.#isOver) return
    const body = eventBody(message)
    if (body === undefined) return
    if (this.#events.event(message.headers.get(':event-type'), body)) this.#last({ type: 'ended' })
  })
  #isOver = false

  constructor(emit: (event: GenerateEvent) => void, events: FramedEvents) {
    this.#emit = emit
    this.#events = events
  }

  push(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof UpstreamBroken)) throw error
      // What comes after the last event has no say any more.
      if (!this.#isOver) this.#last(failedEvent(error.problem))
    }
  }

  end(): void {
    if (this.#isOver) return
    this.#last(this.#events.isWhole && !this.#reader.isWithin ? { type: 'ended' } : TRUNCATED)
  }

  #last(event: GenerateEvent): void {
    this.#isOver = true
    this.#emit(event)
  }
}
