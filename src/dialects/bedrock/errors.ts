import type { ProblemClass, UpstreamProblem } from '../dialect.ts'
import { parsedBody, plainProblem, problemOf } from '../json/error-body.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { classOfStatus } from '../problem.ts'

/** docs.aws.amazon.com/bedrock/latest/APIReference: Converse, ConverseStream, and the errors common to all actions. */
const EXCEPTIONS: Readonly<Record<string, readonly [number, ProblemClass]>> = {
  validationexception: [400, 'invalid'],
  servicequotaexceededexception: [400, 'quota'],
  accessdeniedexception: [403, 'auth'],
  expiredtokenexception: [403, 'auth'],
  invalidsignatureexception: [403, 'auth'],
  unrecognizedclientexception: [403, 'auth'],
  resourcenotfoundexception: [404, 'not-found'],
  modeltimeoutexception: [408, 'timeout'],
  modelerrorexception: [424, 'error'],
  modelstreamerrorexception: [424, 'error'],
  throttlingexception: [429, 'rate-limited'],
  modelnotreadyexception: [429, 'overloaded'],
  internalserverexception: [500, 'error'],
  serviceunavailableexception: [503, 'overloaded'],
}

/** Told as `ValidationException`, and only by their words. */
const CONTEXT =
  /input is too long|too many (input )?tokens|maximum (context|input)|context (window|length|limit)/i
const UNKNOWN_MODEL = /model identifier is invalid/i
/** The error's name is in a header that is not at hand here; a model that is still loading says so. */
const LOADING = /model is not ready|try again later.*model/i

export function readError(status: number, body: Buffer): UpstreamProblem {
  return exceptionIn(parsedBody(body), status) ?? plainProblem(status, body)
}

/** An exception in the place of an answer. @param status undefined inside a 200: the exception's own. */
export function exceptionIn(value: unknown, status?: number): UpstreamProblem | undefined {
  const error = objectOf(value)
  const words = textOf(error?.message) ?? textOf(error?.Message)
  // `com.amazon.coral.service#ThrottlingException`, with a URI after a colon at times.
  const code = textOf(error?.__type)?.split('#').at(-1)?.split(':', 1)[0]
  return words === undefined && code === undefined ? undefined : exceptionProblem(code, words ?? '', status)
}

/** @param status undefined inside a stream: the exception's own. */
export function exceptionProblem(code: string | undefined, words: string, status?: number): UpstreamProblem {
  const name = code?.toLowerCase() ?? ''
  const known = Object.hasOwn(EXCEPTIONS, name) ? EXCEPTIONS[name] : undefined
  const told = status ?? known?.[0] ?? 500
  const kind = known?.[1] ?? classOfStatus(told)
  const detail = words === '' ? (code ?? '') : words
  return problemOf(byWords(kind, words) ?? kind, told, detail, code)
}

function byWords(kind: ProblemClass, words: string): ProblemClass | undefined {
  if (kind === 'rate-limited') return LOADING.test(words) ? 'overloaded' : undefined
  if (kind !== 'invalid') return undefined
  if (CONTEXT.test(words)) return 'context-length'
  return UNKNOWN_MODEL.test(words) ? 'not-found' : undefined
}
