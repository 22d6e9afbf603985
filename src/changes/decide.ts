import type { ChangeEvent, CheckName, Evidence, GateResult } from '../contracts/index.ts'
import { authorOf } from './actor.ts'
import { decideCanary, decideLive, decideRolledBack } from './decide-traffic.ts'
import {
  type CheckingRun,
  checkingRun,
  currentEvidence,
  finishedHash,
  gateDecided,
  hasSince,
  holdoutRead,
  isDeployAllowed,
  last,
  orphanOf,
  wasStarted,
} from './facts.ts'
import { gateOfCheck, gateOfSignOff, gateOfStaging, gateOfVerdict, type StagingReport } from './gates.ts'
import { checksOf } from './policy.ts'
import { gate, type Step, stop, stopPlain, type View, write } from './step.ts'
import { reachVerdict } from './verdict.ts'
import { endWords, waiverOf } from './waiver.ts'
import { dateOf } from './words.ts'

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
function runOf({ change, events }: View): CheckingRun {
  const run = checkingRun(events)
  if (run === undefined) throw new Error(`${change.id} is ${change.state} and was never started`)
  return run
}
