import type { GuardLook, GuardName, Rollout, RolloutLook } from '../../../src/contracts/index.ts'

/** One look of one guard, as shares of requests. */
export interface LookPoint {
  readonly at: number
  readonly sharePercent: number
  readonly champion: number | null
  readonly candidate: number | null
  /** The time-uniform interval of candidate − champion, laid on the champion's rate. */
  readonly lower: number | null
  readonly upper: number | null
  /** The rate that would be too much. */
  readonly limit: number | null
  readonly guard: GuardLook
}

export function lookPoints(looks: readonly RolloutLook[], name: GuardName): LookPoint[] {
  return looks.flatMap((look) => {
    const guard = look.guards.find((one) => one.name === name)
    if (guard === undefined) return []
    const champion = rateOf(guard.champion)
    const above = (difference: number | null) =>
      champion === null || difference === null ? null : Math.max(0, champion + difference)
    return {
      at: look.at,
      sharePercent: look.sharePercent,
      champion,
      // The difference is weighted window by window, so it is right where pooled rates are not.
      candidate: above(guard.difference) ?? rateOf(guard.candidate),
      lower: above(guard.lower),
      upper: above(guard.upper),
      limit: champion === null ? null : champion + guard.margin,
      guard,
    }
  })
}

export interface StepChange {
  readonly at: number
  readonly from: number
  readonly to: number
}

export function stepChanges(looks: readonly RolloutLook[]): StepChange[] {
  return looks.flatMap((look, index) => {
    const before = looks[index - 1]
    return before === undefined || before.sharePercent === look.sharePercent
      ? []
      : { at: look.at, from: before.sharePercent, to: look.sharePercent }
  })
}

export interface StepState {
  readonly sharePercent: number
  readonly state: 'done' | 'now' | 'failed' | 'ahead'
  /** Requests that the candidate answered in this step; null before it. */
  readonly requests: number | null
  /** Of the step that runs: how much of its evidence is there, 0..1. */
  readonly progress: number
}

export function stepStates(rollout: Rollout, looks: readonly RolloutLook[]): StepState[] {
  // Promoting: all traffic has moved, only the old version is still kept.
  const isOver = rollout.state === 'done' || rollout.state === 'promoting'
  const hasFailed = rollout.state === 'rolled-back' || rollout.state === 'aborting'
  const last = looks.at(-1)
  let before = 0
  return rollout.plan.steps.map((sharePercent, step) => {
    const inStep = looks.filter((look) => look.step === step)
    const reached = inStep.length === 0 ? null : candidateRequests(inStep.at(-1)!)
    const requests = reached === null ? null : reached - before
    before = reached ?? before
    if (isOver || step < rollout.step) return { sharePercent, state: 'done', requests, progress: 1 }
    if (step > rollout.step) return { sharePercent, state: 'ahead', requests: null, progress: 0 }
    const needs = last?.needsRequests ?? null
    const progress = requests === null || needs === null ? 0 : requests / Math.max(1, requests + needs)
    return { sharePercent, state: hasFailed ? 'failed' : 'now', requests, progress }
  })
}

/** Highest value worth drawing: the first, wide intervals may leave the picture. */
export function topOf(points: readonly LookPoint[]): number {
  const lines = points.flatMap(({ champion, candidate, limit }) => [champion, candidate, limit])
  const bands = points
    .slice(Math.floor(points.length / 8))
    .flatMap(({ upper }) => (upper === null ? [] : [upper]))
    .sort((left, right) => left - right)
  const highest = Math.max(0.001, ...lines.filter((value) => value !== null))
  // A band far above everything else would press the lines flat.
  return Math.min(Math.max(highest, bands[Math.floor(bands.length * 0.9)] ?? 0), highest * 3) * 1.15
}

/** All guards count the same requests. */
function candidateRequests(look: RolloutLook): number {
  return look.guards[0]?.candidate.requests ?? 0
}

function rateOf({ requests, events }: { requests: number; events: number }): number | null {
  return requests === 0 ? null : events / requests
}
