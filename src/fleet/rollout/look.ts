import type { GuardLook, GuardSpec, Rollout, RolloutLook, RolloutPlan } from '../../contracts/index.ts'
import {
  brakes,
  type CanarySums,
  type CanaryWindow,
  type GuardDecision,
  judgeGuard,
} from '../../stats/index.ts'
import { type Evidence, sumsOf } from './evidence.ts'
import { isSeen, needsOf } from './needs.ts'

export interface LookInput {
  readonly evidence: Evidence
  /** The last settled seconds, failures counted. */
  readonly seconds: readonly CanaryWindow[]
  readonly sequence: number
  readonly requestsPerSecond: number
}

/** Telemetry that is older than this says nothing about now. */
const STALE_MS = 10_000

/**
 * One look of the judge at a step in which both versions have traffic.
 *
 * The law compares the arms inside each window, so the windows of all steps make one sequence, whatever the share was:
 * a share is chosen from what was seen before, and given it the expected difference of a window is the candidate's
 * effect. The bounds hold at all looks of the whole rollout at once; a new step spends no new error.
 *
 * - `brake`: outside of all error budgets, on the last three seconds.
 * - `abort`: one guard is worse for certain and not shown to stay within its margin. Any of k guards may abort, so each
 *   gets α/k.
 * - `promote`: every guard is within its margin for certain, worse or not (that is what the margin allows), and the
 *   present step was itself seen (10 windows, 8 events expected at the boundary), lately. All must agree, so each
 *   has the whole α: the chance that all are wrong is no larger than that of one (intersection-union, Berger 1982).
 * - `hold`: nothing to compare: never a success and never a failure. `continue`: it flows, and is not decided.
 */
export function look(rollout: Rollout, input: LookInput, nowMs: number): RolloutLook {
  const { evidence } = input
  const sharePercent = rollout.plan.steps[rollout.step] ?? 100
  const readings = rollout.guards.map((guard) => readGuard(rollout, guard, evidence))
  const guards = readings.map((reading) => reading.look)
  const [decision, reason] = decide(rollout, readings, input, nowMs)
  const needs =
    decision === 'promote' ? { requests: 0, ms: 0 } : needsOfAll(rollout, input, sharePercent, nowMs)
  return {
    rolloutId: rollout.id,
    sequence: input.sequence,
    at: nowMs,
    step: rollout.step,
    sharePercent,
    windows: Math.max(0, ...rollout.guards.map((guard) => sumsOf(evidence.whole, guard.name).windows)),
    windowEndMs: Math.max(0, evidence.pairedUntilMs ?? rollout.startedAt),
    guards,
    decision,
    reason,
    needsRequests: needs.requests,
    needsMs: needs.ms,
  }
}

interface GuardReading {
  readonly look: GuardLook
  readonly decision: GuardDecision
  readonly isSeenInStep: boolean
}

function readGuard(rollout: Rollout, guard: GuardSpec, evidence: Evidence): GuardReading {
  return {
    ...guardLook(rollout.plan, guard, sumsOf(evidence.whole, guard.name)),
    isSeenInStep: isSeen(sumsOf(evidence.step, guard.name), guard),
  }
}

/** What the law says of one guard from the sums of all windows so far; whoever has the windows gets the same. */
export function guardLook(
  plan: Pick<RolloutPlan, 'alphaAbort' | 'alphaPromote' | 'guards'>,
  guard: Pick<GuardSpec, 'name' | 'margin'>,
  sums: CanarySums,
): { readonly look: GuardLook; readonly decision: GuardDecision } {
  const reading = judgeGuard(sums, {
    margin: guard.margin,
    alphaAbort: plan.alphaAbort / plan.guards.length,
    alphaPromote: plan.alphaPromote,
  })
  const decision = reading.reason === 'worse-within-margin' ? 'promote' : reading.decision
  return {
    decision,
    look: {
      name: guard.name,
      champion: { requests: sums.requestsA, events: sums.eventsA },
      candidate: { requests: sums.requestsB, events: sums.eventsB },
      difference: sums.windows === 0 ? null : reading.abort.difference,
      lower: finite(reading.abort.lower),
      upper: finite(reading.promote.upper),
      margin: guard.margin,
      decision: decision === 'hold' ? 'inconclusive' : decision,
    },
  }
}

function decide(
  rollout: Rollout,
  readings: readonly GuardReading[],
  { evidence, seconds }: LookInput,
  nowMs: number,
): [RolloutLook['decision'], string] {
  if (brakes(seconds)) return ['brake', 'at least half of the candidate’s requests failed for three seconds']
  const worse = readings.filter((reading) => reading.decision === 'abort')
  if (worse.length > 0) return ['abort', worse.map(({ look }) => describeRise(look)).join('; ')]
  const paired = evidence.pairedUntilMs
  if (paired === null || paired <= rollout.stepStartedAt)
    return nowMs - rollout.stepStartedAt < STALE_MS
      ? ['continue', 'the step has just begun']
      : ['hold', 'no window of this step holds requests of both versions']
  if (nowMs - paired > STALE_MS)
    return ['hold', `no requests of both versions for ${Math.round((nowMs - paired) / 1000)} s`]
  const open = readings.filter((reading) => reading.decision !== 'promote')
  if (open.length > 0) return ['continue', `not decided yet: ${open.map(({ look }) => look.name).join(', ')}`]
  const unseen = readings.filter((reading) => !reading.isSeenInStep)
  if (unseen.length > 0)
    return [
      'continue',
      `this step was not seen long enough: ${unseen.map(({ look }) => look.name).join(', ')}`,
    ]
  return ['promote', 'every guard is within its margin']
}

function describeRise(guard: GuardLook): string {
  const percent = (fraction: number | null) => `${((fraction ?? 0) * 100).toFixed(2)} pp`
  return `${guard.name} rose by ${percent(guard.difference)} (at least ${percent(guard.lower)})`
}

function needsOfAll(
  rollout: Rollout,
  { evidence, requestsPerSecond }: LookInput,
  sharePercent: number,
  nowMs: number,
): { requests: number | null; ms: number | null } {
  const all = rollout.guards.map((guard) =>
    needsOf(guard, rollout.plan, {
      whole: sumsOf(evidence.whole, guard.name),
      step: sumsOf(evidence.step, guard.name),
      stepMs: Math.min(nowMs, evidence.settledUntilMs) - rollout.stepStartedAt,
      share: sharePercent / 100,
      requestsPerSecond,
    }),
  )
  return { requests: largest(all.map((each) => each.requests)), ms: largest(all.map((each) => each.ms)) }
}

function largest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (most, value) => (most === null || value === null ? null : Math.max(most, value)),
    0,
  )
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
