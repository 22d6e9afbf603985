import { requireOpenUnit, requirePositive, requireUnit } from '../check.ts'
import { gammaTails } from '../special/gamma.ts'
import { normalCdf, normalDensity } from '../special/normal.ts'
import { findRoot, smallestWhole } from '../special/root.ts'
import { passageProbability, type Walk } from './first-passage.ts'
import type { GuardPlan } from './guard.ts'
import { confidenceSequence, MINIMUM_EVENTS, MINIMUM_WINDOWS } from './law.ts'

export interface CanaryTraffic {
  /** Requests per second of both arms together. */
  readonly requestsPerSecond: number
  /** Share of the candidate, 0 … 1 (both ends excluded). */
  readonly share: number
  /** Bad requests per champion request. */
  readonly baseRate: number
  readonly windowSeconds: number
  /**
   * Standard deviation of an arm's own rate between windows, in events per request: what bursts add to sampling. Read
   * it off the champion's past with `rateDeviation`; 0 unless given. Where bursts are rare and large, many canaries
   * decide before the first one comes: the plan is then late rather than early.
   */
  readonly rateDeviation?: number
}

export interface CanaryPlanOptions extends CanaryTraffic, GuardPlan {
  /** How long one is ready to wait for an abort. */
  readonly detectWithinSeconds: number
}

export interface CanaryDuration {
  readonly windows: number
  readonly seconds: number
  /** Requests of both arms. */
  readonly requests: number
  readonly candidateRequests: number
}

export interface CanaryPlan {
  /** Until an equal candidate is promoted in half of all runs, and in 80 %; undefined when over a year. */
  readonly promotion: { readonly median?: CanaryDuration; readonly likely?: CanaryDuration }
  /** Smallest rise of the rate that is aborted within `detectWithinSeconds` with power ½ and .8; undefined when none is. */
  readonly detectable: { readonly median?: number; readonly likely?: number }
}

const YEAR_SECONDS = 365 * 86_400

/** What one step of a canary can promise at the traffic to be expected, before it starts. Deterministic. */
export function planCanary(options: CanaryPlanOptions): CanaryPlan {
  requirePositive('detectWithinSeconds', options.detectWithinSeconds)
  return {
    promotion: {
      ...optional('median', promotionTime(options, 0.5)),
      ...optional('likely', promotionTime(options, 0.8)),
    },
    detectable: {
      ...optional('median', detectableRise(options, options.detectWithinSeconds, 0.5)),
      ...optional('likely', detectableRise(options, options.detectWithinSeconds, 0.8)),
    },
  }
}

/** Time until an equal candidate is promoted with probability `power`; undefined when over a year. */
export function promotionTime(
  options: CanaryTraffic & Pick<GuardPlan, 'margin' | 'alphaPromote'>,
  power: number,
): CanaryDuration | undefined {
  requireTraffic(options)
  requireOpenUnit('power', power)
  return duration(options, (windows) => promotedBy(options, windows) >= power)
}

/** Time until a candidate that fails `rise` more often (events per request) is aborted with probability `power`. */
export function detectionTime(
  options: CanaryTraffic & Pick<GuardPlan, 'margin' | 'alphaAbort'>,
  rise: number,
  power: number,
): CanaryDuration | undefined {
  requireTraffic(options)
  requirePositive('rise', rise)
  requireOpenUnit('power', power)
  return duration(options, (windows) => abortedBy(options, rise, windows) >= power)
}

/** Smallest rise, in events per request, that is aborted within `seconds` with probability `power`. */
export function detectableRise(
  options: CanaryTraffic & Pick<GuardPlan, 'margin' | 'alphaAbort'>,
  seconds: number,
  power: number,
): number | undefined {
  requireTraffic(options)
  requireOpenUnit('power', power)
  const windows = Math.floor(seconds / options.windowSeconds)
  const excess = (rise: number) => abortedBy(options, rise, windows) - power
  const most = 1 - options.baseRate
  if (excess(most) < 0) return undefined
  return findRoot(excess, 1e-9, most)
}

function promotedBy(
  options: CanaryTraffic & Pick<GuardPlan, 'margin' | 'alphaPromote'>,
  windows: number,
): number {
  const arms = armsOf(options)
  const nullRate = Math.min(1, options.baseRate + options.margin)
  if (windows < arms.leastWindows || windows * arms.b * nullRate < MINIMUM_EVENTS) return 0
  // The walk is Σ(δ − D): an equal candidate climbs by the margin a window.
  const walk: Walk = {
    drift: options.margin,
    variance: arms.spread(options.baseRate, options.baseRate),
    boundary(steps) {
      const rateA = arms.smoothed(options.baseRate, steps)
      const nullVariance = arms.binomial(rateA, Math.min(1, rateA + options.margin))
      const seen = (below: number) => {
        const rate = options.baseRate + options.margin - below
        return largerVariance(nullVariance, arms.spread(options.baseRate, rate), steps)
      }
      return boundary(options, options.alphaPromote, seen, nullRate, steps)
    },
  }
  return passageProbability(walk, windows)
}

function abortedBy(
  options: CanaryTraffic & Pick<GuardPlan, 'margin' | 'alphaAbort'>,
  rise: number,
  windows: number,
): number {
  const arms = armsOf(options)
  const rate = Math.min(1, options.baseRate + rise)
  if (windows < arms.leastWindows) return 0
  const walk: Walk = {
    drift: rise,
    variance: arms.spread(options.baseRate, rate),
    boundary(steps) {
      const seen = (above: number) => {
        const rateA = arms.smoothed(options.baseRate, steps)
        const pooled = arms.smoothed(options.baseRate + options.share * above, steps)
        return largerVariance(
          arms.binomial(rateA, pooled),
          arms.spread(options.baseRate, options.baseRate + above),
          steps,
        )
      }
      return boundary(options, options.alphaAbort, seen, 1 - options.baseRate, steps)
    },
  }
  const enoughEvents = gammaTails(MINIMUM_EVENTS, windows * arms.b * rate).lower
  return Math.min(passageProbability(walk, windows), enoughEvents)
}

/**
 * Height of the law's bound in Σ over `steps` windows. The law uses the variance it sees, and a candidate that has
 * shown more events shows more variance too; so the height is where both agree. Infinite when out of reach.
 */
function boundary(
  { margin }: { readonly margin: number },
  alpha: number,
  seen: (difference: number) => Moments,
  most: number,
  steps: number,
): { height: number; error: number } {
  const short = (difference: number) =>
    difference - confidenceSequence(steps / seen(difference).mean, margin, alpha)
  if (short(most) <= 0) return { height: Number.POSITIVE_INFINITY, error: 0 }
  const difference = findRoot(short, 0, most)
  const variance = seen(difference)
  // The half-width goes about with the root of the variance.
  return {
    height: steps * difference,
    error: (steps * difference * variance.deviation) / (2 * variance.mean),
  }
}

interface Moments {
  readonly mean: number
  readonly deviation: number
}

/**
 * The law takes the larger of two variances, and the one observed between windows is a sample variance: with relative
 * deviation √(2/(k − 1)) it exceeds the other more often than its mean tells. Moments of max(c, N(m, s²)).
 */
function largerVariance(binomial: number, between: number, windows: number): Moments {
  const spread = between * Math.sqrt(2 / Math.max(1, windows - 1))
  if (spread === 0) return { mean: Math.max(binomial, between), deviation: 0 }
  const z = (between - binomial) / spread
  const [over, density] = [normalCdf(z), normalDensity(z)]
  const mean = binomial * (1 - over) + between * over + spread * density
  const square =
    binomial * binomial * (1 - over) +
    (between * between + spread * spread) * over +
    spread * (between + binomial) * density
  return { mean, deviation: Math.sqrt(Math.max(0, square - mean * mean)) }
}

interface Arms {
  readonly b: number
  /** Windows that pass before ten of them hold requests of both arms. */
  readonly leastWindows: number
  /** A rate as the law estimates it after so many windows: with half an event in one request added. */
  smoothed(rate: number, windows: number): number
  /** Binomial variance of one window's difference. */
  binomial(rateA: number, rateB: number): number
  /** The same with what bursts add to either arm. */
  spread(rateA: number, rateB: number): number
}

function armsOf(options: CanaryTraffic): Arms {
  const requests = options.requestsPerSecond * options.windowSeconds
  const b = requests * options.share
  const a = requests - b
  const weight = (a * b) / requests
  const bursts = 2 * (options.rateDeviation ?? 0) ** 2
  const binomial = (rateA: number, rateB: number) => (rateA * (1 - rateA)) / a + (rateB * (1 - rateB)) / b
  return {
    b,
    leastWindows: MINIMUM_WINDOWS / (-Math.expm1(-a) * -Math.expm1(-b)),
    smoothed: (rate, windows) => (rate * weight * windows + 0.5) / (weight * windows + 1),
    binomial,
    spread: (rateA, rateB) => binomial(rateA, rateB) + bursts,
  }
}

function duration(options: CanaryTraffic, holds: (windows: number) => boolean): CanaryDuration | undefined {
  const windows = smallestWhole(holds, 1, Math.floor(YEAR_SECONDS / options.windowSeconds))
  if (windows === undefined) return undefined
  const seconds = windows * options.windowSeconds
  const requests = seconds * options.requestsPerSecond
  return { windows, seconds, requests, candidateRequests: requests * options.share }
}

function requireTraffic(options: CanaryTraffic): void {
  requirePositive('requestsPerSecond', options.requestsPerSecond)
  requirePositive('windowSeconds', options.windowSeconds)
  requireOpenUnit('share', options.share)
  requireUnit('baseRate', options.baseRate)
  requireUnit('rateDeviation', options.rateDeviation ?? 0)
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V })
}
