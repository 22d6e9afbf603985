import { requireAtLeast, requireFinite, requireOpenUnit } from './check.ts'
import { studentQuantile } from './special/student-t.ts'
import type { Estimate } from './types.ts'

export interface MeanEstimate extends Estimate {
  readonly standardError: number
  /** Degrees of freedom of the t law behind the interval. */
  readonly df: number
}

/**
 * Student's interval of the mean of paired differences, in their unit. At least two finite values.
 * Also the deciding interval of latency: one log-ratio a block pair, so that dependence inside a block does no harm.
 */
export function tInterval(differences: readonly number[], confidence = 0.95): MeanEstimate {
  requireAtLeast('differences', differences.length, 2)
  requireFinite('differences', differences)
  const n = differences.length
  const estimate = mean(differences)
  const standardError = Math.sqrt(variance(differences, estimate) / n)
  return around(estimate, standardError, n - 1, confidence)
}

export function around(
  estimate: number,
  standardError: number,
  df: number,
  confidence: number,
): MeanEstimate {
  requireOpenUnit('confidence', confidence)
  const half = -studentQuantile((1 - confidence) / 2, df) * standardError
  return { estimate, lower: estimate - half, upper: estimate + half, standardError, df }
}

export function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** Sample variance with n − 1. */
export function variance(values: readonly number[], centre = mean(values)): number {
  let sum = 0
  for (const value of values) sum += (value - centre) ** 2
  return sum / (values.length - 1)
}
