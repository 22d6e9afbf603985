import { requireAtLeast, requireFinite } from './check.ts'
import { mean, variance } from './paired-mean.ts'

export interface RepeatSpread {
  /** Variance of the items' true means: what more items average away. Never below 0. */
  readonly betweenItems: number
  /** Variance of one answer about its item's mean: what more repeats average away. */
  readonly withinItem: number
}

/**
 * Splits the spread of scores into items and sampling noise, one row of K ≥ 2 repeats an item (one-way random effects,
 * Searle 1971). More repeats pay while `withinItem / K` is large against `betweenItems`.
 */
export function repeatSpread(scores: readonly (readonly number[])[]): RepeatSpread {
  requireAtLeast('scores', scores.length, 2)
  const repeats = scores[0]!.length
  requireAtLeast('repeats', repeats, 2)
  for (const row of scores) {
    if (row.length !== repeats) throw new RangeError(`every item needs ${repeats} repeats, not ${row.length}`)
    requireFinite('scores', row)
  }
  const withinItem = mean(scores.map((row) => variance(row)))
  const ofMeans = variance(scores.map((row) => mean(row)))
  return { betweenItems: Math.max(0, ofMeans - withinItem / repeats), withinItem }
}
