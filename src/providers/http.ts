import { type Dispatcher, Pool } from 'undici'
import { headerNames } from '../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../kernel/index.ts'
import type { RowCodec } from '../link/index.ts'
import { checkedEndpoint, outerLookup } from './address-guard.ts'
import type { Upstream, UpstreamFailure, UpstreamOutcome, UpstreamRequest } from './upstream.ts'

export interface HttpUpstreamOptions {
  readonly id: string
  /** From stored configuration, never from a request. */
  readonly url: string
  /** Sent as they are, such as the endpoint's own authorization. */
  readonly headers?: Readonly<Record<string, string>>
  readonly model: string
  readonly version: string
  readonly inputs: RowCodec
  readonly outputs: RowCodec
  /** Private and local addresses may be called too. */
  readonly allowInner: boolean
  readonly maxConnections?: number
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 5000
const KEEP_ALIVE_MS = 30_000

/**
 * A remote endpoint that speaks our predict form: rows as JSON there, outputs as JSON back. No redirects are followed,
 * since an answer must not choose whom we call.
 */
export function httpUpstream(options: HttpUpstreamOptions): Upstream {
  return new HttpUpstream(options)
}

class HttpUpstream implements Upstream {
  readonly id: string
  readonly #options: HttpUpstreamOptions
  readonly #pool: Pool
  readonly #path: string
  readonly #headers: string[]
  readonly #open = new Map<number, Exchange>()
  #lastId = 0
  #isClosed = false

  constructor(options: HttpUpstreamOptions) {
    const endpoint = checkedEndpoint(options.url, options.allowInner)
    this.id = options.id
    this.#options = options
    this.#path = endpoint.pathname + endpoint.search
    this.#headers = Object.entries({ 'content-type': 'application/json', ...options.headers }).flat()
    this.#pool = new Pool(endpoint.origin, {
      connections: options.maxConnections ?? 64,
      pipelining: 1,
      connect: {
        timeout: CONNECT_TIMEOUT_MS,
        ...(options.allowInner ? {} : { lookup: outerLookup }),
      },
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Each request has its own deadline.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  get isReady(): boolean {
    return !this.#isClosed
  }

  whenReady(): Promise<void> {
    return Promise.resolve()
  }

  infer(request: UpstreamRequest, settle: (outcome: UpstreamOutcome) => void): number {
    const id = ++this.#lastId
    if (this.#isClosed) {
      queueMicrotask(() => settle(this.#failure('replica_unready', true)))
      return id
    }
    const exchange = new Exchange(this.#options, request.deadlineMs, (outcome) => {
      this.#open.delete(id)
      settle(outcome)
    })
    this.#open.set(id, exchange)
    const body = `{"inputs":${this.#options.inputs.toJson(request.body, request.rows)}}`
    this.#pool.dispatch({ path: this.#path, method: 'POST', headers: this.#headers, body }, exchange)
    return id
  }

  cancel(requestId: number): void {
    this.#open.get(requestId)?.end('cancelled')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.close().catch(() => undefined)
  }

  #failure(code: UpstreamFailure['code'], retrySafe: boolean): UpstreamFailure {
    const { model, version } = this.#options
    return { ok: false, code, parameters: { model, version, retryAfterMs: 1000 }, retrySafe }
  }
}

/** One request on its way; settles once, by the answer, an error, the deadline or the caller. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: HttpUpstreamOptions
  readonly #settle: (outcome: UpstreamOutcome) => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #isSettled = false
  #status = 0
  #computeMs = 0
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(options: HttpUpstreamOptions, deadlineMs: number, settle: (outcome: UpstreamOutcome) => void) {
    this.#options = options
    this.#settle = settle
    this.#timer = setTimeout(() => this.end('deadline_exceeded'), deadlineMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isSettled) controller.abort(new Error('settled before it started'))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    this.#status = status
    this.#computeMs = Number(headers[headerNames.computeMs] ?? 0)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES)
      this.#modelFailed(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#status === 200) this.#answer()
    else if (this.#status === 429 || this.#status === 503)
      this.#finish(this.#failed('overloaded', { what: `The endpoint of ${this.#options.id}` }, true))
    else this.#modelFailed(`it answered ${this.#status}`)
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    const isUnsent =
      error.code === 'ECONNREFUSED' || error.code === 'UND_ERR_CONNECT_TIMEOUT' || isSlipwayError(error)
    this.#finish(this.#failed(isUnsent ? 'replica_unready' : 'replica_lost', {}, isUnsent))
  }

  end(code: 'cancelled' | 'deadline_exceeded'): void {
    this.#finish(this.#failed(code, {}, false))
  }

  #answer(): void {
    try {
      const text = Buffer.concat(this.#chunks).toString('utf8')
      const { outputs } = JSON.parse(text) as { outputs: unknown[] }
      const body = this.#options.outputs.encodeJson(outputs)
      const computeUs = Number.isFinite(this.#computeMs) ? Math.round(this.#computeMs * 1000) : 0
      this.#finish({ ok: true, rows: outputs.length, body, computeUs, queueUs: 0, preprocessUs: 0 })
    } catch (error) {
      this.#modelFailed(`its answer breaks the contract: ${(error as Error).message.slice(0, 200)}`)
    }
  }

  #modelFailed(reason: string): void {
    this.#finish(this.#failed('model_failed', { reason }, false))
  }

  #failed(
    code: UpstreamFailure['code'],
    parameters: UpstreamFailure['parameters'],
    retrySafe: boolean,
  ): UpstreamFailure {
    const { model, version } = this.#options
    return { ok: false, code, parameters: { model, version, retryAfterMs: 1000, ...parameters }, retrySafe }
  }

  #finish(outcome: UpstreamOutcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#chunks = []
    if (!outcome.ok) this.#controller?.abort(new SlipwayError('internal'))
    this.#settle(outcome)
  }
}
