import { normalCdf, normalDensity } from '../special/normal.ts'

export interface Walk {
  /** Mean and variance of one step. */
  readonly drift: number
  readonly variance: number
  /** The height to be reached after `steps` steps: concave, may be infinite at first; `error` is its own standard deviation. */
  boundary(steps: number): { readonly height: number; readonly error: number }
}

/** Mean overshoot of a Gaussian walk over a barrier, in standard deviations of a step (Siegmund 1979). */
const OVERSHOOT = 0.5826

/**
 * Chance that a random walk has reached a moving boundary by step `steps`: the exact law of Brownian motion and the
 * boundary's tangent (Bachelier–Lévy), the tangent approximation of Jennen and Lerche (1981), with the boundary
 * raised by the overshoot because the walk is looked at once a step and not all the time. A boundary that is itself
 * estimated spreads the passage like noise of the walk.
 */
export function passageProbability(walk: Walk, steps: number): number {
  const { height, error } = walk.boundary(steps)
  if (!Number.isFinite(height)) return 0
  const spread = Math.sqrt(walk.variance)
  const before = walk.boundary(steps * 0.98).height
  const slope = Number.isFinite(before) ? (height - before) / (steps * 0.02) : 0
  const intercept = Math.max(0, height - slope * steps) + OVERSHOOT * spread
  const drift = walk.drift - slope
  const scale = Math.hypot(spread * Math.sqrt(steps), error)
  const short = (intercept - drift * steps) / scale
  const long = (intercept + drift * steps) / scale
  // e^{2·intercept·drift/variance}·Φ(−long), written so that neither factor overflows.
  return Math.min(1, normalCdf(-short) + normalDensity(short) * mills(long))
}

/** Φ(−x)/φ(x). */
function mills(x: number): number {
  if (x > 30) return (1 - 1 / (x * x)) / x
  return normalCdf(-x) / normalDensity(x)
}
