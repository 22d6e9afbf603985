import type { CheckName } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import type { CheckContext } from '../lab/index.ts'
import { type Actor, mayDeploy } from './actor.ts'
import { contextOf } from './context.ts'
import { asStored } from './evidence.ts'
import { checkingRun, finishedHash, gateDecided, isDeployAllowed, type PlannedCheck } from './facts.ts'
import { conflict, type Seen } from './ledger.ts'
import type { ChangeParts } from './parts.ts'
import { checksOf } from './policy.ts'
import type { Draft } from './step.ts'
import { waiverOf, waiverWords } from './waiver.ts'

export interface Plans {
  readonly plans: PlannedCheck[]
  /** Why a plan may not decide, under what it assumes of the candidate. Told, not refused: the gates judge what came out. */
  readonly impossible: string[]
}

/** All plans of a change, made before anything of the candidate was seen. */
export async function planChecks(
  parts: ChangeParts,
  context: CheckContext,
  wanted: readonly CheckName[],
): Promise<Plans> {
  const plans: PlannedCheck[] = []
  const impossible: string[] = []
  for (const name of wanted) {
    const made = await parts.lab.plan(name, context)
    const plan = asStored(made.plan)
    plans.push({
      check: name,
      plan,
      planHash: digestOf(plan),
      expectedMs: made.expectedMs,
      says: [...made.says],
    })
    impossible.push(...made.impossible.map((reason) => `${name}: ${reason}`))
  }
  return { plans, impossible }
}

/**
 * The event that starts the checks; with it stand the plans, the policy and every doubt, before anything is spent.
 * A change that runs already is not started again: undefined, or where it was started with a key that may not move
 * traffic and this one may, that it may.
 */
export async function startOf(parts: ChangeParts, seen: Seen, actor: Actor): Promise<Draft | undefined> {
  const { change, events } = seen
  if (change.state !== 'proposed' && change.state !== 'inconclusive') {
    if (['blocked', 'withdrawn', 'rolled-back', 'done'].includes(change.state))
      throw conflict(change, 'be started')
    return allowDeploy(seen, actor)
  }
  const kept = keptOf(seen)
  const attempt = (checkingRun(events)?.attempt ?? 0) + 1
  const wanted = checksOf(parts.policy, change.proposal.risk).filter((check) => !kept.includes(check))
  const { plans, impossible } = await planChecks(parts, await contextOf(parts, change, attempt), wanted)
  const candidate = await parts.store.deployments.find(change.proposal.model, change.candidate.label)
  const candidateRan = candidate !== undefined && ['deploying', 'active'].includes(candidate.status)
  const data = asStored({
    attempt,
    policy: parts.policy,
    plans,
    kept,
    doubts: impossible,
    candidateRan,
    key: actor.publicId,
    mayDeploy: mayDeploy(actor),
  })
  return { type: 'checking-started', data, actor: actor.name }
}

/** Undefined where it is allowed already, where nothing is left to allow, or where this key may not. */
export function allowDeploy({ change, events }: Seen, actor: Actor): Draft | undefined {
  const run = checkingRun(events)
  const canWait = ['checking', 'verdict', 'waived'].includes(change.state)
  if (run === undefined || !canWait || !mayDeploy(actor) || isDeployAllowed(events, run)) return undefined
  const waiver = waiverOf(events)
  const reason = waiver === undefined ? null : waiverWords(waiver)
  return { type: 'deploy-allowed', data: { key: actor.publicId, reason }, actor: actor.name }
}

/**
 * What a second attempt does not measure again. A check that ran as planned and settled nothing is not repeated until
 * it does: that would be choosing the luckier of two answers. Only what was measured badly, or not at all, is.
 */
function keptOf({ change, events }: Seen): CheckName[] {
  const run = checkingRun(events)
  if (run === undefined) return []
  return checksOf(run.policy, change.proposal.risk).filter((check) => {
    if (finishedHash(events, run, check) === undefined) return false
    const gate = gateDecided(events, run, check)
    const finished = events.findLast((event) => event.type === 'check-finished' && event.data.check === check)
    if (finished?.data.status === 'invalid') return false
    if (gate !== undefined && gate.result !== 'pass')
      throw conflict(
        change,
        `be checked again: the ${check} check ran as planned and left it open; propose a change with more data`,
      )
    return true
  })
}
