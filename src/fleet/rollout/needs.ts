import type { GuardSpec, RolloutPlan } from '../../contracts/index.ts'
import { type CanarySums, MINIMUM_EVENTS, promotionTime, readLaw } from '../../stats/index.ts'

export interface Needs {
  /** Candidate requests until the next promotion; null: more of the same would not bring it. */
  readonly requests: number | null
  readonly ms: number | null
}

export interface NeedsView {
  readonly whole: CanarySums
  readonly step: CanarySums
  /** Since the step began, ms. */
  readonly stepMs: number
  /** Candidate's share, 0 … 1. */
  readonly share: number
  readonly requestsPerSecond: number
}

/** So many times the present step's evidence are looked ahead. */
const FURTHEST = 2 ** 30
/** Stands for the rate where there is no traffic: requests wanted hardly depend on it. */
const NOMINAL_REQUESTS_PER_SECOND = 100

/**
 * Inverts the law: all its sums grow with the number of windows, so the reading after f times the present step's
 * evidence is the reading of sums in which that step stands f times. The smallest f that promotes says how many
 * requests are wanted, and the pace of the step says how long they take. Before the step has shown windows of its
 * own, the planner answers, for a candidate that is equal to the champion.
 */
export function needsOf(guard: GuardSpec, plan: RolloutPlan, view: NeedsView): Needs {
  const { whole, step } = view
  if (step.windows < 2 || view.stepMs <= 0) return plannedNeeds(guard, plan, view)
  const before = combine(whole, step, -1)
  const promotes = (factor: number) =>
    readLaw(combine(before, step, factor), {
      mode: 'promote',
      margin: guard.margin,
      alpha: plan.alphaPromote,
    }).isDecided && isSeen(combine(step, step, factor - 1), guard)
  const factor = smallestFactor(promotes)
  if (factor === undefined) return { requests: null, ms: null }
  const requests = Math.ceil((factor - 1) * step.requestsB)
  return { requests, ms: Math.ceil((requests / step.requestsB) * view.stepMs) }
}

/** The step itself has shown ten windows, and as many events as the law wants to see at the boundary. */
export function isSeen(step: CanarySums, guard: GuardSpec): boolean {
  return step.windows >= STEP_WINDOWS && expectedEvents(step, guard) >= MINIMUM_EVENTS
}
const STEP_WINDOWS = 10

function expectedEvents(step: CanarySums, guard: GuardSpec): number {
  const rate = Math.min(1, (step.weightedRateA + 0.5) / (step.weight + 1) + guard.margin)
  return step.requestsB * rate
}

function plannedNeeds(guard: GuardSpec, plan: RolloutPlan, view: NeedsView): Needs {
  const hasTraffic = view.requestsPerSecond > 0
  const baseRate = view.whole.weight > 0 ? view.whole.weightedRateA / view.whole.weight : baseRateOf(guard)
  if (view.share <= 0 || view.share >= 1) return { requests: null, ms: null }
  const time = promotionTime(
    {
      requestsPerSecond: hasTraffic ? view.requestsPerSecond : NOMINAL_REQUESTS_PER_SECOND,
      share: view.share,
      baseRate: Math.min(0.999, baseRate),
      windowSeconds: plan.windowMs / 1000,
      margin: guard.margin,
      alphaPromote: plan.alphaPromote,
    },
    0.5,
  )
  if (time === undefined) return { requests: null, ms: null }
  return {
    requests: Math.ceil(time.candidateRequests),
    ms: hasTraffic ? Math.ceil(time.seconds * 1000) : null,
  }
}

/** The champion's rate as far as it is known by construction. */
export function baseRateOf(guard: GuardSpec): number {
  return guard.name === 'latencyP95' ? 0.05 : guard.name === 'latencyP99' ? 0.01 : 0
}

function smallestFactor(holds: (factor: number) => boolean): number | undefined {
  let high = 1
  while (!holds(high)) {
    high *= 2
    if (high > FURTHEST) return undefined
  }
  let low = high / 2
  while (high - low > 0.01 * low) {
    const middle = (low + high) / 2
    if (holds(middle)) high = middle
    else low = middle
  }
  return Math.max(1, high)
}

/** base + factor · part, sum by sum. */
function combine(base: CanarySums, part: CanarySums, factor: number): CanarySums {
  const names = Object.keys(base) as (keyof CanarySums)[]
  return Object.fromEntries(
    // Rounding may leave a hair below zero where a step is taken out of the whole.
    names.map((name) => [name, atLeastZero(name, base[name] + factor * part[name])]),
  ) as unknown as CanarySums
}

function atLeastZero(name: keyof CanarySums, sum: number): number {
  const isSigned = name === 'weightedDifference' || name === 'squaredWeightDifference'
  return isSigned ? sum : Math.max(0, sum)
}
