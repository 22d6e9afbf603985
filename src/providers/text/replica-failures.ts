import type { LinkStreamFailure, TextEnd } from '../../link/index.ts'
import type { TextFailure } from './text-upstream.ts'

const FAILED: TextFailure = {
  code: 'upstream_failed',
  class: 'error',
  status: 500,
  detail: '',
  retryAfterMs: null,
  hadContent: false,
}

export const UNREADY: TextFailure = {
  ...FAILED,
  code: 'replica_unready',
  class: 'unready',
  status: 0,
  detail: 'the replica is not connected',
}

/** What came is not what a model server says. */
export const BROKEN_ANSWER: TextFailure = { ...FAILED, code: 'upstream_truncated', status: 200 }

export function failureOfTime(detail: string): TextFailure {
  return { ...FAILED, code: 'deadline_exceeded', class: 'timeout', status: 0, detail }
}

/** What the engine told at the end. Statuses are those that a provider would answer with. */
export function failureOfEngine(failure: NonNullable<TextEnd['failure']>): TextFailure {
  const { code, detail, field, retryAfterMs } = failure
  switch (code) {
    case 'context_too_long':
      return { ...FAILED, code: 'upstream_rejected', class: 'context-length', status: 400, detail }
    case 'invalid_request':
      return {
        ...FAILED,
        code: 'upstream_rejected',
        class: 'invalid',
        status: 400,
        detail,
        ...(field === undefined ? {} : { feature: field }),
      }
    case 'overloaded':
      return {
        ...FAILED,
        code: 'upstream_overloaded',
        class: 'overloaded',
        status: 503,
        detail,
        retryAfterMs: retryAfterMs ?? null,
      }
    case 'deadline_exceeded':
      return failureOfTime(detail)
    case 'cancelled':
      return { ...FAILED, code: 'cancelled', class: 'cancelled', status: 0, detail }
    default:
      return { ...FAILED, detail }
  }
}

/** It ended without the engine's word, or was refused before it. */
export function failureOfLink({ code, detail, parameters }: LinkStreamFailure): TextFailure {
  switch (code) {
    case 'replica_unready':
      return { ...UNREADY, detail }
    case 'replica_lost':
      return { ...FAILED, code, status: 0, detail }
    case 'overloaded': {
      const { retryAfterMs } = parameters
      const afterMs = typeof retryAfterMs === 'number' ? retryAfterMs : null
      return {
        ...FAILED,
        code: 'upstream_overloaded',
        class: 'overloaded',
        status: 503,
        detail,
        retryAfterMs: afterMs,
      }
    }
    case 'deadline_exceeded':
      return failureOfTime(detail)
    case 'cancelled':
      return { ...FAILED, code, class: 'cancelled', status: 0, detail }
    default:
      return { ...FAILED, detail }
  }
}
