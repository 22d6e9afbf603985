import { type CheckName, headerNames } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Outcome } from './gateway-client.ts'

/** How a check ends when it cannot be run at all; `reason` is a whole clause a person can act on. */
export function checkFailed(check: CheckName, reason: string, cause?: unknown): SlipwayError {
  return new SlipwayError('check_failed', { check, reason }, cause === undefined ? {} : { cause })
}

/**
 * Why no further request can tell anything, or undefined when the outcome is something to count. A refusal of the key,
 * a missing version or an answer by another version says nothing about the candidate.
 */
export function fatalReason(outcome: Outcome, pinned: string): string | undefined {
  if (outcome.kind === 'answered' && outcome.version !== pinned) {
    return outcome.version === null
      ? `the answer does not say which version gave it (no ${headerNames.version} header)`
      : `${outcome.version} answered where ${pinned} was pinned`
  }
  if (outcome.status === 401) return 'the gateway does not accept the key of the checks (401)'
  if (outcome.status === 403) return 'the key of the checks lacks the scope predict (403)'
  if (outcome.status === 404) return `the gateway does not know the model, or its version ${pinned} (404)`
  return undefined
}

/** How a counted failure is named in evidence. */
export function failureName(outcome: Outcome): string {
  return outcome.kind === 'refused' ? `status ${outcome.status}` : outcome.kind
}
