import type { TextStats, TextTotals } from '../../../../../src/contracts/index.ts'
import { counted, grouped, percent } from '../../../format/numbers.ts'

/** `$0.0123`, `$4.20`, `$1,204`: three digits that say something, never more than are known. */
export function dollarsText(costUsd: string): string {
  const value = Number(costUsd)
  if (value === 0) return '$0'
  if (value >= 100) return `$${grouped(value)}`
  return `$${value >= 1 ? value.toFixed(2) : Number(value.toPrecision(3)).toFixed(Math.min(9, 2 - Math.floor(Math.log10(value))))}`
}

const STATE_WORDS = {
  exact: 'exact',
  'provider-reported': 'told by the provider',
  estimated: 'estimated',
  unknown: 'unknown',
} as const

export interface CostWords {
  readonly state: TextTotals['costs'][number]['state']
  readonly text: string
}

/** One line a state; unknown is a number of requests, never an amount. */
export function costWords({ costs }: Pick<TextTotals, 'costs'>): CostWords[] {
  return costs.map(({ costUsd, requests, state }) => ({
    state,
    text:
      costUsd === null
        ? `unknown for ${counted(requests, 'request')}`
        : `${dollarsText(costUsd)} ${STATE_WORDS[state]}`,
  }))
}

/** "answered 98 %, refused 1 %, …": how requests ended, best first. */
export function outcomeWords({ outcomes, requests }: Pick<TextTotals, 'outcomes' | 'requests'>): string {
  if (requests === 0) return 'none asked'
  return OUTCOMES.filter(([outcome]) => (outcomes[outcome] ?? 0) > 0)
    .map(([outcome, words]) => `${words} ${percent((outcomes[outcome] ?? 0) / requests)}`)
    .join(', ')
}

const OUTCOMES = [
  ['ok', 'answered'],
  ['cancelled', 'left'],
  ['client_error', 'asked wrongly'],
  ['refused', 'refused'],
  ['timeout', 'timed out'],
  ['error', 'failed'],
] as const

/** Codes of what was not answered, most frequent first. */
export function codeWords(codes: Readonly<Record<string, number>>, most = 6): string {
  const sorted = Object.entries(codes).sort(([, left], [, right]) => right - left)
  const shown = sorted.slice(0, most).map(([code, count]) => `${code} ${grouped(count)}`)
  const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0)
  return [...shown, ...(rest > 0 ? [`others ${grouped(rest)}`] : [])].join(', ')
}

/** "8,120 of 10,000 requests, 1,460,000 tokens left" */
export function headroomWords(
  headroom: TextStats['gateways'][number]['providers'][number]['accounts'][number]['headroom'],
): string {
  if (headroom.length === 0) return 'not told'
  return headroom
    .map(({ limit, remaining, what }) =>
      `${grouped(remaining)}${limit === null ? '' : ` of ${grouped(limit)}`} ${what.replaceAll('-', ' ') || 'requests'}`.trim(),
    )
    .join(', ')
}

/** Cached answers of all that looked; null where nobody did. */
export function hitShare({ cache }: Pick<TextTotals, 'cache'>): number | null {
  const hits = cache.hit + cache.stale + cache.semantic
  return hits + cache.miss === 0 ? null : hits / (hits + cache.miss)
}

/** All gateways together, this calendar month (UTC), as far as they are up and have been. */
export function monthOf(gateways: TextStats['gateways']): { answers: number; degraded: number } {
  let answers = 0
  let degraded = 0
  for (const { ladders } of gateways)
    for (const { month } of ladders) {
      answers += month.answers
      degraded += month.degraded
    }
  return { answers, degraded }
}
