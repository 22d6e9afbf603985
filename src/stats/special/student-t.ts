import { betaTails } from './beta.ts'
import { normalQuantile } from './normal.ts'
import { findRoot } from './root.ts'

/** P(T ≤ t) with `df` > 0 degrees of freedom. */
export function studentCdf(t: number, df: number): number {
  const tail = upperTail(Math.abs(t), df)
  return t > 0 ? 1 - tail : tail
}

/** P(|T| ≥ |t|), exact in the far tail. */
export function studentTwoSided(t: number, df: number): number {
  return Math.min(1, 2 * upperTail(Math.abs(t), df))
}

/** The t with P(T ≤ t) = p, 0 < p < 1, `df` > 0. */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`studentQuantile needs 0 < p < 1, not ${p}`)
  if (!(df > 0)) throw new RangeError(`degrees of freedom must be positive, not ${df}`)
  if (p === 0.5) return 0
  if (p > 0.5) return -studentQuantile(1 - p, df)
  // The t law has heavier tails than the normal, so the normal quantile is a bound from inside.
  let high = Math.max(1, -normalQuantile(p))
  while (upperTail(high, df) > p) high *= 2
  return -findRoot((t) => upperTail(t, df) - p, 0, high)
}

function upperTail(t: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`degrees of freedom must be positive, not ${df}`)
  const square = t * t
  if (square === Number.POSITIVE_INFINITY) return 0
  return betaTails(df / 2, 0.5, df / (df + square), square / (df + square)).lower / 2
}
