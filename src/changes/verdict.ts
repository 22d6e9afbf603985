import {
  type Axis,
  axis,
  type ChangeProposal,
  type ChangeVerdict,
  type CheckName,
  type Digest,
  type Evidence,
  type GateResult,
  type Measurement,
  type Recommendation,
} from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import { gateOfCheck, isGating, NOT_YET } from './gates.ts'
import { checksOf, hashOfPolicy, type Policy } from './policy.ts'
import { bounds, effectOf, intervalOf, listed, VERDICTS_FROM_WORST } from './words.ts'

/**
 * What the evidence supports: the CLASS table, one recommendation and one sentence. Pure, so that the same evidence
 * under the same policy gives the same bytes, here and offline.
 *
 * A failed gate rejects; a gate that holds, holds; axes that nobody requires can only add conditions.
 */
export function reachVerdict(
  policy: Policy,
  proposal: ChangeProposal,
  evidence: readonly Evidence[],
): ChangeVerdict {
  const table = axis.options.map((row) => decidingOn(row, evidence))
  const gates = checksOf(policy, proposal.risk).map((check) =>
    gateOfCheck(
      policy,
      proposal.goal,
      check,
      evidence.find((one) => one.check === check),
    ),
  )
  const conditions = table.filter(
    (row) =>
      row.axis !== null && !isGating(policy, proposal.goal, row.axis) && isMeasured(row) && isOpenOrLost(row),
  )
  const recommendation = recommend(gates, conditions)
  return {
    recommendation,
    sentence: sentenceOf(recommendation, { table, gates, conditions, policy, goal: proposal.goal }),
    table,
    evidenceHash: hashOfEvidence(policy, proposal, evidence),
  }
}

/** What a sign-off is bound to: another proposal, policy or piece of evidence is another hash. */
export function hashOfEvidence(
  policy: Policy,
  proposal: ChangeProposal,
  evidence: readonly Evidence[],
): Digest {
  const hashes = evidence.map(({ check, hash }) => ({ check, hash }))
  hashes.sort((left, right) => (left.check < right.check ? -1 : left.check > right.check ? 1 : 0))
  return digestOf({ proposal, policy: hashOfPolicy(policy), evidence: hashes })
}

/** The measurement that decides an axis: the worst one, the first of equals. An axis nobody measured says so. */
function decidingOn(row: Axis, evidence: readonly Evidence[]): Measurement {
  const found = evidence.flatMap((one) => one.measurements).filter((one) => one.axis === row)
  for (const verdict of VERDICTS_FROM_WORST) {
    const worst = found.find((one) => one.verdict === verdict)
    if (worst !== undefined) return worst
  }
  return {
    axis: row,
    measure: 'not measured',
    unit: 'pp',
    better: 'higher',
    estimate: null,
    lower: null,
    upper: null,
    confidence: 0.95,
    margin: 0,
    verdict: 'inconclusive',
    from: 'not measured',
    needs: `a check of ${row}`,
  }
}

function recommend(gates: readonly GateResult[], conditions: readonly Measurement[]): Recommendation {
  if (gates.some(({ result }) => result === 'fail')) return 'reject'
  if (gates.some(({ result }) => result === 'hold')) return 'hold'
  return conditions.length > 0 ? 'adopt-with-conditions' : 'adopt'
}

interface Findings {
  readonly table: readonly Measurement[]
  readonly gates: readonly GateResult[]
  readonly conditions: readonly Measurement[]
  readonly policy: Policy
  readonly goal: Axis
}

function sentenceOf(recommendation: Recommendation, findings: Findings): string {
  const { table, gates, conditions, goal } = findings
  const gains = table.filter((row) => row.verdict === 'superior')
  const gained = listed(
    [...gains.filter((row) => row.axis === goal), ...gains.filter((row) => row.axis !== goal)].map(effectOf),
  )
  switch (recommendation) {
    case 'adopt':
      return `ADOPT: ${gained}; nothing else got worse${notMeasured(table)}.`
    case 'adopt-with-conditions':
      return `ADOPT WITH CONDITIONS: ${gained}; but ${listed(conditions.map(conditionOf))}${notMeasured(table)}.`
    case 'hold': {
      const open = gates.filter(({ result }) => result === 'hold')
      const met = open.filter((gate) => !isUnmet(gate))
      return `HOLD: ${(met.length > 0 ? met : open).flatMap(({ reasons }) => reasons.map(trimmed)).join('; ')}.`
    }
    case 'reject': {
      const although = gained === '' ? '' : `, although it is ${gained}`
      return `REJECT: ${lossesOf(findings)}${although}.`
    }
  }
}

/** The losses in numbers; a gate that failed for another reason is told in its own words. */
function lossesOf({ table, gates, policy, goal }: Findings): string {
  const lost = table.filter(
    (row) => row.axis !== null && row.verdict === 'inferior' && isGating(policy, goal, row.axis),
  )
  if (lost.length > 0) return listed(lost.map((row) => `${effectOf(row)} ${bounds(row)} on ${row.from}`))
  const failed = gates.find(({ result }) => result === 'fail')
  return `${nameOf(failed?.gate as CheckName)} failed: ${trimmed(failed?.reasons.join('; ') ?? '')}`
}

function conditionOf(row: Measurement): string {
  return row.verdict === 'inferior'
    ? `it is ${effectOf(row)} ${bounds(row)}`
    : `${row.axis} is not settled (${intervalOf(row)})`
}

function notMeasured(table: readonly Measurement[]): string {
  const open = table.filter((row) => !isMeasured(row)).map((row) => row.axis as string)
  return open.length === 0 ? '' : ` (${listed(open)} not measured)`
}

function isMeasured(row: Measurement): boolean {
  return row.from !== 'not measured'
}

function isOpenOrLost({ verdict }: Measurement): boolean {
  return verdict === 'inferior' || verdict === 'inconclusive'
}

function nameOf(check: CheckName): string {
  return `the ${check} check`
}

/** Held only because an earlier gate kept the check from being run. */
function isUnmet({ reasons }: GateResult): boolean {
  return reasons.every((reason) => reason.endsWith(NOT_YET))
}

function trimmed(text: string): string {
  return text.replace(/[.\s]+$/, '')
}
