import type { GenerateEvent } from '../../contracts/index.ts'
import { type JsonObject, type StreamReader, UpstreamBroken } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem, failedEvent, TRUNCATED } from '../problem.ts'
import { eventObject } from '../sse/sse-stream.ts'
import { Blocks } from './blocks.ts'
import { exceptionProblem } from './errors.ts'
import { type EventMessage, EventStreamReader } from './event-stream.ts'
import { readStopReason } from './stop-reason.ts'
import { readUsage } from './usage.ts'

/**
 * Events of `ConverseStream`. `messageStop` is the end of the answer and `metadata` with the usage comes after it, last; a
 * stream that ends between the two is whole, with a usage that nobody told. An exception inside is the last event.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export class ConverseStream implements StreamReader {
  readonly #emit: (event: GenerateEvent) => void
  readonly #blocks: Blocks
  readonly #reader = new EventStreamReader((message) => this.#message(message))
  #isStarted = false
  #isStopped = false
  #isOver = false

  constructor(emit: (event: GenerateEvent) => void) {
    this.#emit = emit
    this.#blocks = new Blocks(emit)
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
    const isWhole = this.#isStopped && !this.#reader.isWithin
    this.#last(isWhole ? { type: 'ended' } : TRUNCATED)
  }

  #message({ headers, payload }: EventMessage): void {
    if (this.#isOver) return
    const type = headers.get(':message-type')
    if (type === 'error')
      throw new UpstreamBroken(
        exceptionProblem(
          String(headers.get(':error-code') ?? ''),
          String(headers.get(':error-message') ?? ''),
        ),
      )
    const body = eventObject(payload.toString('utf8'))
    if (type === 'exception')
      throw new UpstreamBroken(
        exceptionProblem(textOf(headers.get(':exception-type')), textOf(body.message) ?? ''),
      )
    if (type === 'event') this.#event(headers.get(':event-type'), body)
  }

  #event(type: string | boolean | undefined, body: JsonObject): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#emit({ type: 'started', id: '' })
    }
    const index = body.contentBlockIndex
    if (type === 'metadata') this.#metadata(body)
    else if (this.#isStopped) return
    else if (type === 'contentBlockStart') this.#blocks.started(index, objectOf(body.start) ?? {})
    else if (type === 'contentBlockDelta') this.#blocks.delta(index, objectOf(body.delta) ?? {})
    else if (type === 'contentBlockStop') this.#blocks.stopped(index)
    else if (type === 'messageStop') {
      const raw = textOf(body.stopReason)
      if (raw === undefined) throw new UpstreamBroken(brokenProblem('its stream does not say why it stopped'))
      this.#isStopped = true
      this.#emit({ type: 'finished', choice: 0, reason: readStopReason(raw), raw })
    }
  }

  #metadata({ usage }: JsonObject): void {
    this.#emit({ type: 'usage', usage: readUsage(usage) })
    if (this.#isStopped) this.#last({ type: 'ended' })
  }

  #last(event: GenerateEvent): void {
    this.#isOver = true
    this.#emit(event)
  }
}
