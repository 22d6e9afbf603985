import { requirePositiveCount, requireUnit } from './check.ts'
import { twoSidedNormal } from './proportion.ts'
import type { Estimate } from './types.ts'

export interface ImperfectJudge {
  /** Share of true passes the judge passes, from `positives` items that people labelled as passes. */
  readonly sensitivity: number
  readonly positives: number
  /** Share of true failures the judge fails, from `negatives` items that people labelled as failures. */
  readonly specificity: number
  readonly negatives: number
}

/** Below this Se + Sp − 1 a judge says next to nothing, and dividing by it would say anything. */
const LEAST_YOUDEN = 0.2

/**
 * The true rate behind the rate a judge with known errors reports (Rogan, Gladen 1978), with the judge's own
 * uncertainty in the standard error (Lang, Reiczigel 2014). Cut to [0, 1].
 * Throws RangeError when Se + Sp − 1 < .2: such a judge cannot be corrected, only replaced.
 */
export function roganGladen(
  rate: number,
  n: number,
  judge: ImperfectJudge,
  confidence = 0.95,
): Estimate & { readonly standardError: number } {
  const { sensitivity, specificity, positives, negatives } = judge
  requireUnit('rate', rate)
  requireUnit('sensitivity', sensitivity)
  requireUnit('specificity', specificity)
  for (const [name, count] of Object.entries({ n, positives, negatives })) requirePositiveCount(name, count)
  const youden = sensitivity + specificity - 1
  if (youden < LEAST_YOUDEN)
    throw new RangeError(`a judge with Se + Sp − 1 = ${youden.toFixed(3)} is too weak to be corrected`)
  const estimate = unit((rate - (1 - specificity)) / youden)
  const variance =
    (rate * (1 - rate)) / n +
    ((1 - estimate) ** 2 * specificity * (1 - specificity)) / negatives +
    (estimate ** 2 * sensitivity * (1 - sensitivity)) / positives
  const standardError = Math.sqrt(variance) / youden
  const half = twoSidedNormal(confidence) * standardError
  return { estimate, lower: unit(estimate - half), upper: unit(estimate + half), standardError }
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value))
}
