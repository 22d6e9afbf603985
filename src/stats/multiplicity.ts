import { requireUnit } from './check.ts'

/**
 * Holm's (1979) adjusted p-values in the order given: rejecting those ≤ α keeps the chance of any false rejection
 * at α. For guards and gates.
 */
export function holm(pValues: readonly number[]): number[] {
  const count = pValues.length
  let highest = 0
  return adjust(pValues, ascending(pValues), (p, rank) => {
    highest = Math.max(highest, Math.min(1, p * (count - rank)))
    return highest
  })
}

/**
 * Benjamini and Hochberg's (1995) adjusted p-values in the order given: rejecting those ≤ q keeps the expected share
 * of false rejections at q. For slices, where one looks for what to read next.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const count = pValues.length
  let lowest = 1
  return adjust(pValues, ascending(pValues).reverse(), (p, rank) => {
    lowest = Math.min(lowest, p * (count / (count - rank)))
    return lowest
  })
}

function adjust(
  pValues: readonly number[],
  order: readonly number[],
  next: (p: number, rank: number) => number,
): number[] {
  const adjusted = new Array<number>(pValues.length)
  for (const [rank, index] of order.entries()) adjusted[index] = next(pValues[index]!, rank)
  return adjusted
}

function ascending(pValues: readonly number[]): number[] {
  for (const p of pValues) requireUnit('p-value', p)
  return [...pValues.keys()].sort((left, right) => pValues[left]! - pValues[right]!)
}
