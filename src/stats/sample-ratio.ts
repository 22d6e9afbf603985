import { requireAtLeast, requireCount, requirePositive } from './check.ts'
import { chiSquareTail } from './special/chi-square.ts'

export interface SampleRatio {
  readonly chiSquare: number
  readonly df: number
  /** Below .001 the split is broken and the experiment with it (Fabijan et al. 2019). */
  readonly pValue: number
}

/**
 * Does the observed split of units match the intended one? Pearson's chi-square over the versions.
 * @param observed units per version. @param intended shares or weights per version, in the same order, all positive.
 */
export function sampleRatio(observed: readonly number[], intended: readonly number[]): SampleRatio {
  requireAtLeast('observed', observed.length, 2)
  if (observed.length !== intended.length)
    throw new RangeError(`${observed.length} versions need as many shares, not ${intended.length}`)
  for (const count of observed) requireCount('observed', count)
  for (const share of intended) requirePositive('intended', share)
  const units = observed.reduce((sum, count) => sum + count, 0)
  const whole = intended.reduce((sum, share) => sum + share, 0)
  if (units === 0) throw new RangeError('a split of no units cannot be judged')
  let chiSquare = 0
  for (const [index, count] of observed.entries()) {
    const expected = (units * intended[index]!) / whole
    chiSquare += (count - expected) ** 2 / expected
  }
  const df = observed.length - 1
  return { chiSquare, df, pValue: chiSquareTail(chiSquare, df) }
}
