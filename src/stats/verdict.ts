import { requireFinite } from './check.ts'

export type AxisVerdict = 'superior' | 'non-inferior' | 'inferior' | 'inconclusive'

export interface Difference {
  /** Candidate minus champion, with its interval, all in one unit. */
  readonly estimate: number
  readonly lower: number
  readonly upper: number
  /** How much worse still counts as no worse, ≥ 0, in the same unit. */
  readonly margin: number
  readonly betterIs: 'lower' | 'higher'
}

/**
 * Reads one of four answers off an interval, never off the estimate. With gain = candidate better by so much:
 * - `superior`: the whole interval of the gain lies above 0;
 * - `inferior`: the whole interval lies below −margin (below 0 when the margin is 0);
 * - `non-inferior`: the interval lies above −margin, though not above 0;
 * - `inconclusive`: the interval reaches across −margin; more data can still decide.
 * Touching a bound decides nothing. A one-sided test at α is the interval with confidence 1 − 2α.
 */
export function verdictOf(difference: Difference): AxisVerdict {
  const { estimate, lower, upper, margin, betterIs } = difference
  requireFinite('margin', [margin])
  if (margin < 0) throw new RangeError(`margin must not be negative, not ${margin}`)
  if (!(lower <= estimate && estimate <= upper))
    throw new RangeError(`an interval must hold its estimate: ${lower} ≤ ${estimate} ≤ ${upper}`)
  const [worst, best] = betterIs === 'higher' ? [lower, upper] : [-upper, -lower]
  if (worst > 0) return 'superior'
  if (best < -margin) return 'inferior'
  return worst > -margin ? 'non-inferior' : 'inconclusive'
}

/**
 * How many observations would settle an inconclusive difference if its estimate stayed where it is: the interval
 * shrinks with 1/√n until it no longer reaches across −margin. Undefined when the estimate sits on −margin itself,
 * where no number of observations settles anything. The present `n` when it is settled already.
 */
export function settlesAt(difference: Difference, n: number): number | undefined {
  if (!(n >= 1)) throw new RangeError(`n must be at least one, not ${n}`)
  if (verdictOf(difference) !== 'inconclusive') return n
  const { estimate, lower, upper, margin, betterIs } = difference
  const gain = betterIs === 'higher' ? estimate : -estimate
  const distance = gain + margin
  if (distance === 0) return undefined
  // The side of the interval that must stop reaching across.
  const [worse, better] =
    betterIs === 'higher' ? [estimate - lower, upper - estimate] : [upper - estimate, estimate - lower]
  const side = distance > 0 ? worse : better
  return Math.max(n, Math.floor(n * (side / distance) ** 2) + 1)
}
