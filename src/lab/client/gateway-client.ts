import { type Dispatcher, Pool } from 'undici'
import { headerNames } from '../../contracts/index.ts'

/** What became of one request. */
export interface Outcome {
  readonly kind: 'answered' | 'refused' | 'timeout' | 'unreachable'
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** The version that answered, by the answer's own header. */
  readonly version: string | null
  readonly computeMs: number | null
  readonly queueMs: number | null
  readonly retryAfterMs: number | null
  /** The body when it was asked for, else empty. */
  readonly body: string
  /** Why no answer came; empty otherwise. */
  readonly reason: string
}

export interface GatewayTarget {
  readonly gatewayUrl: string
  readonly key: string
  readonly model: string
}

export interface GatewayClientOptions extends GatewayTarget {
  readonly timeoutMs: number
  /** Sockets at most; requests beyond them wait inside the client. */
  readonly connections: number
  readonly keepBodies: boolean
}

/**
 * The lab's own way to the gateway. It is part of the instrument, so it does as little as it can per request:
 * `Pool.dispatch` with bodies encoded beforehand, no promise, no stream, no body kept unless asked for.
 */
export interface GatewayClient {
  /** Calls `done` exactly once, never before it returns. */
  send(body: Uint8Array, done: (outcome: Outcome) => void, headers?: Record<string, string>): void
  ask(body: Uint8Array): Promise<Outcome>
  /** Ends at once; requests in flight are reported as unreachable. */
  close(): Promise<void>
}

export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const url = new URL(options.gatewayUrl)
  const pool = new Pool(url.origin, {
    connections: options.connections,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    connect: { timeout: Math.min(options.timeoutMs, 5000) },
    keepAliveTimeout: 30_000,
  })
  const headers = {
    authorization: `Bearer ${options.key}`,
    'content-type': 'application/json',
    [headerNames.timeoutMs]: String(options.timeoutMs),
  }
  const path = `/api/v1/models/${encodeURIComponent(options.model)}/predict`
  const send: GatewayClient['send'] = (body, done, extra) => {
    const request: Dispatcher.DispatchOptions = {
      path,
      method: 'POST',
      body,
      headers: extra === undefined ? headers : { ...headers, ...extra },
    }
    try {
      pool.dispatch(request, new Exchange(done, options.keepBodies))
    } catch (error) {
      queueMicrotask(() => done(failed(error as Error)))
    }
  }
  return {
    send,
    ask: (body) => new Promise((resolve) => send(body, resolve)),
    close: () => pool.destroy(),
  }
}

/** Answers larger than this are cut: the lab reads class labels and scores, not documents. */
const MAX_BODY_BYTES = 1_000_000

class Exchange implements Dispatcher.DispatchHandler {
  readonly #done: (outcome: Outcome) => void
  readonly #keepBody: boolean
  #status = 0
  #headers: Record<string, string | string[] | undefined> = {}
  #chunks: Buffer[] = []
  #bytes = 0
  #isDone = false

  constructor(done: (outcome: Outcome) => void, keepBody: boolean) {
    this.#done = done
    this.#keepBody = keepBody
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length
    if ((this.#keepBody || this.#status !== 200) && this.#bytes <= MAX_BODY_BYTES) this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const retryAfter = Number(this.#header('retry-after'))
    this.#finish({
      kind: this.#status === 200 ? 'answered' : 'refused',
      status: this.#status,
      version: this.#header(headerNames.version),
      computeMs: this.#number(headerNames.computeMs),
      queueMs: this.#number(headerNames.queueMs),
      retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : null,
      body: this.#chunks.length === 0 ? '' : Buffer.concat(this.#chunks).toString('utf8'),
      reason: '',
    })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#finish(failed(error))
  }

  #header(name: string): string | null {
    const value = this.#headers[name]
    return typeof value === 'string' ? value : null
  }

  #number(name: string): number | null {
    const text = this.#header(name)
    const value = text === null ? Number.NaN : Number(text)
    return Number.isFinite(value) ? value : null
  }

  #finish(outcome: Outcome): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#done(outcome)
  }
}

function failed(error: Error & { code?: string }): Outcome {
  const isTimeout = error.code === 'UND_ERR_HEADERS_TIMEOUT' || error.code === 'UND_ERR_BODY_TIMEOUT'
  return {
    kind: isTimeout ? 'timeout' : 'unreachable',
    status: 0,
    version: null,
    computeMs: null,
    queueMs: null,
    retryAfterMs: null,
    body: '',
    reason: error.code ?? error.message,
  }
}
