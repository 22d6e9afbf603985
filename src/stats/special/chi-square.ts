import { gammaTails } from './gamma.ts'
import { findRoot } from './root.ts'

/** P(X ≥ x) of the chi-square law with `df` > 0 degrees of freedom, x ≥ 0. */
export function chiSquareTail(x: number, df: number): number {
  return gammaTails(df / 2, x / 2).upper
}

/** The x with P(X ≤ x) = p, 0 < p < 1. */
export function chiSquareQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`chiSquareQuantile needs 0 < p < 1, not ${p}`)
  let high = df + 10 * Math.sqrt(2 * df) + 20
  while (gammaTails(df / 2, high / 2).lower < p) high *= 2
  return findRoot((x) => gammaTails(df / 2, x / 2).lower - p, 0, high)
}
