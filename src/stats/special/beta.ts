import { deviance, logGamma, stirlingError } from './gamma.ts'
import { findRoot } from './root.ts'

const TINY = 1e-300
const MAX_TERMS = 200_000

/** Both tails of the regularised incomplete beta function. `lower` = I_x(a, b). Pass y = 1 − x when x is close to 1. */
export function betaTails(a: number, b: number, x: number, y = 1 - x): { lower: number; upper: number } {
  if (!(a > 0) || !(b > 0)) throw new RangeError(`betaTails needs a, b > 0, not ${a} and ${b}`)
  if (!(x >= 0 && x <= 1)) throw new RangeError(`betaTails needs x in [0, 1], not ${x}`)
  if (x === 0) return { lower: 0, upper: 1 }
  if (y === 0) return { lower: 1, upper: 0 }
  const kernel = betaKernel(a, b, x, y)
  if (x < (a + 1) / (a + b + 2)) {
    const lower = Math.min(1, (kernel / a) * fraction(a, b, x))
    return { lower, upper: 1 - lower }
  }
  const upper = Math.min(1, (kernel / b) * fraction(b, a, y))
  return { lower: 1 - upper, upper }
}

/** The x with I_x(a, b) = p, relative error ≈ 1e-13. */
export function betaQuantile(a: number, b: number, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`betaQuantile needs p in [0, 1], not ${p}`)
  if (p === 0 || p === 1) return p
  // Solved on ln x or ln(1 − x), whichever half holds the root, so that tiny roots keep their digits.
  if (betaTails(a, b, 0.5).lower >= p) return smallQuantile((x) => betaTails(a, b, x).lower - p)
  return 1 - smallQuantile((y) => betaTails(a, b, 1 - y, y).upper - (1 - p))
}

/** ln B(a, b), free of cancellation for large arguments. */
export function logBeta(a: number, b: number): number {
  if (Math.min(a, b) < 10) return logGamma(a) + logGamma(b) - logGamma(a + b)
  const sum = a + b
  return (
    0.5 * Math.log((2 * Math.PI * sum) / (a * b)) +
    a * Math.log(a / sum) +
    b * Math.log(b / sum) +
    stirlingError(a) +
    stirlingError(b) -
    stirlingError(sum)
  )
}

/** xᵃ yᵇ / B(a, b) in saddle-point form. */
function betaKernel(a: number, b: number, x: number, y: number): number {
  const sum = a + b
  const exponent =
    stirlingError(sum) - stirlingError(a) - stirlingError(b) - deviance(a, sum * x) - deviance(b, sum * y)
  return Math.sqrt((a * b) / (2 * Math.PI * sum)) * Math.exp(exponent)
}

function smallQuantile(excess: (x: number) => number): number {
  const underflow = Math.log(Number.MIN_VALUE) + 1
  if (excess(Math.exp(underflow)) >= 0) return 0
  return Math.exp(findRoot((logX) => excess(Math.exp(logX)), underflow, Math.log(0.5)))
}

/** Lentz's continued fraction of the incomplete beta function (DLMF 8.17.22). */
function fraction(a: number, b: number, x: number): number {
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1))
  let h = d
  for (let m = 1; m < MAX_TERMS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d)
    c = nonZero(1 + even / c)
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d)
    c = nonZero(1 + odd / c)
    const step = d * c
    h *= step
    if (Math.abs(step - 1) < 4e-16) break
  }
  return h
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}
