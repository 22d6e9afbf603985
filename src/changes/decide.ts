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
import { authorOf } from './actor.ts'
import {
  type CheckingRun,
  checkingRun,
  currentEvidence,
  finishedHash,
  gateDecided,
  hasSince,
  heldBy,
  holdoutRead,
  isDeployAllowed,
  last,
  lastStep,
  orphanOf,
  type PlannedCheck,
  wasStarted,
} from './facts.ts'
import {
  gateOfCanary,
  gateOfCheck,
  gateOfSignOff,
  gateOfStaging,
  gateOfVerdict,
  type StagingReport,
} from './gates.ts'
import { LIMITS } from './parts.ts'
import { checksOf } from './policy.ts'
import { reachVerdict } from './verdict.ts'
import { type Waived, waiverOf } from './waiver.ts'
import { dateOf } from './words.ts'

/** Who writes events that no person asked for. */
export const RUNNER = 'slipway'
export const JUDGE = 'judge'

/** Cases of failed requests come in by telemetry batches; after this time the last ones are there. */
const STRAGGLERS_MS = 3_000

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

/**
 * The next missing thing of a change, from stored facts alone: whoever asks again after a crash gets the same answer,
 * and what is finished is never done twice.
 */
export function decide(view: View): Step {
  switch (view.change.state) {
    case 'checking':
      return decideChecking(view, runOf(view))
    case 'verdict':
      return decideVerdict(view, runOf(view))
    case 'staging':
      return decideStaging(view, runOf(view))
    case 'sign-off':
      return decideSignOff(view, runOf(view))
    case 'waived':
      return decideWaived(view, runOf(view))
    case 'canary':
      return decideCanary(view)
    case 'live':
      return decideLive(view)
    case 'watched':
      return { kind: 'settle' }
    case 'rolled-back':
      return decideRolledBack(view)
    case 'withdrawn':
      return last(view.events, 'change-closed') === undefined ? { kind: 'settle' } : { kind: 'rest' }
    case 'blocked':
    case 'inconclusive':
      return { kind: 'stop-candidate' }
    default:
      return { kind: 'rest' }
  }
}

function decideChecking(view: View, run: CheckingRun): Step {
  const { change, events, evidence } = view
  const current = currentEvidence(events, run, evidence)
  const gates: GateResult[] = []
  for (const check of checksOf(run.policy, change.proposal.risk)) {
    const step = decideCheck(view, run, check, current)
    if (step !== undefined) return step
    const gate = gateDecided(events, run, check) as GateResult
    gates.push(gate)
    const verdict = () => reachVerdict(run.policy, change.proposal, current)
    if (gate.result === 'fail') return stop('change-blocked', check, verdict())
    // A candidate that may not even fit the contract is not worth measuring.
    if (gate.result === 'hold' && check === 'compatibility')
      return stop('change-inconclusive', check, verdict())
  }
  const verdict = reachVerdict(run.policy, change.proposal, current)
  return write('verdict-reached', { verdict })
}

/** What is missing of one check; undefined when its gate has decided. */
function decideCheck(
  view: View,
  run: CheckingRun,
  check: CheckName,
  current: readonly Evidence[],
): Step | undefined {
  const { change, events, evidence } = view
  if (finishedHash(events, run, check) === undefined) {
    const planned = run.plans.find((plan) => plan.check === check)
    if (planned === undefined) return stopPlain('change-blocked', `no plan was made for the ${check} check`)
    const found = orphanOf(events, planned, evidence)
    if (found !== undefined)
      return write('check-finished', {
        check,
        evidence: found.hash,
        status: found.status,
        summary: found.summary,
      })
    if (!wasStarted(events, run, check)) return write('check-started', { check, planHash: planned.planHash })
    if (change.proposal.data.holdout && holdoutRead(events, run, check) === undefined)
      return { kind: 'count-holdout', check }
    return { kind: 'measure', planned }
  }
  if (gateDecided(events, run, check) !== undefined) return undefined
  const own = current.find((one) => one.check === check)
  return gate(gateOfCheck(run.policy, change.proposal.goal, check, own))
}

function decideVerdict(view: View, run: CheckingRun): Step {
  const { change, events } = view
  const verdict = change.verdict
  if (verdict === null) throw new Error(`${change.id} is in state verdict and has none`)
  const decided = gateDecided(events, run, 'verdict')
  if (decided === undefined) return gate(gateOfVerdict(verdict))
  if (decided.result === 'pass') return askToDeploy(view, run, run.sequence) ?? write('staging-started', {})
  return stop(decided.result === 'fail' ? 'change-blocked' : 'change-inconclusive', 'verdict', verdict)
}

/** Checks may be run by many, traffic moved by few: undefined where somebody who may has said so. */
function askToDeploy({ change, events }: View, run: CheckingRun, since: number): Step | undefined {
  if (isDeployAllowed(events, run)) return undefined
  if (hasSince(events, 'deploy-requested', since)) return { kind: 'rest' }
  return write('deploy-requested', {
    reason: `needs a key with deploy to start the canary: slipway change start ${change.id}`,
  })
}

/** A waiver stands for the gates of the checks; what comes after them is asked as ever. */
function decideWaived(view: View, run: CheckingRun): Step {
  const waiver = waiverOf(view.events)
  if (waiver === undefined) throw new Error(`${view.change.id} is waived and has no waiver`)
  const asked = endOfWaiver(view) ?? askToDeploy(view, run, waiver.sequence)
  return resting(asked, view) ?? write('staging-started', {})
}

/**
 * A change that is not live when its waiver ends stands again where it stood before. Nobody answers any more for what
 * its evidence does not show.
 */
function endOfWaiver({ events, nowMs }: View): Step | undefined {
  const waiver = waiverOf(events)
  if (waiver === undefined || nowMs < waiver.until) return undefined
  return stopPlain(`change-${waiver.from}`, `${endWords(waiver)}; before it: ${waiver.was}`)
}

function endWords({ by, until }: Waived): string {
  return `the waiver by ${by.name} ended ${dateOf(until)}`
}

/** Who rests on a waiver is looked at again when it ends. */
function resting<T extends Step | undefined>(step: T, { events }: View): T | Step {
  const waiver = waiverOf(events)
  if (step?.kind !== 'rest' || waiver === undefined) return step
  return { kind: 'wait', why: `a person is waited for, until ${dateOf(waiver.until)}`, untilMs: waiver.until }
}

function decideStaging(view: View, run: CheckingRun): Step {
  const { change, events } = view
  const ended = endOfWaiver(view)
  if (ended !== undefined) return ended
  const finished = last(events, 'staging-finished')
  if (finished === undefined || finished.sequence < stagingSince(events, run)) return { kind: 'stage' }
  const decided = gateDecided(events, run, 'staging', finished.sequence)
  if (decided === undefined) return gate(gateOfStaging(finished.data as unknown as StagingReport))
  if (decided.result !== 'pass')
    return stopPlain(
      decided.result === 'fail' ? 'change-blocked' : 'change-inconclusive',
      `staging: ${decided.reasons.join('; ')}`,
    )
  const wanted = run.policy.tiers[change.proposal.risk].signOffs
  if (wanted === 0) return decideCanaryStart(view, run)
  return write('sign-off-requested', { wanted, evidenceHash: change.verdict?.evidenceHash ?? null })
}

/** Staged again after a waiver. */
function stagingSince(events: readonly ChangeEvent[], run: CheckingRun): number {
  return Math.max(run.sequence, last(events, 'staging-started')?.sequence ?? 0)
}

function decideSignOff(view: View, run: CheckingRun): Step {
  const ended = endOfWaiver(view)
  if (ended !== undefined) return ended
  return signOffGate(view, run).result === 'pass'
    ? decideCanaryStart(view, run)
    : resting({ kind: 'rest' }, view)
}

function signOffGate({ change, events, signOffs, nowMs }: View, run: CheckingRun): GateResult {
  return gateOfSignOff(run.policy, change, authorOf(change, events), signOffs, nowMs)
}

/** Two rollouts on one model never run at once, and evidence against a champion that is gone is no evidence. */
function decideCanaryStart(view: View, run: CheckingRun): Step {
  const { change, events, otherRollout, championNow } = view
  if (otherRollout !== undefined) return { kind: 'wait', why: `${otherRollout} is rolled out first` }
  if (championNow !== change.champion.label)
    return stopPlain(
      'change-blocked',
      `${championNow ?? 'no version'} took the place of ${change.champion.label}, with which the evidence compares; propose the change again`,
    )
  if (gateDecided(events, run, 'sign-off', stagingSince(events, run)) === undefined)
    return gate(signOffGate(view, run))
  return write('canary-started', {
    plan: change.proposal.rollout,
    champion: change.champion.label,
    candidate: change.candidate.label,
  })
}

function decideCanary(view: View): Step {
  const { change, events, rollout, candidateShare, nowMs } = view
  if (rollout === undefined) {
    const ended = backByWaiver(view)
    if (ended !== undefined) return ended
    const untilMs = (last(events, 'canary-started')?.at ?? nowMs) + LIMITS.startMs
    return nowMs < untilMs
      ? { kind: 'start-rollout' }
      : write('traffic-rolled-back', { reason: 'the canary could not be started within a minute' })
  }
  const logged = lastStep(events)
  if (logged === undefined || logged < Math.min(rollout.step, rollout.plan.steps.length - 1)) {
    const step = logged === undefined ? 0 : logged + 1
    return write(
      'step-promoted',
      { rollout: rollout.id, step, sharePercent: rollout.plan.steps[step] },
      JUDGE,
    )
  }
  const isFull = rollout.step === rollout.plan.steps.length - 1 && candidateShare === 100
  if (rollout.state === 'done' || (rollout.state === 'promoting' && isFull))
    return last(events, 'gate-decided')?.data.gate === 'canary'
      ? write('canary-finished', { rollout: rollout.id }, JUDGE)
      : gate(gateOfCanary(rollout), JUDGE)
  return (
    wentBack(events, rollout, candidateShare) ?? backByWaiver(view) ?? followHold(change, events, rollout)
  )
}

/** Traffic that moved on a waiver goes back with it, unless the judge or a person took it back already. */
function backByWaiver({ events, rollout, nowMs }: View): Step | undefined {
  const waiver = waiverOf(events)
  const isGoing = rollout?.state === 'aborting'
  if (waiver === undefined || nowMs < waiver.until || isGoing) return undefined
  return write('traffic-rolled-back', {
    reason: `${endWords(waiver)} before the change was live`,
    rollout: rollout?.id ?? null,
  })
}

/** The judge, or whoever spoke to it, gave up: told as soon as the candidate has no traffic. */
function wentBack(
  events: readonly ChangeEvent[],
  rollout: Rollout,
  candidateShare: number,
): Step | undefined {
  const isBack = rollout.state === 'rolled-back' || (rollout.state === 'aborting' && candidateShare === 0)
  if (!isBack) return undefined
  const decided = events.findLast(({ type, data }) => type === 'gate-decided' && data.gate === 'canary')
  if (decided?.data.result !== 'fail') return gate(gateOfCanary(rollout), JUDGE)
  return write('traffic-rolled-back', { rollout: rollout.id, reason: rollout.reason ?? 'rolled back' }, JUDGE)
}

/** Keeps the log and the rollout of one mind about who holds it. */
function followHold(change: Change, events: readonly ChangeEvent[], rollout: Rollout): Step {
  const holder = heldBy(events)
  if (rollout.state === 'paused')
    return holder === undefined
      ? write('canary-paused', { rollout: rollout.id, reason: rollout.reason }, JUDGE)
      : { kind: 'wait', why: rollout.reason ?? 'held' }
  if (holder === JUDGE) return write('canary-resumed', { rollout: rollout.id }, JUDGE)
  // A person's hold that never reached the rollout is carried out.
  const canHold = rollout.state === 'progressing'
  if (holder !== undefined && canHold) return { kind: 'pause-rollout' }
  return { kind: 'wait', why: rollout.reason ?? `${change.candidate.label} takes traffic` }
}

/** The old version is kept so long that going back is one write; the judge goes on looking until it is let go. */
function decideLive({ change, events, rollout, candidateShare }: View): Step {
  if (rollout === undefined) throw new Error(`${change.id} is live and its rollout is gone`)
  if (rollout.state === 'done')
    return write('champion-replaced', { champion: change.candidate.label, before: change.champion.label })
  return (
    wentBack(events, rollout, candidateShare) ?? {
      kind: 'wait',
      why: `${change.champion.label} is kept ready`,
    }
  )
}

function decideRolledBack(view: View): Step {
  const { change, events, rollout, candidateShare, incidentExists, nowMs } = view
  const isOpen = rollout !== undefined && rollout.state !== 'rolled-back' && rollout.state !== 'done'
  const isStillLive = rollout?.state === 'done' && candidateShare > 0
  if (isStillLive || (isOpen && rollout.state !== 'aborting'))
    return { kind: 'abort-rollout', reason: change.reason ?? 'rolled back' }
  const rolledBack = last(events, 'traffic-rolled-back') as ChangeEvent
  if (last(events, 'change-closed') !== undefined) return { kind: 'rest' }
  if (last(events, 'incident-opened') === undefined)
    return write('incident-opened', {
      incident: incidentOf(change.id),
      title: `${change.proposal.model} ${change.candidate.label} was rolled back: ${change.reason ?? 'no reason given'}`,
    })
  if (!incidentExists) return { kind: 'open-incident' }
  const untilMs = rolledBack.at + STRAGGLERS_MS
  if (nowMs < untilMs || isOpen) return { kind: 'wait', why: 'the last failed requests come in', untilMs }
  return { kind: 'settle' }
}

/** One incident a change: asking twice opens one. */
export function incidentOf(changeId: string): string {
  return `i-${changeId.slice(2)}`
}

function runOf({ change, events }: View): CheckingRun {
  const run = checkingRun(events)
  if (run === undefined) throw new Error(`${change.id} is ${change.state} and was never started`)
  return run
}

function write(type: ChangeEventType, data: Record<string, unknown>, actor: string = RUNNER): Step {
  return { kind: 'write', draft: { type, data, actor } }
}

function gate(result: GateResult, actor: string = RUNNER): Step {
  return write('gate-decided', { ...result }, actor)
}

function stop(
  type: 'change-blocked' | 'change-inconclusive',
  at: string,
  verdict: NonNullable<Change['verdict']>,
): Step {
  return write(type, { gate: at, reason: verdict.sentence, verdict })
}

function stopPlain(type: 'change-blocked' | 'change-inconclusive', reason: string): Step {
  return write(type, { reason })
}
