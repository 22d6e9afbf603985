import { requireCount, requireOpenUnit, requirePositive, requireUnit } from '../check.ts'

/** One arm in one window: `n` requests, `events` of them bad (errors, slower than x, …). */
export interface ArmCount {
  readonly n: number
  readonly events: number
}

/** The same 1–10 s of both arms: `a` champion, `b` candidate. */
export interface CanaryWindow {
  readonly a: ArmCount
  readonly b: ArmCount
}

/** All that the law needs to know of the windows so far; one fixed-size record however long the canary runs. */
export interface CanarySums {
  /** Windows in which both arms had requests. */
  readonly windows: number
  readonly requestsA: number
  readonly requestsB: number
  readonly eventsA: number
  readonly eventsB: number
  readonly weight: number
  readonly weightedDifference: number
  readonly weightedRateA: number
  readonly weightedRatePooled: number
  readonly squaredWeight: number
  readonly squaredWeightDifference: number
  readonly squaredWeightDifferenceSquared: number
  readonly squaredWeightPerA: number
  readonly squaredWeightPerB: number
}

export interface LawOptions {
  /** `abort` asks whether the candidate is worse than `delta` (0 unless given), `promote` whether it is better than it (`margin` unless given). */
  readonly mode: 'abort' | 'promote'
  /** How much worse, in events per request, still counts as no worse; also sets where the law is sharpest. */
  readonly margin: number
  /** Chance of a wrong decision over the whole run, however often one looks. One-sided, below ½. */
  readonly alpha: number
  readonly delta?: number
}

export interface LawReading {
  /** Candidate minus champion, in events per request, compared window by window. */
  readonly difference: number
  /** Half-width of the one-sided, time-uniform bound; infinite before there is any data. */
  readonly halfWidth: number
  readonly lower: number
  readonly upper: number
  readonly windows: number
  /** Bad candidate requests seen. */
  readonly eventsSeen: number
  /** Bad candidate requests to be expected if the truth were exactly `delta`. */
  readonly expectedAtBoundary: number
  /** Enough windows and events for the law's normal approximation. */
  readonly isReady: boolean
  /** Ready, and the bound has crossed: `lower` > delta to abort, `upper` < delta to promote. */
  readonly isDecided: boolean
}

/** The law is asymptotic: below these counts it says nothing. */
export const MINIMUM_WINDOWS = 10
export const MINIMUM_EVENTS = 8

export const NO_WINDOWS: CanarySums = Object.freeze({
  windows: 0,
  requestsA: 0,
  requestsB: 0,
  eventsA: 0,
  eventsB: 0,
  weight: 0,
  weightedDifference: 0,
  weightedRateA: 0,
  weightedRatePooled: 0,
  squaredWeight: 0,
  squaredWeightDifference: 0,
  squaredWeightDifferenceSquared: 0,
  squaredWeightPerA: 0,
  squaredWeightPerB: 0,
})

/**
 * Reads the canary law over a list of windows; see `readLaw`.
 */
export function canaryLaw(windows: Iterable<CanaryWindow>, options: LawOptions): LawReading {
  let sums = NO_WINDOWS
  for (const window of windows) sums = addWindow(sums, window)
  return readLaw(sums, options)
}

/** The sums with one more window. A window in which either arm is silent compares nothing and changes nothing. */
export function addWindow(sums: CanarySums, { a, b }: CanaryWindow): CanarySums {
  requireArm('a', a)
  requireArm('b', b)
  if (a.n === 0 || b.n === 0) return sums
  const rateA = a.events / a.n
  const difference = b.events / b.n - rateA
  const weight = (a.n * b.n) / (a.n + b.n)
  const square = weight * weight
  return {
    windows: sums.windows + 1,
    requestsA: sums.requestsA + a.n,
    requestsB: sums.requestsB + b.n,
    eventsA: sums.eventsA + a.events,
    eventsB: sums.eventsB + b.events,
    weight: sums.weight + weight,
    weightedDifference: sums.weightedDifference + weight * difference,
    weightedRateA: sums.weightedRateA + weight * rateA,
    weightedRatePooled: sums.weightedRatePooled + (weight * (a.events + b.events)) / (a.n + b.n),
    squaredWeight: sums.squaredWeight + square,
    squaredWeightDifference: sums.squaredWeightDifference + square * difference,
    squaredWeightDifferenceSquared: sums.squaredWeightDifferenceSquared + square * difference * difference,
    squaredWeightPerA: sums.squaredWeightPerA + square / a.n,
    squaredWeightPerB: sums.squaredWeightPerB + square / b.n,
  }
}

/**
 * Is the candidate's rate of bad requests worse than the champion's by more than δ (abort), or by less (promote)?
 *
 * Arms are compared inside a window and the differences weighted by n_A·n_B/(n_A + n_B) (Mantel, Haenszel 1959), so
 * neither a moving base rate nor a changing share looks like an effect. The variance is the larger of the observed
 * one between windows (bursts make it large) and the binomial one at the boundary (few events make the observed one
 * too small). The half-width is the one-sided asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy,
 * Ramdas (2024): valid at every look at once, sharpest where the variance reaches (margin/3)².
 */
export function readLaw(sums: CanarySums, options: LawOptions): LawReading {
  requireOptions(options)
  const isPromotion = options.mode === 'promote'
  const delta = deltaOf(options)
  const expectedAtBoundary = sums.requestsB * Math.min(1, championRate(sums) + delta)
  const events = isPromotion ? expectedAtBoundary : sums.eventsB
  const isReady = sums.windows >= MINIMUM_WINDOWS && events >= MINIMUM_EVENTS
  const difference = differenceOf(sums)
  const halfWidth =
    sums.windows === 0
      ? Number.POSITIVE_INFINITY
      : confidenceSequence(1 / lawVariance(sums, options), options.margin, options.alpha)
  const lower = difference - halfWidth
  const upper = difference + halfWidth
  return {
    difference,
    halfWidth,
    lower,
    upper,
    windows: sums.windows,
    eventsSeen: sums.eventsB,
    expectedAtBoundary,
    isReady,
    isDecided: isReady && (isPromotion ? upper < delta : lower > delta),
  }
}

/** δ of the question: how much worse the candidate would be at the boundary. */
export function deltaOf({ delta, mode, margin }: LawOptions): number {
  return delta ?? (mode === 'promote' ? margin : 0)
}

/** Variance of the difference by the law's rule; at least one window. */
export function lawVariance(sums: CanarySums, options: LawOptions): number {
  const rateA = championRate(sums)
  const pooled = (sums.weightedRatePooled + 0.5) / (sums.weight + 1)
  const nullRateB =
    options.mode === 'promote' ? Math.min(1, rateA + deltaOf(options)) : Math.max(rateA, pooled)
  return Math.max(betweenWindows(sums), binomial(sums, rateA, nullRateB))
}

/** Half-width at information V (one over the variance of the difference). */
export function confidenceSequence(information: number, margin: number, alpha: number): number {
  const inflated = information * tuning(margin, alpha) + 1
  return Math.sqrt(
    ((2 * inflated) / (information * (inflated - 1))) * Math.log(Math.sqrt(inflated) / (2 * alpha)),
  )
}

/** r²: puts the sharpest point at V₀ = (3/margin)² (Waudby-Smith et al. 2024, appendix on choosing ρ). */
function tuning(margin: number, alpha: number): number {
  const log = -2 * Math.log(2 * alpha)
  return (log + Math.log(1 + log)) / (9 / (margin * margin))
}

/** Half an event in one request is added, so that a champion without events still has a variance. */
function championRate(sums: CanarySums): number {
  return (sums.weightedRateA + 0.5) / (sums.weight + 1)
}

function differenceOf(sums: CanarySums): number {
  return sums.windows === 0 ? 0 : sums.weightedDifference / sums.weight
}

function betweenWindows(sums: CanarySums): number {
  if (sums.windows < 2) return 0
  const difference = differenceOf(sums)
  const squares =
    sums.squaredWeightDifferenceSquared -
    2 * difference * sums.squaredWeightDifference +
    difference * difference * sums.squaredWeight
  return ((sums.windows / (sums.windows - 1)) * Math.max(0, squares)) / (sums.weight * sums.weight)
}

function binomial(sums: CanarySums, rateA: number, rateB: number): number {
  const spread = rateB * (1 - rateB) * sums.squaredWeightPerB + rateA * (1 - rateA) * sums.squaredWeightPerA
  return spread / (sums.weight * sums.weight)
}

function requireOptions({ margin, alpha, delta }: LawOptions): void {
  requirePositive('margin', margin)
  requireOpenUnit('alpha', alpha)
  if (alpha >= 0.5) throw new RangeError(`alpha is one-sided and must be below one half, not ${alpha}`)
  if (delta !== undefined) requireUnit('delta', delta)
}

function requireArm(name: string, arm: ArmCount): void {
  requireCount(`${name}.n`, arm.n)
  requireCount(`${name}.events`, arm.events)
  if (arm.events > arm.n)
    throw new RangeError(`${name}: ${arm.events} events cannot come from ${arm.n} requests`)
}
