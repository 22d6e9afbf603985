import type { IncomingHttpHeaders } from 'node:http'
import type { Writable } from 'node:stream'

/**
 * HTTP/1.1 as the gateway uses it, and no more of it. Two servers speak it (`node:http`, and `http1`, which costs half as
 * much); one suite, `http-server.conformance.ts`, holds both to it.
 */
export interface HttpServer {
  readonly connections: number
  /** Resolves to the port. Throws `port_in_use`. */
  listen(where: ListenWhere, flag: string): Promise<number>
  /** Stops accepting and leaves every open connection as it is. */
  stopAccepting(): void
  closeIdleConnections(): void
  closeAllConnections(): void
}

export interface ListenWhere {
  readonly host: string
  readonly port: number
  readonly reusePort: boolean
}

/**
 * A request whose head is whole. The body comes as `data` and `end` once somebody listens to `data` or resumes it; what
 * nobody took is thrown away when the answer is out. `close` comes once, after `end` or when the connection was lost.
 */
export interface HttpRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
  /** The body came to its end. */
  readonly complete: boolean
  readonly socket: { destroySoon(): void }
  on(event: 'data', take: (chunk: Buffer) => void): unknown
  on(event: 'end' | 'close', take: () => void): unknown
  once(event: 'end' | 'close', take: () => void): unknown
  off(event: 'end' | 'close', take: () => void): unknown
  resume(): unknown
  pipe<To extends Writable>(to: To): To
  unpipe(to: Writable): unknown
}

/**
 * Its answer. Without `content-length` the body goes out in chunks as it is written, or to the end of the connection for
 * HTTP/1.0. `close` comes once, when the client's side has taken all or the connection is gone.
 */
export interface HttpResponse {
  readonly headersSent: boolean
  /** Bytes that wait in this process. */
  readonly writableLength: number
  /** All of it was handed to the operating system. */
  readonly writableFinished: boolean
  readonly destroyed: boolean
  /** `close` has come. */
  readonly closed: boolean
  setHeader(name: string, value: string): unknown
  /** `headers`: name, value, name, value. */
  writeHead(status: number, headers: string[]): HttpResponse
  /** False: `drain` will come, and until then there should be no more. */
  write(chunk: string | Buffer): boolean
  end(chunk?: string | Buffer, encoding?: BufferEncoding): unknown
  flushHeaders(): void
  writeContinue(): void
  destroy(): unknown
  on(event: 'close', take: () => void): unknown
  once(event: 'close' | 'drain', take: () => void): unknown
  emit(event: 'close'): boolean
}

export type HttpHandler = (request: HttpRequest, response: HttpResponse, expectsContinue: boolean) => void
