import type { ProblemClass, UpstreamProblem } from '../dialect.ts'
import { parsedBody, plainProblem, problemOf } from '../json/error-body.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { classOfStatus } from '../problem.ts'

/** `google.rpc.Code` with its HTTP status (google/rpc/code.proto). */
const CODES: Readonly<Record<string, readonly [number, ProblemClass]>> = {
  INVALID_ARGUMENT: [400, 'invalid'],
  FAILED_PRECONDITION: [400, 'invalid'],
  OUT_OF_RANGE: [400, 'invalid'],
  UNAUTHENTICATED: [401, 'auth'],
  PERMISSION_DENIED: [403, 'auth'],
  NOT_FOUND: [404, 'not-found'],
  ALREADY_EXISTS: [409, 'invalid'],
  ABORTED: [409, 'error'],
  RESOURCE_EXHAUSTED: [429, 'rate-limited'],
  CANCELLED: [499, 'error'],
  INTERNAL: [500, 'error'],
  UNKNOWN: [500, 'error'],
  DATA_LOSS: [500, 'error'],
  UNIMPLEMENTED: [501, 'invalid'],
  UNAVAILABLE: [503, 'overloaded'],
  DEADLINE_EXCEEDED: [504, 'timeout'],
}

/** Told as an invalid argument or a failed precondition, and only by their words. */
const WORDS: readonly (readonly [RegExp, ProblemClass])[] = [
  [/api key (not valid|expired)|valid api key/i, 'auth'],
  [/exceeds the maximum number of tokens|input token count|context (window|length)/i, 'context-length'],
  [/billing|prepay(ment)? credits/i, 'quota'],
]

export function readError(status: number, body: Buffer): UpstreamProblem {
  return readProblem(parsedBody(body), status) ?? plainProblem(status, body)
}

/** `{error: {code, message, status}}`, alone or as the one entry of a list. Undefined where there is none. */
export function readProblem(value: unknown, status?: number): UpstreamProblem | undefined {
  const error = objectOf(objectOf(listOf(value)[0] ?? value)?.error)
  if (error === undefined) return undefined
  const code = textOf(error.status)
  const known = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined
  const told = status ?? (statusIn(error.code) || known?.[0] || 500)
  const words = textOf(error.message) ?? code ?? 'it told an error without words'
  const kind = known?.[1] ?? classOfStatus(told)
  const byWords = kind === 'invalid' ? WORDS.find(([pattern]) => pattern.test(words))?.[1] : undefined
  return problemOf(byWords ?? kind, told, words, code)
}

/** A prompt that was turned away is answered by 200 without a candidate. */
export function readBlocked(value: unknown): UpstreamProblem | undefined {
  const feedback = objectOf(value)
  const reason = textOf(feedback?.blockReason)
  if (reason === undefined || reason === 'BLOCK_REASON_UNSPECIFIED') return undefined
  const words = textOf(feedback?.blockReasonMessage)
  const detail = `the prompt was blocked: ${reason}${words === undefined ? '' : `, ${words}`}`
  return problemOf('content-filter', 200, detail, reason)
}

function statusIn(code: unknown): number | undefined {
  return typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 600 ? code : undefined
}
