import type { GuardName, GuardSpec, Rollout, TrafficWindow } from '../../contracts/index.ts'
import {
  type ArmCount,
  addWindow,
  type CanarySums,
  type CanaryWindow,
  NO_WINDOWS,
} from '../../stats/index.ts'
import { eventsOf, failuresOf } from './guards.ts'

/** What the windows say, per guard: over the whole rollout, and over the present step alone. */
export interface Evidence {
  readonly whole: SumsByGuard
  readonly step: SumsByGuard
  /** End of the newest window in which both arms had requests; null before there is one. */
  readonly pairedUntilMs: number | null
  readonly settledUntilMs: number
}
export type SumsByGuard = Partial<Record<GuardName, CanarySums>>

/** Sums of the windows that will not be read again; kept between looks, made anew after a restart. */
export interface Folded {
  readonly untilMs: number
  readonly stepStartedAt: number
  readonly whole: SumsByGuard
  readonly step: SumsByGuard
  readonly pairedUntilMs: number | null
}

/** Late telemetry changes a window for so long. */
const FOLD_AFTER_MS = 600_000

export function nothingFolded(rollout: Rollout): Folded {
  const untilMs = firstWindowMs(rollout)
  return { untilMs, stepStartedAt: rollout.stepStartedAt, whole: {}, step: {}, pairedUntilMs: null }
}

/**
 * Adds the windows since `folded.untilMs` to what is folded. Windows are compared arm against arm inside
 * `plan.windowMs`, from the start of the rollout on; one that is not over, or not settled, waits for the next look.
 * @param windows one-second windows of both versions that start in [folded.untilMs, settledUntilMs)
 */
export function gather(
  rollout: Rollout,
  folded: Folded,
  windows: readonly TrafficWindow[],
  settledUntilMs: number,
): { evidence: Evidence; folded: Folded } {
  const { windowMs } = rollout.plan
  const sameStep = folded.stepStartedAt === rollout.stepStartedAt
  let state: Folded = { ...folded, step: sameStep ? folded.step : {}, stepStartedAt: rollout.stepStartedAt }
  let kept = state
  const untilMs = countedUntilMs(rollout, settledUntilMs)
  const foldUntilMs = Math.floor((untilMs - FOLD_AFTER_MS) / windowMs) * windowMs
  for (const paired of pairedWindows(rollout, windows)) {
    const endMs = paired.startMs + windowMs
    if (paired.startMs < folded.untilMs || endMs > untilMs) continue
    state = withPair(rollout, state, paired)
    if (endMs <= foldUntilMs) kept = state
  }
  const { whole, step, pairedUntilMs } = state
  return {
    evidence: { whole, step, pairedUntilMs, settledUntilMs: untilMs },
    folded: { ...kept, untilMs: Math.max(kept.untilMs, foldUntilMs) },
  }
}

/** The last seconds of both arms, failures counted, for the brake; a silent second is there with zeros. */
export function lastSeconds(
  rollout: Rollout,
  windows: readonly TrafficWindow[],
  settledUntilMs: number,
  count: number,
): CanaryWindow[] {
  const seconds: CanaryWindow[] = []
  for (let startMs = settledUntilMs - count * 1000; startMs < settledUntilMs; startMs += 1000) {
    const inSecond = windows.filter((window) => window.startMs >= startMs && window.startMs < startMs + 1000)
    seconds.push({
      a: failures(inSecond.filter((window) => window.version === rollout.champion)),
      b: failures(inSecond.filter((window) => window.version === rollout.candidate)),
    })
  }
  return seconds
}

export function sumsOf(sums: SumsByGuard, guard: GuardName): CanarySums {
  return sums[guard] ?? NO_WINDOWS
}

/** What both arms did in one window, guard by guard; windows in which one of them was silent are not there. */
export interface PairedWindow {
  readonly startMs: number
  readonly counts: readonly { readonly guard: GuardName; readonly pair: CanaryWindow }[]
}

/** The comparison that the law is fed with, in order of time. @param windows one-second windows of both versions */
export function pairedWindows(
  rollout: Pick<Rollout, 'plan' | 'guards' | 'champion' | 'candidate'>,
  windows: readonly TrafficWindow[],
): PairedWindow[] {
  return pairsOf(rollout, windows).flatMap(([startMs, arms]) => {
    const isPaired = requestsOf(arms.champion) > 0 && requestsOf(arms.candidate) > 0
    if (!isPaired) return []
    const counts = rollout.guards.map((guard) => ({
      guard: guard.name,
      pair: { a: countOf(guard, arms.champion), b: countOf(guard, arms.candidate) },
    }))
    return [{ startMs, counts }]
  })
}

/** Start of the first window that the law counts. */
export function firstWindowMs({ startedAt, plan }: Pick<Rollout, 'startedAt' | 'plan'>): number {
  return Math.ceil(startedAt / plan.windowMs) * plan.windowMs
}

/** End of the last window that a look may have counted. */
export function countedUntilMs({ plan }: Pick<Rollout, 'plan'>, settledUntilMs: number): number {
  return Math.floor(settledUntilMs / plan.windowMs) * plan.windowMs
}

interface Arms {
  readonly champion: TrafficWindow[]
  readonly candidate: TrafficWindow[]
}

function pairsOf(
  rollout: Pick<Rollout, 'plan' | 'champion' | 'candidate'>,
  windows: readonly TrafficWindow[],
): [number, Arms][] {
  const pairs = new Map<number, Arms>()
  for (const window of windows) {
    const startMs = Math.floor(window.startMs / rollout.plan.windowMs) * rollout.plan.windowMs
    const arms = pairs.get(startMs) ?? { champion: [], candidate: [] }
    pairs.set(startMs, arms)
    if (window.version === rollout.champion) arms.champion.push(window)
    if (window.version === rollout.candidate) arms.candidate.push(window)
  }
  return [...pairs].sort(([left], [right]) => left - right)
}

function withPair(rollout: Rollout, state: Folded, { startMs, counts }: PairedWindow): Folded {
  const inStep = startMs >= rollout.stepStartedAt
  const whole: SumsByGuard = { ...state.whole }
  const step: SumsByGuard = { ...state.step }
  for (const { guard, pair } of counts) {
    whole[guard] = addWindow(sumsOf(whole, guard), pair)
    if (inStep) step[guard] = addWindow(sumsOf(step, guard), pair)
  }
  return { ...state, whole, step, pairedUntilMs: startMs + rollout.plan.windowMs }
}

function countOf(guard: GuardSpec, windows: readonly TrafficWindow[]): ArmCount {
  return {
    n: requestsOf(windows),
    events: windows.reduce((total, window) => total + eventsOf(guard, window), 0),
  }
}

function failures(windows: readonly TrafficWindow[]): ArmCount {
  return {
    n: requestsOf(windows),
    events: windows.reduce((total, window) => total + failuresOf(window), 0),
  }
}

function requestsOf(windows: readonly TrafficWindow[]): number {
  return windows.reduce((total, window) => total + window.requests, 0)
}
