import { headerNames, type Problem } from '../../contracts/index.ts'
import { isSlipwayError, toProblem } from '../../kernel/index.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

/** A refused request with more than this still to come is not read to its end: its connection closes. */
const DRAIN_BYTES = 65_536
/** How long a client that still sends gets to read its refusal, before the connection is reset under it. */
const LINGER_MS = 1000

export interface ProblemHeaders {
  readonly requestId: string
  readonly model?: string | undefined
  readonly version?: string | undefined
  readonly replica?: string | undefined
  readonly fallback?: string | undefined
  readonly allow?: readonly string[] | undefined
}

/** How the clients of one surface read errors. */
export interface ProblemForm {
  readonly contentType: string
  /** Where the status that the clients of the surface know is another than ours. */
  statusOf(problem: Problem): number
  write(problem: Problem): object
}

/** Answers with problem+json (RFC 9457), or in the form given; says when to come back where the error does. The status
 * that was sent. */
export function answerProblem(
  request: HttpRequest,
  response: HttpResponse,
  error: unknown,
  told: ProblemHeaders,
  form?: ProblemForm,
): number {
  const problem = toProblem(error, told.requestId)
  const status = form?.statusOf(problem) ?? problem.status
  const body = Buffer.from(JSON.stringify(form === undefined ? problem : form.write(problem)))
  const headers = [
    'content-type',
    form === undefined ? 'application/problem+json' : form.contentType,
    'content-length',
    String(body.length),
    headerNames.requestId,
    told.requestId,
  ]
  if (told.model !== undefined) headers.push(headerNames.model, told.model)
  if (told.version !== undefined) headers.push(headerNames.version, told.version)
  if (told.replica !== undefined) headers.push(headerNames.replica, told.replica)
  if (told.fallback !== undefined) headers.push(headerNames.fallback, told.fallback)
  if (told.allow !== undefined) headers.push('allow', told.allow.join(', '))
  const retryAfterMs = isSlipwayError(error) ? error.parameters.retryAfterMs : undefined
  if (retryAfterMs !== undefined) headers.push('retry-after', String(Math.ceil(Number(retryAfterMs) / 1000)))
  if (problem.status === 401) headers.push('www-authenticate', 'Bearer realm="slipway"')
  finish(request, response, status, headers, body)
  return status
}

export function answerText(
  request: HttpRequest,
  response: HttpResponse,
  status: number,
  requestId: string,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  const body = Buffer.from(text)
  const headers = ['content-type', contentType, 'content-length', String(body.length)]
  finish(request, response, status, [...headers, headerNames.requestId, requestId], body)
}

/**
 * Ends the answer. When the request has a lot still to come, the answer is sent at once and the connection closes, but
 * not before the client had time to read it: closing while bytes arrive makes the kernel reset the connection, and the
 * client would see that instead of the answer (RFC 9112, 9.6).
 */
function finish(
  request: HttpRequest,
  response: HttpResponse,
  status: number,
  headers: string[],
  body: Buffer,
): void {
  if (request.complete || unreadBytes(request) <= DRAIN_BYTES) {
    response.writeHead(status, headers).end(body)
    return
  }
  headers.push('connection', 'close')
  response.writeHead(status, headers).write(body)
  const done = () => {
    clearTimeout(timer)
    request.off('end', done)
    request.off('close', done)
    response.end()
    request.socket.destroySoon()
  }
  const timer = setTimeout(done, LINGER_MS)
  request.once('end', done)
  request.once('close', done)
  request.resume()
}

function unreadBytes(request: HttpRequest): number {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length)
  return request.headers['transfer-encoding'] === undefined ? 0 : Number.POSITIVE_INFINITY
}
