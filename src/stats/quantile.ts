import { requireAtLeast, requireOpenUnit, requirePositiveCount, requireUnit } from './check.ts'
import { binomialCdf } from './special/binomial.ts'
import { smallestWhole } from './special/root.ts'
import type { Estimate } from './types.ts'

/**
 * Quantile of ascending values by linear interpolation (type 7 of Hyndman, Fan 1996, the default of NumPy and R).
 * @param p in [0, 1].
 */
export function quantile(sorted: readonly number[], p: number): number {
  requireAtLeast('sorted', sorted.length, 1)
  requireUnit('p', p)
  const position = (sorted.length - 1) * p
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  // An infinite value is a timeout that was kept as censored; interpolating towards it would make NaN.
  return position === below || low === high ? low : low + (position - below) * (high - low)
}

/**
 * The fewest values for which the quantile `p` has a finite two-sided interval; below it the quantile is not worth
 * printing. 95 %: p90 36, p95 72, p99 368, p99.9 3,688.
 */
export function percentileFloor(p: number, confidence = 0.95): number {
  requireOpenUnit('p', p)
  requireOpenUnit('confidence', confidence)
  return Math.ceil(Math.log((1 - confidence) / 2) / Math.log(Math.max(p, 1 - p)))
}

/**
 * Ranks (1-based) of the order statistics that enclose the quantile with at least `confidence`, whatever the
 * distribution; undefined below the floor.
 */
export function quantileRanks(
  n: number,
  p: number,
  confidence = 0.95,
): { lower: number; upper: number } | undefined {
  requirePositiveCount('n', n)
  requireOpenUnit('p', p)
  requireOpenUnit('confidence', confidence)
  const tail = (1 - confidence) / 2
  const above = smallestWhole((rank) => binomialCdf(rank - 1, n, p) > tail, 1, n + 1) ?? n + 1
  const lower = above - 1
  const upper = smallestWhole((rank) => binomialCdf(rank - 1, n, p) >= 1 - tail, 1, n)
  return lower < 1 || upper === undefined ? undefined : { lower, upper }
}

/** The quantile of ascending values with its distribution-free interval; undefined below `percentileFloor`. */
export function quantileInterval(
  sorted: readonly number[],
  p: number,
  confidence = 0.95,
): Estimate | undefined {
  const ranks = quantileRanks(sorted.length, p, confidence)
  if (ranks === undefined) return undefined
  return { estimate: quantile(sorted, p), lower: sorted[ranks.lower - 1]!, upper: sorted[ranks.upper - 1]! }
}

/**
 * The fewest queries that can show a latency bound at quantile `p` when `over` of them exceed it: the early-stopping
 * rule of MLPerf LoadGen, P[Bin(n, 1 − p) ≤ over] ≤ 1 − confidence. With one over, .99: p90 64, p95 130, p99 662.
 */
export function minimumQueries(p: number, options: { confidence?: number; over?: number } = {}): number {
  const { confidence = 0.99, over = 1 } = options
  requireOpenUnit('p', p)
  requireOpenUnit('confidence', confidence)
  const enough = (n: number) => binomialCdf(over, n, 1 - p) <= 1 - confidence
  let most = over + 1
  while (!enough(most)) most *= 2
  return smallestWhole(enough, over + 1, most) ?? most
}
