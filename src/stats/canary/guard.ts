import { type CanarySums, type LawReading, readLaw } from './law.ts'

export interface GuardPlan {
  /** Events per request that still count as no worse. */
  readonly margin: number
  /** One-sided error rates over the whole run. Split them over the guards of a canary. */
  readonly alphaAbort: number
  readonly alphaPromote: number
}

export type GuardDecision = 'continue' | 'promote' | 'abort' | 'hold'

export type GuardReason =
  | 'no-data'
  | 'too-early'
  | 'undecided'
  | 'worse'
  | 'within-margin'
  | 'worse-within-margin'

export interface GuardReading {
  readonly decision: GuardDecision
  readonly reason: GuardReason
  readonly abort: LawReading
  readonly promote: LawReading
}

/** One guard over one promotion step: 1 % of wrong aborts, 5 % of wrong promotions. */
export const DEFAULT_GUARD = { alphaAbort: 0.01, alphaPromote: 0.05 } as const

/**
 * One guard's say at one look:
 * - `abort`: the candidate is worse than the champion, and it is not shown to stay within the margin;
 * - `promote`: the candidate is within the margin, and it is not shown to be worse;
 * - `hold`: no window held both arms (`no-data`: never success, never failure), or both bounds are crossed at once:
 *   certainly worse and certainly within the margin, which a person has to weigh;
 * - `continue`: traffic flows and the law has not decided.
 */
export function judgeGuard(sums: CanarySums, plan: GuardPlan): GuardReading {
  const { margin } = plan
  const abort = readLaw(sums, { mode: 'abort', margin, alpha: plan.alphaAbort })
  const promote = readLaw(sums, { mode: 'promote', margin, alpha: plan.alphaPromote })
  const [decision, reason] = decide(sums, abort, promote)
  return { decision, reason, abort, promote }
}

function decide(sums: CanarySums, abort: LawReading, promote: LawReading): [GuardDecision, GuardReason] {
  if (sums.windows === 0) return ['hold', 'no-data']
  if (abort.isDecided && promote.isDecided) return ['hold', 'worse-within-margin']
  if (abort.isDecided) return ['abort', 'worse']
  if (promote.isDecided) return ['promote', 'within-margin']
  return ['continue', abort.isReady || promote.isReady ? 'undecided' : 'too-early']
}
