import type { Dispatcher } from 'undici'
import type { UpstreamProblem } from '../../dialects/index.ts'
import type { TextSink } from '../text/text-upstream.ts'
import type { Prepared } from './prepared.ts'
import type { AnswerHeaders } from './rate-headers.ts'
import { type Broken, parsed, type Reading } from './reading.ts'
import type { TryPhase } from './try-failure.ts'

/** How a try ended; `fine` was passed on whole. */
export type TryEnd =
  | { readonly kind: 'fine' }
  | { readonly kind: 'error'; readonly error: Error & { code?: string } }
  | { readonly kind: 'problem'; readonly problem: UpstreamProblem }
  | { readonly kind: 'broken'; readonly broken: Broken }
  /** The head of the answer, or its size, shows that it cannot be one. */
  | { readonly kind: 'no-answer'; readonly detail: string }

/** Hears of one try. Nothing comes after `ended`, which comes once. */
export interface TryOwner {
  readonly sink: TextSink
  sent(): void
  /** A 2xx of the right type. */
  accepted(headers: AnswerHeaders): void
  /** Bytes of the body came, and what the reading made of them was passed on. */
  moved(): void
  ended(end: TryEnd): void
}

export interface TryLimits {
  readonly maxAnswerBytes: number
  readonly maxErrorBytes: number
  readonly maxStreamBytes: number
}

/**
 * One request on one connection:
 *
 * unsent ──connected and written──▶ sent ──head──▶ answering ──end──▶ ended
 *
 * While it is paused, what the connection still hands over is kept and nothing is read from the socket, so that the
 * sender's window fills. `stop` closes the connection there and then: an aborted request cannot be taken back in HTTP/1.
 */
export class Try implements Dispatcher.DispatchHandler {
  phase: TryPhase = 'unsent'
  /** Of the answer; 0 before there is one. */
  status = 0
  headers: AnswerHeaders = {}
  readonly reading: Reading
  readonly #owner: TryOwner
  readonly #prepared: Prepared
  readonly #streamType: string
  readonly #limits: TryLimits
  #controller: Dispatcher.DispatchController | undefined
  #body: 'answer' | 'error' | 'instead-of-stream' = 'answer'
  #error: Buffer[] = []
  #bytes = 0
  #isOver = false
  #isPaused = false
  #kept: Buffer[] = []
  #isEndKept = false
  #isHeadKept = false

  constructor(prepared: Prepared, streamType: string, limits: TryLimits, owner: TryOwner) {
    this.#prepared = prepared
    this.#streamType = streamType
    this.#limits = limits
    this.#owner = owner
    this.reading = prepared.reading(owner.sink)
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isHeadKept) this.#head(this.status, this.headers)
    const kept = this.#kept
    while (kept.length > 0 && !this.#isPaused && !this.#isOver) this.#data(kept.shift() as Buffer)
    if (this.#isPaused || this.#isOver) return
    if (this.#isEndKept) this.#end()
    else this.#controller?.resume()
  }

  /** Idempotent; nothing is told of it. */
  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#letGo()
    this.#controller?.abort(STOPPED)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) {
      controller.abort(STOPPED)
      return
    }
    if (this.#isPaused) controller.pause()
    this.phase = 'sent'
    this.#owner.sent()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (this.#isOver || status < 200) return
    if (this.#isPaused) {
      this.#isHeadKept = true
      this.status = status
      this.headers = headers
    } else this.#head(status, headers)
  }

  #head(status: number, headers: AnswerHeaders): void {
    this.#isHeadKept = false
    this.phase = 'answering'
    this.status = status
    this.headers = headers
    if (status >= 400) this.#body = 'error'
    else if (status >= 300) this.#refuse(`it answered ${status}, and redirects are not followed`)
    else this.#accept(headers)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    if (this.#isPaused || this.#kept.length > 0) this.#kept.push(chunk)
    else this.#data(chunk)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    if (this.#isPaused || this.#kept.length > 0) this.#isEndKept = true
    else this.#end()
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    this.#finish({ kind: 'error', error })
  }

  #accept(headers: AnswerHeaders): void {
    const encoding = headers['content-encoding']
    const type = String(headers['content-type'] ?? '')
      .split(';', 1)[0]
      ?.trim()
      .toLowerCase()
    const wanted = this.#prepared.isStream ? this.#streamType : 'application/json'
    if (encoding !== undefined && encoding !== 'identity')
      this.#refuse(`it answered in ${String(encoding)}, which was not asked for`)
    else if (type === wanted || type === '' || (!this.#prepared.isStream && type?.endsWith('+json') === true))
      this.#owner.accepted(headers)
    else if (this.#prepared.isStream && type === 'application/json') this.#body = 'instead-of-stream'
    else this.#refuse(`it answered ${type?.slice(0, 100)} instead of ${wanted}`)
  }

  #data(chunk: Buffer): void {
    this.#bytes += chunk.length
    const { maxAnswerBytes, maxErrorBytes, maxStreamBytes } = this.#limits
    if (this.#body !== 'answer') {
      this.#error.push(chunk)
      if (this.#bytes > maxErrorBytes) this.#end()
      return
    }
    const most = this.#prepared.isStream ? maxStreamBytes : maxAnswerBytes
    if (this.#bytes > most) {
      this.#refuse(`its answer is larger than ${most} bytes`)
      return
    }
    this.reading.push(chunk)
    this.#look()
  }

  /** The reading says at once when what came is broken: nothing more is worth reading then. */
  #look(): void {
    if (this.#isOver) return
    this.#owner.moved()
    const { broken } = this.reading
    if (broken !== undefined && !this.#isOver) this.#finish({ kind: 'broken', broken })
  }

  #end(): void {
    if (this.#body === 'error') {
      this.#finish({ kind: 'problem', problem: this.#prepared.readError(this.status, this.#errorBody()) })
      return
    }
    if (this.#body === 'instead-of-stream') {
      this.#finish(this.#notStreamed())
      return
    }
    this.reading.end()
    if (this.#isOver) return
    const { broken } = this.reading
    this.#finish(broken === undefined ? { kind: 'fine' } : { kind: 'broken', broken })
  }

  /** JSON with a 200 where a stream was asked for is an error in disguise, or a server that does not stream. */
  #notStreamed(): TryEnd {
    const detail = 'it answered application/json instead of a stream'
    try {
      const body = parsed(this.#errorBody()) as { error?: unknown } | null
      if (body === null || typeof body !== 'object' || body.error === undefined)
        return { kind: 'no-answer', detail }
    } catch {
      return { kind: 'no-answer', detail }
    }
    return { kind: 'problem', problem: this.#prepared.readError(this.status, this.#errorBody()) }
  }

  #errorBody(): Buffer {
    return Buffer.concat(this.#error).subarray(0, this.#limits.maxErrorBytes)
  }

  #refuse(detail: string): void {
    this.#finish({ kind: 'no-answer', detail })
  }

  #finish(end: TryEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    if (end.kind !== 'fine') this.#controller?.abort(STOPPED)
    this.#owner.ended(end)
    this.#letGo()
  }

  #letGo(): void {
    this.#kept = []
    this.#error = []
  }
}

const STOPPED = new Error('nobody waits for the answer any more')
