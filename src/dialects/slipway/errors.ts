import {
  type JsonObject,
  type ProblemClass,
  type SurfaceError,
  UpstreamBroken,
  type UpstreamProblem,
} from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { boundedDetail, classOfStatus } from '../problem.ts'

/** Problem details (RFC 9457) with our members, as everywhere under /api/v1. */
export function writeError({ code, hint, pointer, requestId, status, title }: SurfaceError): JsonObject {
  return {
    type: `https://slipway.dev/errors#${code}`,
    title: wordsOf(code),
    status,
    code,
    detail: title,
    hint,
    ...(pointer === undefined ? {} : { pointer }),
    requestId,
    docs: `/docs/errors#${code}`,
  }
}

function wordsOf(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Where the status does not say it. */
const CLASSES: Readonly<Record<string, ProblemClass>> = {
  content_filtered: 'content-filter',
  context_too_long: 'context-length',
  deadline_exceeded: 'timeout',
  guardrail_blocked: 'content-filter',
  limit_reached: 'rate-limited',
  overloaded: 'overloaded',
  provider_unready: 'overloaded',
  rate_limited: 'rate-limited',
  replica_unready: 'overloaded',
  unknown_model: 'not-found',
  upstream_overloaded: 'overloaded',
  upstream_rate_limited: 'rate-limited',
  upstream_rejected: 'invalid',
}

export function readError(status: number, body: Buffer): UpstreamProblem {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    value = undefined
  }
  return problemOf(objectOf(value) ?? {}, status)
}

/** Throws `UpstreamBroken` for problem details that came with a 200. */
export function refuseError(body: unknown): void {
  const told = objectOf(body)
  if (told !== undefined && typeof told.code === 'string' && typeof told.status === 'number')
    throw new UpstreamBroken(problemOf(told, told.status))
}

export function problemOf(told: JsonObject, status: number): UpstreamProblem {
  const code = textOf(told.code)?.slice(0, 100)
  const words = textOf(told.detail) ?? textOf(told.title) ?? `it answered ${status}`
  return {
    class: (code === undefined ? undefined : CLASSES[code]) ?? classOfStatus(status),
    status,
    detail: boundedDetail(words),
    code,
  }
}
