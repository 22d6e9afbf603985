import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { SlipwayError } from '../../kernel/index.ts'
import { bindServer } from './bind-server.ts'
import type { HttpHandler, HttpServer, ListenWhere } from './http.ts'
import { rawProblem } from './raw-problem.ts'
import type { ServerLimits } from './server-limits.ts'

/** `node:http` with its bounds set and its errors answered as problems. */
export function createNodeHttpServer(
  limits: ServerLimits,
  nextRequestId: () => string,
  handle: HttpHandler,
): HttpServer {
  return new NodeHttpServer(limits, nextRequestId, handle)
}

class NodeHttpServer implements HttpServer {
  connections = 0
  readonly #server: Server

  constructor(limits: ServerLimits, nextRequestId: () => string, handle: HttpHandler) {
    const server = createServer({
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs / 2),
    })
    this.#server = server
    server.maxConnections = limits.maxConnections
    server.on('connection', (socket) => {
      this.connections++
      socket.once('close', () => this.connections--)
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      handle(request, response, false),
    )
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      handle(request, response, true),
    )
    server.on('clientError', (error: NodeJS.ErrnoException & { reason?: string }, socket: Socket) => {
      const known = errorOf(error, limits)
      if (known === undefined || !socket.writable || socket.bytesWritten > 0) socket.destroy()
      else socket.end(rawProblem(known, nextRequestId()), () => socket.destroySoon())
    })
  }

  listen(where: ListenWhere, flag: string): Promise<number> {
    return bindServer(this.#server, where, flag)
  }

  /** `http.Server.close` would cut idle connections at once. */
  stopAccepting(): void {
    NetServer.prototype.close.call(this.#server)
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections()
  }

  closeAllConnections(): void {
    this.#server.closeAllConnections()
  }
}

function errorOf(error: NodeJS.ErrnoException & { reason?: string }, limits: ServerLimits) {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new SlipwayError('headers_too_slow', { timeoutMs: limits.headersTimeoutMs })
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new SlipwayError('headers_too_large', { limitBytes: limits.maxHeaderBytes })
  if (error.code?.startsWith('HPE_') === true)
    return new SlipwayError('request_malformed', { reason: error.reason ?? 'it does not parse' })
  return undefined
}
