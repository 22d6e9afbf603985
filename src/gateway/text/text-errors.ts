import type { ErrorCode, OutcomeClass } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { TextFailure } from '../../providers/index.ts'
import { outcomeOf } from '../predict/record.ts'

export interface FailurePlace {
  readonly model: string
  readonly version: string
  readonly provider: string | null
  readonly timeoutMs: number
}

/** When a client is told to come back where nobody upstream said when. */
const RETRY_AFTER_MS = 1000

/**
 * What a failure of an upstream is to a client. A refusal that is about the request is the client's to correct; one that
 * is about our key, our quota or our choice of model is ours, and told as a failure without its inside.
 */
export function errorOfFailure(failure: TextFailure, place: FailurePlace): SlipwayError {
  return new SlipwayError(codeOf(failure), {
    model: place.model,
    version: place.version,
    provider: place.provider ?? '',
    reason: reasonOf(failure),
    timeoutMs: place.timeoutMs,
    retryAfterMs: failure.retryAfterMs ?? RETRY_AFTER_MS,
  })
}

function codeOf(failure: TextFailure): ErrorCode {
  switch (failure.code) {
    case 'upstream_rejected':
      if (failure.class === 'context-length') return 'context_too_long'
      if (failure.class === 'content-filter') return 'content_filtered'
      return failure.class === 'invalid' ? 'upstream_rejected' : 'upstream_failed'
    case 'cancelled':
      return 'internal'
    default:
      return failure.code
  }
}

/** Table texts end the sentence themselves. */
function reasonOf({ class: problem, code, detail }: TextFailure): string {
  if (code === 'upstream_rejected' && problem === 'auth') return 'its provider does not take our credentials'
  const text = detail === '' ? problem : detail
  return text.endsWith('.') ? text.slice(0, -1) : text
}

/** Beside those of predict. What the serving side owes is an error, though a client may be told 429. */
const OUTCOMES: Partial<Record<ErrorCode, OutcomeClass>> = {
  limit_reached: 'refused',
  guardrail_blocked: 'refused',
  upstream_rate_limited: 'error',
}

export function textOutcomeOf(code: ErrorCode | 'cancelled', status: number): OutcomeClass {
  return OUTCOMES[code as ErrorCode] ?? outcomeOf(code, status)
}
