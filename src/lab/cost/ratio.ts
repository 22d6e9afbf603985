import { quantile } from '../../stats/index.ts'
import type { CostBlock } from './raw.ts'

/** Mean compute per answer of both sides of a pair, ms, each value counted at most at the pair's pooled quantile. */
export function meansOf(block: CostBlock, winsorAt: number): { champion: number; candidate: number } | null {
  const side = (arm: 'champion' | 'candidate') =>
    block.halves.find((half) => half.arm === arm)?.computeMs ?? []
  const champion = side('champion')
  const candidate = side('candidate')
  if (champion.length === 0 || candidate.length === 0) return null
  const sorted = [...champion, ...candidate].sort((left, right) => left - right)
  const cap = quantile(sorted, winsorAt)
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + Math.min(value, cap), 0) / values.length
  return { champion: mean(champion), candidate: mean(candidate) }
}

/** ln of candidate over champion; null when a side has no answers or took no time. */
export function costRatio(block: CostBlock, winsorAt: number): number | null {
  const means = meansOf(block, winsorAt)
  if (means === null || means.champion <= 0 || means.candidate <= 0) return null
  return Math.log(means.candidate / means.champion)
}
