import type {
  Change,
  ChangeEvent,
  ChangeEventType,
  CheckName,
  Evidence,
  GateResult,
  Rollout,
  SignOff,
} from '../contracts/index.ts'
import type { PlannedCheck } from './facts.ts'

/** Who writes events that no person asked for. */
export const RUNNER = 'slipway'
export const JUDGE = 'judge'

/** All that a decision may read: the stored state of one change and what it depends on. */
export interface View {
  readonly change: Change
  readonly events: readonly ChangeEvent[]
  readonly evidence: readonly Evidence[]
  readonly signOffs: readonly SignOff[]
  readonly rollout: Rollout | undefined
  /** Another open rollout on the same model, in words. */
  readonly otherRollout: string | undefined
  /** The version with the largest share now. */
  readonly championNow: string | undefined
  /** Percent of the split that the candidate has now. */
  readonly candidateShare: number
  readonly incidentExists: boolean
  readonly nowMs: number
}

export interface Draft {
  readonly type: ChangeEventType
  readonly data: Record<string, unknown>
  readonly actor: string
}

export type Step =
  /** Append this event; the next decision acts on it. */
  | { readonly kind: 'write'; readonly draft: Draft }
  | { readonly kind: 'measure'; readonly planned: PlannedCheck }
  /** Write down that this check is about to read held-out data, and how often that was done. */
  | { readonly kind: 'count-holdout'; readonly check: CheckName }
  | { readonly kind: 'stage' }
  | { readonly kind: 'start-rollout' }
  | { readonly kind: 'pause-rollout' }
  | { readonly kind: 'abort-rollout'; readonly reason: string }
  | { readonly kind: 'open-incident' }
  /** Tie the failed requests to the change, stop the candidate, then close. */
  | { readonly kind: 'settle' }
  | { readonly kind: 'stop-candidate' }
  /** Something outside will change by itself; look again then, or at `untilMs`. */
  | { readonly kind: 'wait'; readonly why: string; readonly untilMs?: number }
  /** Nothing to do until a person acts. */
  | { readonly kind: 'rest' }

export function write(type: ChangeEventType, data: Record<string, unknown>, actor: string = RUNNER): Step {
  return { kind: 'write', draft: { type, data, actor } }
}

export function gate(result: GateResult, actor: string = RUNNER): Step {
  return write('gate-decided', { ...result }, actor)
}

export function stop(
  type: 'change-blocked' | 'change-inconclusive',
  at: string,
  verdict: NonNullable<Change['verdict']>,
): Step {
  return write(type, { gate: at, reason: verdict.sentence, verdict })
}

export function stopPlain(type: 'change-blocked' | 'change-inconclusive', reason: string): Step {
  return write(type, { reason })
}
