import { type Dispatcher, Pool } from 'undici'
import { headerNames } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Exchange, FailureKind, Target } from './target.ts'
import type { AnswerReader, Wire } from './wire.ts'

/** A wire on real sockets. Part of the instrument: `Pool.dispatch`, no promise and no stream per request. */
export function httpTarget(options: {
  readonly name: string
  readonly origin: string
  readonly wire: Wire
  readonly clock: Clock
  readonly timeoutMs: number
  readonly connections: number
}): Target {
  const { wire, clock, timeoutMs } = options
  const pool = new Pool(options.origin, {
    connections: options.connections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: Math.min(timeoutMs, 5000) },
    keepAliveTimeout: 30_000,
  })
  return {
    name: options.name,
    streams: wire.streams,
    send(ask, done) {
      const exchange = new HttpExchange(wire, clock, timeoutMs, done)
      try {
        const { path, method, headers } = wire
        pool.dispatch({ path, method, headers, body: wire.body(ask) }, exchange)
      } catch (error) {
        queueMicrotask(() => exchange.onResponseError(undefined, error as Error))
      }
    },
    close: () => pool.destroy(),
  }
}

class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #clock: Clock
  readonly #done: (exchange: Exchange) => void
  readonly #reader: AnswerReader
  readonly #sentMs: number
  readonly #contentMs: number[] = []
  #firstByteMs: number | null = null
  #status = 0
  #failure: FailureKind | null = null
  #reason = ''
  #inputTokens: number | null = null
  #outputTokens: number | null = null
  #answeredBy: string | null = null
  #isDone = false
  #controller: Dispatcher.DispatchController | undefined
  readonly #deadline: NodeJS.Timeout

  constructor(wire: Wire, clock: Clock, timeoutMs: number, done: (exchange: Exchange) => void) {
    this.#clock = clock
    this.#done = done
    this.#sentMs = clock.monotonicMs()
    // The timeouts of the pool start anew with each piece; a stream that drips would outlive them all.
    this.#deadline = setTimeout(() => this.#expire(timeoutMs), timeoutMs)
    this.#reader = wire.reader({
      content: () => {
        if (this.#contentMs.length < MAX_PIECES) this.#contentMs.push(clock.monotonicMs())
      },
      usage: (input, output) => {
        this.#inputTokens = input ?? this.#inputTokens
        this.#outputTokens = output ?? this.#outputTokens
      },
      answeredBy: (name) => {
        this.#answeredBy ??= name
      },
      failed: (kind, reason) => this.#fail(kind, reason),
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isDone) controller.abort(new Error('it waited too long for a socket'))
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    this.#firstByteMs = this.#clock.monotonicMs()
    const version = headers[headerNames.version]
    if (typeof version === 'string') this.#answeredBy = version
    if (status < 200 || status > 299) this.#fail('status', `it answers ${status}`)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#failure === null) this.#read(() => this.#reader.push(chunk))
  }

  onResponseEnd(): void {
    if (this.#failure === null) this.#read(() => this.#reader.end())
    this.#finish()
  }

  onResponseError(_controller: unknown, error: Error & { code?: string }): void {
    const { code } = error
    const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT'
    const broke = this.#status === 0 ? 'unreachable' : 'truncated'
    this.#fail(isTimeout ? 'timeout' : broke, code ?? error.message)
    this.#finish()
  }

  #expire(timeoutMs: number): void {
    this.#fail('timeout', `no whole answer within ${timeoutMs} ms`)
    this.#finish()
    this.#controller?.abort(new Error('timeout'))
  }

  /** An error of the reader must not reach the socket. */
  #read(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#fail('garbage', (error as Error).message)
    }
  }

  #fail(kind: FailureKind, reason: string): void {
    if (this.#failure !== null) return
    this.#failure = kind
    this.#reason = reason.slice(0, 200)
  }

  #finish(): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#deadline)
    if (this.#failure === null && this.#contentMs.length === 0)
      this.#fail('garbage', 'its answer has no content')
    this.#done({
      sentMs: this.#sentMs,
      firstByteMs: this.#firstByteMs,
      contentMs: this.#contentMs,
      endMs: this.#clock.monotonicMs(),
      status: this.#status,
      failure: this.#failure,
      reason: this.#reason,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
      answeredBy: this.#answeredBy,
    })
  }
}

/** More pieces than any answer that was asked for; times beyond are left out of the list of gaps. */
const MAX_PIECES = 20_000
