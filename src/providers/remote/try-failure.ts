import type { UpstreamProblem } from '../../dialects/index.ts'
import { isSlipwayError } from '../../kernel/index.ts'
import type { TextFailure } from '../text/text-upstream.ts'
import type { TryVerdict } from './account-pool.ts'
import { type AnswerHeaders, type RateHeaders, retryAfterOf, usedUpFor } from './rate-headers.ts'
import { type Broken, codeOfClass } from './reading.ts'

/** How far a try had come when it failed. */
export type TryPhase = 'unsent' | 'sent' | 'answering'

/**
 * Who may take the request instead: nobody, another account, or anybody, the same account included. Silence is never
 * asked again: the request may be at work there, and waiting twice is what the ladder is for.
 */
export type RetryWith = 'nobody' | 'another' | 'anybody'

export interface TryFailure {
  readonly code: TextFailure['code']
  readonly class: TextFailure['class']
  readonly status: number
  readonly detail: string
  readonly retryAfterMs: number | null
  readonly verdict: TryVerdict
  readonly retry: RetryWith
}

const FAILED: TryVerdict = { kind: 'failed' }
const ANSWERED: TryVerdict = { kind: 'answered' }
const UNKNOWN: TryVerdict = { kind: 'unknown' }

/** Of the connection: not made, or broken. */
export function failureOfError(
  error: Error & { code?: string },
  phase: TryPhase,
  status: number,
): TryFailure {
  const why = isSlipwayError(error) ? error.message : wordsOf(error)
  if (phase === 'unsent')
    return failure('provider_unready', 'unready', 0, `it cannot be reached: ${why}`, FAILED, 'anybody')
  if (phase === 'sent')
    return failure(
      'upstream_failed',
      'error',
      0,
      `the connection broke before an answer: ${why}`,
      FAILED,
      'anybody',
    )
  return failure('upstream_truncated', 'error', status, `the answer broke off: ${why}`, FAILED, 'anybody')
}

/** Of an answer with status 400 or more. */
export function failureOfProblem(
  problem: UpstreamProblem,
  headers: AnswerHeaders,
  rates: RateHeaders,
  nowMs: number,
): TryFailure {
  const { class: kind, detail, status } = problem
  const told = retryAfterOf(headers, nowMs)
  const ending = (verdict: TryVerdict, retry: RetryWith, retryAfterMs = told): TryFailure => ({
    code: codeOfClass(kind),
    class: kind,
    status,
    detail,
    retryAfterMs,
    verdict,
    retry,
  })
  switch (kind) {
    case 'rate-limited': {
      const restMs = longer(told, usedUpFor(headers, rates, nowMs))
      return ending({ kind: 'limited', restMs, why: 'rate limited' }, 'anybody', restMs)
    }
    case 'quota':
      return ending({ kind: 'refused', why: 'its quota is used up' }, 'another')
    case 'auth':
      return ending({ kind: 'refused', why: `it was answered ${status}` }, 'another')
    case 'overloaded':
      return told === null
        ? ending(FAILED, 'anybody')
        : ending({ kind: 'limited', restMs: told, why: 'overloaded' }, 'anybody')
    case 'timeout':
    case 'error':
      return ending(FAILED, 'anybody')
    default:
      return ending(ANSWERED, 'nobody')
  }
}

/** Of a body that came with a 2xx and was no answer; the same classes as if its status had been honest. */
export function failureOfBroken(broken: Broken, headers: AnswerHeaders, nowMs: number): TryFailure {
  const { class: kind, code, detail, status } = broken
  const base = failureOfProblem({ class: kind, status, detail, code: undefined }, headers, [], nowMs)
  return { ...base, code }
}

/** Head of an answer that cannot be one, though its status is 2xx or a redirect. */
export function failureOfHead(detail: string, status: number): TryFailure {
  return failure('upstream_failed', 'error', status, detail, FAILED, 'another')
}

/** One of our own timeouts of the provider. */
export function failureOfSilence(
  what: string,
  timeoutMs: number,
  phase: TryPhase,
  status: number,
): TryFailure {
  const detail = `${what} within ${timeoutMs} ms`
  return phase === 'unsent'
    ? failure('provider_unready', 'unready', 0, detail, FAILED, 'another')
    : failure('upstream_failed', 'timeout', status, detail, FAILED, 'nobody')
}

/** All connections are taken by other calls of ours. */
export function failureOfCrowd(timeoutMs: number): TryFailure {
  const detail = `no connection was free within ${timeoutMs} ms`
  return failure('provider_unready', 'unready', 0, detail, UNKNOWN, 'nobody')
}

export function failureOfDeadline(timeoutMs: number, status: number): TryFailure {
  return failure(
    'deadline_exceeded',
    'timeout',
    status,
    `not whole within ${timeoutMs} ms`,
    UNKNOWN,
    'nobody',
  )
}

export function failureOfCancel(status: number): TryFailure {
  const verdict = status >= 200 && status < 300 ? ANSWERED : UNKNOWN
  return failure('cancelled', 'cancelled', status, 'nobody waits for it any more', verdict, 'nobody')
}

/** A token or another proof could not be had: nothing was sent. */
export function failureOfProof(reason: string): TryFailure {
  return failure('provider_unready', 'unready', 0, reason, FAILED, 'another')
}

function failure(
  code: TryFailure['code'],
  kind: TryFailure['class'],
  status: number,
  detail: string,
  verdict: TryVerdict,
  retry: RetryWith,
): TryFailure {
  return { code, class: kind, status, detail, retryAfterMs: null, verdict, retry }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it was reset',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve just now',
  ETIMEDOUT: 'it timed out',
  UND_ERR_CONNECT_TIMEOUT: 'it timed out',
  UND_ERR_SOCKET: 'the other side closed it',
  EPIPE: 'the other side closed it',
  EPROTO: 'TLS was not agreed on',
}

/** Node's words name addresses and files of this machine at times; ours do not. */
function wordsOf({ code, name }: Error & { code?: string }): string {
  if (code === undefined) return name
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.includes('CERT')) return `TLS: ${code}`
  if (code.startsWith('HPE_')) return `what came is not HTTP (${code})`
  return WORDS[code] ?? code
}

function longer(left: number | null, right: number | null): number | null {
  if (left === null) return right
  return right === null ? left : Math.max(left, right)
}
