import { z } from 'zod'
import {
  type ChangeEvent,
  type ChangeEventType,
  type CheckName,
  checkName,
  digest,
  type Evidence,
  type GateName,
  type GateResult,
  gateResult,
} from '../contracts/index.ts'
import { checkPolicy, type Policy } from './policy.ts'

/** What the log of a change says, read back. The log is the truth; nothing of this is kept anywhere else. */

const plannedCheck = z.object({
  check: checkName,
  plan: z.record(z.string(), z.unknown()),
  planHash: digest,
  expectedMs: z.number(),
  says: z.array(z.string()),
})
export type PlannedCheck = z.infer<typeof plannedCheck>

/** What `checking-started` fixes: the plans, the policy, and which checks are measured anew. */
export interface CheckingRun {
  readonly sequence: number
  readonly attempt: number
  readonly policy: Policy
  readonly plans: readonly PlannedCheck[]
  /** Finished in an earlier attempt and good: not measured again. */
  readonly kept: readonly CheckName[]
  /** Whether the key that started it may move traffic too. */
  readonly mayDeploy: boolean
}

const checkingData = z.object({
  attempt: z.number().int(),
  policy: z.unknown(),
  plans: z.array(plannedCheck),
  kept: z.array(checkName),
  mayDeploy: z.boolean().default(false),
})

/** The present attempt; undefined before the change was started. */
export function checkingRun(events: readonly ChangeEvent[]): CheckingRun | undefined {
  const event = last(events, 'checking-started')
  if (event === undefined) return undefined
  const { policy, ...data } = checkingData.parse(event.data)
  return { ...data, policy: checkPolicy(policy), sequence: event.sequence }
}

/** The hash that `check-finished` named for a check in this attempt, or in the one it was kept from. */
export function finishedHash(
  events: readonly ChangeEvent[],
  run: CheckingRun,
  check: CheckName,
): string | undefined {
  const finished = events.findLast((event) => event.type === 'check-finished' && event.data.check === check)
  if (finished === undefined) return undefined
  if (finished.sequence < run.sequence && !run.kept.includes(check)) return undefined
  return String(finished.data.evidence)
}

/** The evidence that counts now, in the order of the checks. */
export function currentEvidence(
  events: readonly ChangeEvent[],
  run: CheckingRun,
  evidence: readonly Evidence[],
): Evidence[] {
  return checkName.options.flatMap((check) => {
    const hash = finishedHash(events, run, check)
    return evidence.filter((one) => one.check === check && one.hash === hash).slice(0, 1)
  })
}

/** Evidence that was stored just before a crash kept `check-finished` from being written. */
export function orphanOf(
  events: readonly ChangeEvent[],
  plan: PlannedCheck,
  evidence: readonly Evidence[],
): Evidence | undefined {
  const named = new Set(
    events.filter((event) => event.type === 'check-finished').map((event) => event.data.evidence),
  )
  return evidence.find(
    (one) => one.check === plan.check && one.planHash === plan.planHash && !named.has(one.hash),
  )
}

export function wasStarted(events: readonly ChangeEvent[], run: CheckingRun, check: CheckName): boolean {
  return events.some(
    (event) => event.type === 'check-started' && event.sequence > run.sequence && event.data.check === check,
  )
}

/** Whether somebody who may move traffic wanted this attempt to. */
export function isDeployAllowed(events: readonly ChangeEvent[], run: CheckingRun): boolean {
  return run.mayDeploy || hasSince(events, 'deploy-allowed', run.sequence)
}

export function hasSince(events: readonly ChangeEvent[], type: ChangeEventType, sequence: number): boolean {
  return events.some((event) => event.type === type && event.sequence > sequence)
}

/** The record that a check of this attempt reads held-out data. */
export function holdoutRead(
  events: readonly ChangeEvent[],
  run: CheckingRun,
  check: CheckName,
): ChangeEvent | undefined {
  return events.findLast(
    ({ type, sequence, data }) =>
      type === 'holdout-read' &&
      data.check === check &&
      (sequence > run.sequence || run.kept.includes(check)),
  )
}

/** The decision of a gate in this attempt; `since` leaves out what was decided before that event. */
export function gateDecided(
  events: readonly ChangeEvent[],
  run: CheckingRun,
  gate: GateName,
  since = run.sequence,
): GateResult | undefined {
  const decided = events.findLast((event) => event.type === 'gate-decided' && event.data.gate === gate)
  if (decided === undefined) return undefined
  const isKept = (run.kept as readonly string[]).includes(gate)
  if (decided.sequence < since && !isKept) return undefined
  return gateResult.parse(decided.data)
}

export function last(events: readonly ChangeEvent[], type: ChangeEventType): ChangeEvent | undefined {
  return events.findLast((event) => event.type === type)
}

/** The newest step that the log knows of; undefined before the first split was written. */
export function lastStep(events: readonly ChangeEvent[]): number | undefined {
  const event = last(events, 'step-promoted')
  return event === undefined ? undefined : Number(event.data.step)
}

/** Whether the log says that the canary is held, and by whom. */
export function heldBy(events: readonly ChangeEvent[]): string | undefined {
  const event = events.findLast(({ type }) => type === 'canary-paused' || type === 'canary-resumed')
  return event?.type === 'canary-paused' ? event.actor : undefined
}
