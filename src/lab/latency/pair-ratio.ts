import { quantile } from '../../stats/index.ts'
import type { Half, PairBlock } from './raw.ts'

/** Ascending; what got no answer in time is infinite: a censored value is kept, never dropped. */
export function ascending(latencyMs: readonly (number | null)[]): number[] {
  return latencyMs.map((value) => value ?? Number.POSITIVE_INFINITY).sort((left, right) => left - right)
}

export function halvesOf(pair: PairBlock): { base: Half; other: Half } {
  const [first, second] = pair.halves
  return pair.firstIs === 'base' ? { base: first, other: second } : { base: second, other: first }
}

/** ln Q_other(p) − ln Q_base(p); not finite when a quantile lies among the censored. */
export function logRatio(pair: PairBlock, p: number): number {
  const { base, other } = halvesOf(pair)
  return Math.log(quantile(ascending(other.latencyMs), p)) - Math.log(quantile(ascending(base.latencyMs), p))
}

export function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}
