import {
  type ChangeEvent,
  type CheckName,
  checkName,
  type Evidence,
  type GateResult,
  gateName,
} from '../contracts/index.ts'
import { canonicalJson, digestOf } from '../kernel/index.ts'
import type { Judgement } from '../lab/index.ts'
import { authorOf } from './actor.ts'
import type { Bundle } from './bundle.ts'
import { hashOf } from './evidence.ts'
import { type CheckingRun, checkingRun, currentEvidence, gateDecided, last, lastStep } from './facts.ts'
import {
  gateOfCanary,
  gateOfCheck,
  gateOfSignOff,
  gateOfStaging,
  gateOfVerdict,
  type StagingReport,
} from './gates.ts'
import { checksOf } from './policy.ts'
import { reachVerdict } from './verdict.ts'
import { CLOCK_STEP_MS } from './verify-chain.ts'
import { waiverOf } from './waiver.ts'

/** Judges the raw blocks of a check; the same functions that the lab used. */
export type Judge = (
  check: CheckName,
  plan: Record<string, unknown>,
  raw: Record<string, unknown>,
) => Judgement

/** Each piece of evidence from its raw blocks, then the gates and the verdict from the evidence. */
export function verifyEvidence(bundle: Bundle, judge: Judge): string[] {
  const problems = bundle.evidence.flatMap((evidence) => evidenceProblems(bundle, evidence, judge))
  const run = checkingRun(bundle.events)
  if (run === undefined)
    return bundle.change.verdict === null
      ? problems
      : [...problems, 'there is a verdict, but no check was started']
  return [
    ...problems,
    ...finishedProblems(bundle),
    ...gateProblems(bundle, run),
    ...verdictProblems(bundle, run),
  ]
}

function evidenceProblems(bundle: Bundle, evidence: Evidence, judge: Judge): string[] {
  const name = `the ${evidence.check} evidence`
  const { change, events } = bundle
  const problems: string[] = []
  if (hashOf(evidence) !== evidence.hash) problems.push(`${name} was changed: its hash is another`)
  if (evidence.change !== change.id) problems.push(`${name} belongs to ${evidence.change}`)
  for (const role of ['champion', 'candidate'] as const)
    if (canonicalJson(evidence[role]) !== canonicalJson(change[role]))
      problems.push(`${name} was measured on another ${role}`)
  if (digestOf(evidence.plan) !== evidence.planHash) problems.push(`${name} does not belong to its plan`)
  if (!plannedHashes(bundle, evidence.check).includes(evidence.planHash))
    problems.push(`${name} was not planned before it was measured`)
  if (evidence.finishedAt < evidence.startedAt) problems.push(`${name} ended before it began`)
  const started = events.find(
    ({ type, data }) => type === 'check-started' && data.planHash === evidence.planHash,
  )
  if (started === undefined || evidence.startedAt < started.at - CLOCK_STEP_MS)
    problems.push(`${name} began before its check was started`)
  return [...problems, ...judgementProblems(evidence, judge)]
}

function judgementProblems(evidence: Evidence, judge: Judge): string[] {
  const again = judge(evidence.check, evidence.plan, evidence.raw)
  return (['status', 'summary', 'measurements', 'details'] as const).flatMap((part) =>
    canonicalJson(again[part]) === canonicalJson(evidence[part])
      ? []
      : [`the ${part} of the ${evidence.check} evidence does not follow from its raw blocks`],
  )
}

function plannedHashes({ events }: Bundle, check: CheckName): string[] {
  return events
    .filter((event) => event.type === 'checking-started')
    .flatMap((event) => event.data.plans as { check: string; plan: unknown; planHash: string }[])
    .filter((planned) => planned.check === check && digestOf(planned.plan) === planned.planHash)
    .map((planned) => planned.planHash)
}

/** The log and the evidence name each other, one to one. */
function finishedProblems({ events, evidence }: Bundle): string[] {
  const finished = events.filter((event) => event.type === 'check-finished')
  const problems = finished.flatMap(({ sequence, data }) => {
    const named = evidence.find(({ hash }) => hash === data.evidence)
    if (named === undefined) return [`the evidence of event ${sequence} is missing`]
    const says = { check: named.check, evidence: named.hash, status: named.status, summary: named.summary }
    return canonicalJson(says) === canonicalJson(data)
      ? []
      : [`event ${sequence} says something else than its evidence`]
  })
  const named = finished.map((event) => event.data.evidence)
  const isChecking = last(events, 'checking-started') !== undefined && finished.length < evidence.length
  return isChecking && evidence.some(({ hash }) => !named.includes(hash)) && isOver(events.at(-1)?.type)
    ? [...problems, 'there is evidence that the log does not know']
    : problems
}

/** Between the evidence and its event a bundle may have been taken; not once the checks are over. */
function isOver(type: string | undefined): boolean {
  return (
    type !== 'check-started' &&
    type !== 'holdout-read' &&
    type !== 'change-withdrawn' &&
    type !== 'change-closed'
  )
}

function gateProblems(bundle: Bundle, run: CheckingRun): string[] {
  const { change, events, evidence, signOffs } = bundle
  const current = currentEvidence(events, run, evidence)
  const again = (decided: GateResult, at: number): GateResult | undefined => {
    switch (decided.gate) {
      case 'verdict':
        return change.verdict === null ? undefined : gateOfVerdict(change.verdict)
      case 'staging':
        return gateOfStaging(stagedBefore(events)?.data as unknown as StagingReport)
      case 'sign-off':
        return gateOfSignOff(run.policy, change, authorOf(change, events), signOffs, at)
      case 'canary':
        return canaryAgain(decided, bundle)
      default:
        return gateOfCheck(
          run.policy,
          change.proposal.goal,
          decided.gate,
          current.find(({ check }) => check === decided.gate),
        )
    }
  }
  const names: readonly string[] = gateName.options
  return names.flatMap((name) => {
    const decided = gateDecided(events, run, name as GateResult['gate'])
    if (decided === undefined) return []
    const at = events.findLast((event) => event.type === 'gate-decided' && event.data.gate === name)?.at ?? 0
    return canonicalJson(again(decided, at) ?? null) === canonicalJson(decided)
      ? []
      : [`the ${name} gate would decide otherwise`]
  })
}

/** What the newest decision of the staging gate had read. */
function stagedBefore(events: readonly ChangeEvent[]): ChangeEvent | undefined {
  const decided = events.findLast(({ type, data }) => type === 'gate-decided' && data.gate === 'staging')
  return events.findLast(
    ({ type, sequence }) => type === 'staging-finished' && sequence < (decided?.sequence ?? 0),
  )
}

/** A pass wants its last step in the log; a fail wants the rollout's own reason. */
function canaryAgain(decided: GateResult, { change, events, rollout }: Bundle): GateResult | undefined {
  if (rollout === null) return undefined
  if (decided.result === 'fail') return gateOfCanary(rollout)
  const isFull = lastStep(events) === change.proposal.rollout.steps.length - 1
  return isFull ? gateOfCanary({ state: 'done', reason: null }) : undefined
}

function verdictProblems({ change, events, evidence }: Bundle, run: CheckingRun): string[] {
  const started = checkName.options.filter((check) => gateDecided(events, run, check) !== undefined)
  const current = currentEvidence(events, run, evidence)
  const wanted = checksOf(run.policy, change.proposal.risk)
  const problems: string[] = []
  const moved = last(events, 'canary-started') ?? last(events, 'staging-started')
  const isWaived = moved !== undefined && waiverOf(events.slice(0, moved.sequence)) !== undefined
  if (moved !== undefined && !isWaived && wanted.some((check) => !started.includes(check)))
    problems.push('the change went on before its checks were over')
  if (change.verdict === null) return problems
  const again = reachVerdict(run.policy, change.proposal, current)
  for (const part of ['recommendation', 'sentence', 'table', 'evidenceHash'] as const)
    if (canonicalJson(again[part]) !== canonicalJson(change.verdict[part]))
      problems.push(`the verdict's ${part} does not follow from the evidence`)
  return problems
}
