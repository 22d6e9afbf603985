import type { ErrorCode, OutcomeClass } from '../../contracts/index.ts'

/** How an error counts. What a limit turned away is `refused`; what the serving side owes is `error`. */
const OUTCOMES: Partial<Record<ErrorCode | 'cancelled', OutcomeClass>> = {
  rate_limited: 'refused',
  concurrency_limited: 'refused',
  overloaded: 'refused',
  shutting_down: 'refused',
  no_traffic: 'refused',
  deadline_exceeded: 'timeout',
  cancelled: 'cancelled',
}

export function outcomeOf(code: ErrorCode | 'cancelled', status: number): OutcomeClass {
  return OUTCOMES[code] ?? (status < 500 ? 'client_error' : 'error')
}

/** Nginx's number for a client that left before its answer; only ever recorded, never sent. */
export const CLIENT_LEFT = 499

/** The contract's bound on `input`. */
const MAX_INPUT_CHARACTERS = 65_536

/**
 * The rows of a failed request as they came, bounded: whole rows for as long as they fit, so that what is kept can be
 * sent again.
 */
export function capturedInput(rows: readonly unknown[]): string {
  let text = '['
  for (const row of rows) {
    const part = JSON.stringify(row)
    if (text.length + part.length + 2 > MAX_INPUT_CHARACTERS) break
    text += text.length === 1 ? part : `,${part}`
  }
  return `${text}]`
}
