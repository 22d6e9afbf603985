import type { GenerateEvent } from '../contracts/index.ts'
import type { ProblemClass, UpstreamProblem } from './dialect.ts'

const MAX_DETAIL = 500

/** An error that only its status tells of. */
export function classOfStatus(status: number): ProblemClass {
  if (status === 429) return 'rate-limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status === 401 || status === 403) return 'auth'
  if (status === 402) return 'quota'
  if (status === 404) return 'not-found'
  if (status === 408 || status === 504) return 'timeout'
  return status >= 400 && status < 500 ? 'invalid' : 'error'
}

/** A body that is not what its dialect promises, or an answer that breaks off. */
export function brokenProblem(detail: string, status = 200): UpstreamProblem {
  return { class: 'error', status, detail: boundedDetail(detail), code: undefined }
}

/** Keys that providers repeat in their errors: `sk-…`, `Bearer …`, `api_key=…`, long hex or base64 words. */
const SECRETS = [
  /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi,
  /\b(sk|pk|rk|gsk|xai|hf|AIza|AKIA|ASIA)[-_]?[\w*-]{8,}/g,
  /\b(api[-_ ]?key|token|secret|password)(["']?\s*[:=]\s*["']?)[^\s"',}]{6,}/gi,
]

/** A provider's words as they may be told on: one paragraph, bounded, without what looks like a key. */
export function boundedDetail(text: string): string {
  let detail = text
    .slice(0, 4 * MAX_DETAIL)
    .replace(/\s+/g, ' ')
    .trim()
  for (const secret of SECRETS) detail = detail.replace(secret, '[redacted]')
  return detail.length > MAX_DETAIL ? `${detail.slice(0, MAX_DETAIL - 1)}…` : detail
}

const CODES: Readonly<Partial<Record<ProblemClass, string>>> = {
  invalid: 'upstream_rejected',
  'context-length': 'context_too_long',
  'content-filter': 'content_filtered',
  'rate-limited': 'upstream_rate_limited',
  overloaded: 'upstream_overloaded',
}

/** Where no code of ours tells the class, the status does. */
const STATUSES: Readonly<Partial<Record<ProblemClass, number>>> = {
  auth: 401,
  quota: 402,
  'not-found': 404,
  timeout: 504,
}

/** The last event of a stream that told a problem instead of going on. */
export function failedEvent(problem: UpstreamProblem): GenerateEvent {
  const status = STATUSES[problem.class] ?? problem.status
  return { type: 'failed', code: CODES[problem.class] ?? 'upstream_failed', detail: problem.detail, status }
}

export const TRUNCATED: GenerateEvent = Object.freeze({
  type: 'failed',
  code: 'upstream_truncated',
  detail: 'its stream ended before its end was told',
  status: 200,
})
