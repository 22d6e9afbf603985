import { percentileFloor, quantile, quantileInterval } from '../../stats/index.ts'
import { rounded } from '../judging.ts'
import type { ExchangeRow } from '../load/exchange-row.ts'
import type { TrialPlan } from './plan.ts'

export const metricNames = ['e2e', 'ttft', 'tpot', 'itl', 'maxGap'] as const
export type MetricName = (typeof metricNames)[number]

/**
 * Values of a metric, ascending, in ms. What failed is infinite for `e2e` and `ttft`: censored, never dropped. The
 * others exist only for answers that came in pieces.
 */
export function valuesOf(rows: readonly ExchangeRow[], metric: MetricName): number[] {
  return rows.flatMap((row) => valuesOfRow(row, metric)).sort((left, right) => left - right)
}

function valuesOfRow(row: ExchangeRow, metric: MetricName): readonly number[] {
  const { failure, firstMs, endMs, gapsMs, outputTokens } = row
  if (metric === 'e2e') return [failure === null ? endMs : Number.POSITIVE_INFINITY]
  if (metric === 'ttft') return [failure === null && firstMs !== null ? firstMs : Number.POSITIVE_INFINITY]
  if (failure !== null || gapsMs.length === 0) return []
  if (metric === 'itl') return gapsMs
  if (metric === 'maxGap') return [Math.max(...gapsMs)]
  // Time per token after the first; pieces may hold several tokens, so the usage counts them.
  return outputTokens === null || outputTokens < 2 ? [] : [(endMs - firstMs!) / (outputTokens - 1)]
}

/** A percentile with its distribution-free interval; null below its floor, with what it needs. Ms; null: censored. */
export interface Percentile {
  readonly p: number
  readonly n: number
  readonly needs: number
  readonly valueMs: number | null
  readonly lowerMs: number | null
  readonly upperMs: number | null
}

export const shownQuantiles = [0.5, 0.9, 0.95, 0.99, 0.999] as const

export function percentiles(sorted: readonly number[], confidence: number): Percentile[] {
  return shownQuantiles.map((p) => {
    const interval = sorted.length === 0 ? undefined : quantileInterval(sorted, p, confidence)
    const told = (value: number | undefined) =>
      value === undefined || !Number.isFinite(value) ? null : rounded(value, 3)
    return {
      p,
      n: sorted.length,
      needs: percentileFloor(p, confidence),
      valueMs: told(interval?.estimate),
      lowerMs: told(interval?.lower),
      upperMs: told(interval?.upper),
    }
  })
}

/** Requests that were answered within the objective, of all that were offered. */
export function withinObjective(rows: readonly ExchangeRow[], slo: TrialPlan['slo']): number {
  const { ttftMs, e2eMs } = slo
  return rows.filter(
    ({ failure, firstMs, endMs }) =>
      failure === null &&
      (ttftMs === null || (firstMs !== null && firstMs <= ttftMs)) &&
      (e2eMs === null || endMs <= e2eMs),
  ).length
}

export function failuresOf(rows: readonly ExchangeRow[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const { failure, status } of rows) {
    if (failure === null) continue
    const name = failure === 'status' ? `status ${status}` : failure
    failures[name] = (failures[name] ?? 0) + 1
  }
  return failures
}

/** Quantile of ascending values, or null below the floor of the percentile or where it is censored. */
export function atFloor(sorted: readonly number[], p: number): number | null {
  if (sorted.length < percentileFloor(p)) return null
  const value = quantile(sorted, p)
  return Number.isFinite(value) ? rounded(value, 3) : null
}
