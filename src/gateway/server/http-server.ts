import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { SlipwayError, toProblem } from '../../kernel/index.ts'

export interface ServerLimits {
  readonly maxConnections: number
  readonly maxHeaderBytes: number
  /** From the first byte (or the connection, if none comes) to the end of the headers. */
  readonly headersTimeoutMs: number
  /** To the end of the body. */
  readonly requestTimeoutMs: number
  /** An idle kept connection closes after this; longer than what common balancers wait (60 s). */
  readonly keepAliveTimeoutMs: number
}

export const defaultServerLimits: ServerLimits = {
  maxConnections: 10_000,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
}

type Handler = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void

/** `node:http` with its bounds set and its errors answered as problems. */
export function createHttpServer(limits: ServerLimits, nextRequestId: () => string, handle: Handler): Server {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs / 2),
  })
  server.maxConnections = limits.maxConnections
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
  return server
}

/** Resolves to the port. Throws `port_in_use`. */
export function listen(
  server: Server,
  where: { host: string; port: number; reusePort: boolean },
  flag: string,
): Promise<number> {
  const { host, port, reusePort } = where
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new SlipwayError('port_in_use', { port, host, flag }, { cause: error })
          : error,
      ),
    )
    server.listen({ host, port, reusePort, backlog: 1024 }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Stops accepting and leaves every open connection as it is (`http.Server.close` would cut idle ones at once). */
export function stopAccepting(server: Server): void {
  NetServer.prototype.close.call(server)
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

/** There is no response object for a request that never became one. */
function rawProblem(error: SlipwayError, requestId: string): string {
  const body = JSON.stringify(toProblem(error, requestId))
  const reason =
    { 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[error.status] ?? 'Bad Request'
  return (
    `HTTP/1.1 ${error.status} ${reason}\r\ncontent-type: application/problem+json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nx-slipway-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`
  )
}
