import type { JsonObject, ProblemClass, SurfaceError, UpstreamProblem } from '../dialect.ts'
import { boundedDetail, classOfStatus } from '../problem.ts'

/** docs.anthropic.com/en/api/errors, and the `ErrorType` of the official client. */
const TYPES: readonly (readonly [type: string, status: number, problem: ProblemClass])[] = [
  ['invalid_request_error', 400, 'invalid'],
  ['authentication_error', 401, 'auth'],
  ['billing_error', 402, 'quota'],
  ['permission_error', 403, 'auth'],
  ['not_found_error', 404, 'not-found'],
  ['conflict_error', 409, 'invalid'],
  ['request_too_large', 413, 'invalid'],
  ['rate_limit_error', 429, 'rate-limited'],
  ['api_error', 500, 'error'],
  ['timeout_error', 504, 'timeout'],
  ['overloaded_error', 529, 'overloaded'],
]

/** Told as `invalid_request_error`, and only by their words. */
const WORDS: readonly (readonly [RegExp, ProblemClass])[] = [
  [
    /prompt is too long|exceed(s|ed)? (the )?(context|maximum context)|context (window|limit)/i,
    'context-length',
  ],
  [/credit balance is too low|spend limit/i, 'quota'],
  [/content filtering policy|output blocked/i, 'content-filter'],
]

/** Which of ours mean that somebody has no room, whatever their status. */
const OVERLOADED: ReadonlySet<string> = new Set([
  'overloaded',
  'provider_unready',
  'replica_unready',
  'shutting_down',
  'upstream_overloaded',
])

export function writeError(error: SurfaceError): JsonObject {
  const { hint, pointer, requestId, title } = error
  const place = pointer === undefined || pointer === '' ? '' : `${pointer}: `
  const message = [`${place}${title}`, hint].filter((words) => words !== '').join(' ')
  return { type: 'error', error: { type: typeOfError(error), message }, request_id: requestId }
}

export function typeOfError({ code, status }: { readonly code: string; readonly status: number }): string {
  if (OVERLOADED.has(code)) return 'overloaded_error'
  if (code === 'upstream_rate_limited') return 'rate_limit_error'
  const known = TYPES.find(([, of]) => of === status)
  if (known !== undefined) return known[0]
  if (status === 408) return 'timeout_error'
  return status >= 400 && status < 500 ? 'invalid_request_error' : 'api_error'
}

export function readError(status: number, body: Buffer): UpstreamProblem {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    value = undefined
  }
  return readProblem(value, status) ?? plainProblem(status, body.toString('utf8', 0, 2000))
}

/** An error as it stands in a body, an event or a 200; undefined where the value is none. */
export function readProblem(value: unknown, status?: number): UpstreamProblem | undefined {
  const error = (value as { error?: unknown } | null | undefined)?.error
  if (typeof error !== 'object' || error === null) return undefined
  const { message, type } = error as JsonObject
  const code = typeof type === 'string' ? type.slice(0, 100) : undefined
  const known = TYPES.find(([name]) => name === code)
  const words =
    typeof message === 'string' && message !== '' ? message : (code ?? 'it told an error without words')
  const told = status ?? known?.[1] ?? 500
  const isPlain = known === undefined || known[2] === 'invalid' || known[2] === 'rate-limited'
  const byWords = isPlain ? WORDS.find(([pattern]) => pattern.test(words))?.[1] : undefined
  return {
    class: byWords ?? known?.[2] ?? classOfStatus(told),
    status: told,
    detail: boundedDetail(words),
    code,
  }
}

function plainProblem(status: number, text: string): UpstreamProblem {
  const words = text.trim()
  const detail = words === '' || words.startsWith('<') ? `it answered ${status}` : words
  return { class: classOfStatus(status), status, detail: boundedDetail(detail), code: undefined }
}
