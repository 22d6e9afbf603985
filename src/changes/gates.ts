import type {
  Axis,
  Change,
  ChangeVerdict,
  CheckName,
  Evidence,
  GateResult,
  Measurement,
  Rollout,
  SignOff,
} from '../contracts/index.ts'
import { isSame, type Signer } from './actor.ts'
import { AXIS_OF_CHECK, type Policy } from './policy.ts'
import { bounds, effectOf, intervalOf } from './words.ts'

export const NOT_YET = 'has not been measured yet'

/** Gates read policy and evidence and nothing else, so that anybody can decide them again. */

/**
 * One check. Its goal axis must be superior, any other required axis at least non-inferior; `inferior` fails,
 * `inconclusive` and an invalid run hold. Axes that the policy does not require are told, not judged.
 */
export function gateOfCheck(
  policy: Policy,
  goal: Axis,
  check: CheckName,
  evidence: Evidence | undefined,
): GateResult {
  const gated = (result: GateResult['result'], reasons: string[]): GateResult => ({
    gate: check,
    result,
    reasons,
  })
  if (evidence === undefined) return gated('hold', [`${check} ${NOT_YET}`])
  if (evidence.status === 'invalid')
    return gated('hold', [`${check} could not be measured: ${evidence.summary}`])
  const judged = evidence.measurements.filter(({ axis }) => axis !== null && isGating(policy, goal, axis))
  const own = AXIS_OF_CHECK[check]
  if (own !== null && isGating(policy, goal, own) && !judged.some(({ axis }) => axis === own))
    return gated('hold', [`${check} measured nothing on its axis`])
  const lost = judged.filter(({ verdict }) => verdict === 'inferior')
  if (lost.length > 0) return gated('fail', lost.map(lossOf))
  if (evidence.status === 'fail') return gated('fail', [evidence.summary])
  const open = judged.filter(
    ({ axis, verdict }) => verdict === 'inconclusive' || (axis === goal && verdict !== 'superior'),
  )
  if (open.length > 0)
    return gated(
      'hold',
      open.map((measurement) => openQuestionOf(measurement, goal)),
    )
  if (evidence.status === 'inconclusive' && judged.length === 0) return gated('hold', [evidence.summary])
  return gated('pass', judged.length === 0 ? [evidence.summary] : judged.map(findingOf))
}

/** Adopt passes; conditions pass along as reasons. */
export function gateOfVerdict(verdict: ChangeVerdict): GateResult {
  const result = { adopt: 'pass', 'adopt-with-conditions': 'pass', hold: 'hold', reject: 'fail' } as const
  return { gate: 'verdict', result: result[verdict.recommendation], reasons: [verdict.sentence] }
}

export interface StagingReport {
  readonly probe: {
    readonly sent: number
    /** What went wrong, one line each; empty when every request was answered as the contract says. */
    readonly failures: readonly string[]
  }
  /** What the candidate's spec says differently. */
  readonly differences: readonly {
    readonly path: string
    readonly champion: unknown
    readonly candidate: unknown
  }[]
}

export function gateOfStaging(report: StagingReport): GateResult {
  const { sent, failures } = report.probe
  if (failures.length > 0) return { gate: 'staging', result: 'fail', reasons: [...failures] }
  if (sent === 0)
    return { gate: 'staging', result: 'hold', reasons: ['no request was sent to the candidate'] }
  return {
    gate: 'staging',
    result: 'pass',
    reasons: [`${sent} of ${sent} requests to the candidate answered as the contract says`],
  }
}

/**
 * Enough signed this evidence: the same hash, not expired, each with another key, none the author's where the policy
 * says so. A key stands for a person: whoever hands somebody two keys hands out two signatures. `atMs` is the time of the decision, so that an old bundle is judged as of then.
 */
export function gateOfSignOff(
  policy: Policy,
  change: Pick<Change, 'proposal' | 'verdict'>,
  author: Signer,
  signOffs: readonly SignOff[],
  atMs: number,
): GateResult {
  const wanted = policy.tiers[change.proposal.risk].signOffs
  const gated = (result: GateResult['result'], reason: string): GateResult => ({
    gate: 'sign-off',
    result,
    reasons: [reason],
  })
  if (wanted === 0) return gated('pass', `the policy asks for no sign-off for ${change.proposal.risk}`)
  const counted = signOffs
    .filter((signOff) => signOff.evidenceHash === change.verdict?.evidenceHash)
    .filter((signOff) => signOff.at <= atMs && atMs < signOff.expiresAt)
    .map(({ actor, key }): Signer => ({ name: actor, key }))
    .filter((signer) => !policy.signOff.notTheAuthor || !isSame(signer, author))
  const signers = counted.filter((one, index) => counted.findIndex((other) => isSame(one, other)) === index)
  if (signers.length >= wanted)
    return gated(
      'pass',
      `signed by ${signers
        .map(({ name }) => name)
        .sort()
        .join(', ')}`,
    )
  const missing = wanted - signers.length
  const by = policy.signOff.notTheAuthor ? `, not by ${author.name}` : ''
  return gated('hold', `${missing} more sign-off${missing === 1 ? '' : 's'} wanted${by}`)
}

/** Passes when the judge has promoted every step and all traffic is on the candidate; the way back fails it. */
export function gateOfCanary(rollout: Pick<Rollout, 'state' | 'reason'>): GateResult {
  const isBack = rollout.state === 'aborting' || rollout.state === 'rolled-back'
  return isBack
    ? { gate: 'canary', result: 'fail', reasons: [rollout.reason ?? 'rolled back'] }
    : { gate: 'canary', result: 'pass', reasons: ['the judge promoted every step'] }
}

export function isGating(policy: Policy, goal: Axis, axis: Axis): boolean {
  return axis === goal || policy.requiredAxes.includes(axis)
}

function lossOf(measurement: Measurement): string {
  return `${effectOf(measurement)} ${bounds(measurement)} on ${measurement.from}; ${marginOf(measurement)}`
}

function openQuestionOf(measurement: Measurement, goal: Axis): string {
  const found = `${measurement.axis}: ${intervalOf(measurement)} on ${measurement.from}`
  const wish =
    measurement.verdict === 'inconclusive'
      ? `does not settle it, ${marginOf(measurement)}`
      : `shows no gain, and ${goal} is the goal`
  return `${found} ${wish}${measurement.needs === null ? '' : `; needs ${measurement.needs}`}`
}

function findingOf(measurement: Measurement): string {
  return `${measurement.axis}: ${intervalOf(measurement)} on ${measurement.from}, ${measurement.verdict}`
}

function marginOf({ margin, unit }: Measurement): string {
  if (unit === 'count') return `the margin is ${margin}`
  return `the margin is ${Number((margin * 100).toFixed(2))} ${unit === 'pp' ? 'pp' : '%'}`
}
