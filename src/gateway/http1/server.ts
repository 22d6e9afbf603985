import { createServer, type Server, type Socket } from 'node:net'
import { SlipwayError } from '../../kernel/index.ts'
import { bindServer } from '../server/bind-server.ts'
import type { HttpHandler, HttpServer, ListenWhere } from '../server/http.ts'
import { rawProblem } from '../server/raw-problem.ts'
import type { ServerLimits } from '../server/server-limits.ts'
import { type ConnectionOptions, type Fault, Http1Connection } from './connection.ts'

/**
 * HTTP/1.1 on raw sockets, strict and small: about half the CPU of `node:http` a request. `bench/http1` holds it to
 * `node:http` on millions of mutated requests: whatever it takes, that takes too, and takes for the same.
 */
export function createHttp1Server(
  limits: ServerLimits,
  nextRequestId: () => string,
  handle: HttpHandler,
): HttpServer {
  return new Http1Server(limits, nextRequestId, handle)
}

class Http1Server implements HttpServer {
  readonly #limits: ServerLimits
  readonly #nextRequestId: () => string
  readonly #server: Server
  readonly #open = new Set<Http1Connection>()
  readonly #timer: NodeJS.Timeout

  constructor(limits: ServerLimits, nextRequestId: () => string, handle: HttpHandler) {
    this.#limits = limits
    this.#nextRequestId = nextRequestId
    const monotonicMs = () => performance.now()
    const options: ConnectionOptions = {
      ...limits,
      keepAliveLine: `keep-alive: timeout=${Math.floor(limits.keepAliveTimeoutMs / 1000)}\r\n`,
      handle,
      monotonicMs,
      onFault: (connection, kind, reason) => this.#refuse(connection, kind, reason),
      onClose: (connection) => this.#open.delete(connection),
    }
    this.#server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket: Socket) => {
      this.#open.add(new Http1Connection(socket, options))
    })
    this.#server.maxConnections = limits.maxConnections
    this.#timer = setInterval(
      () => {
        const nowMs = monotonicMs()
        for (const connection of this.#open) connection.tick(nowMs)
      },
      Math.min(1000, limits.headersTimeoutMs / 2),
    )
    this.#timer.unref()
  }

  get connections(): number {
    return this.#open.size
  }

  listen(where: ListenWhere, flag: string): Promise<number> {
    return bindServer(this.#server, where, flag)
  }

  stopAccepting(): void {
    this.#server.close()
  }

  closeIdleConnections(): void {
    for (const connection of this.#open) if (connection.isIdle) connection.socket.destroy()
  }

  closeAllConnections(): void {
    clearInterval(this.#timer)
    for (const connection of this.#open) connection.socket.destroy()
  }

  #refuse(connection: Http1Connection, kind: Fault, reason: string): void {
    const { socket } = connection
    if (!socket.writable || connection.isAnswering) {
      socket.destroy()
      return
    }
    socket.end(rawProblem(this.#errorOf(kind, reason), this.#nextRequestId()), () => socket.destroySoon())
  }

  #errorOf(kind: Fault, reason: string): SlipwayError {
    const { headersTimeoutMs, maxHeaderBytes } = this.#limits
    if (kind === 'too-slow') return new SlipwayError('headers_too_slow', { timeoutMs: headersTimeoutMs })
    if (kind === 'too-large') return new SlipwayError('headers_too_large', { limitBytes: maxHeaderBytes })
    return new SlipwayError('request_malformed', { reason })
  }
}
