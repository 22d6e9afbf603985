import {
  detectableRatio,
  percentileFloor,
  quantile,
  quantileInterval,
  ratioHalfWidth,
} from '../../stats/index.ts'
import { rounded } from '../judging.ts'
import type { InstrumentReading } from './instrument.ts'
import { kneeOf } from './ladder.ts'
import { ascending, halvesOf, logRatio, standardDeviation } from './pair-ratio.ts'
import type { LatencyPlan } from './plan.ts'
import type { Arm, LatencyRaw } from './raw.ts'

/** What the A/A pairs tell: how far apart equal versions look, and what is found after the planned pairs. */
export function noiseFloor(
  plan: LatencyPlan,
  raw: LatencyRaw,
): { spread: number; noise: number; detectable: number } | null {
  const ratios = raw.aa.map((pair) => logRatio(pair, plan.quantile))
  // Fewer than planned would be a guess of a spread from next to nothing.
  if (ratios.length < plan.aaPairs || !ratios.every(Number.isFinite)) return null
  const spread = standardDeviation(ratios)
  if (spread === 0) return null
  const pairs = Math.max(plan.pairs, raw.ab.length)
  return {
    spread: rounded(spread),
    noise: rounded(ratioHalfWidth(pairs, spread, plan.confidence)),
    detectable: rounded(detectableRatio(pairs, spread)),
  }
}

/** For pages: ladder, noise floor, percentiles, curve, pairs, the instrument. Not judged. */
export function latencyDetails(
  plan: LatencyPlan,
  raw: LatencyRaw,
  instrument: InstrumentReading,
): Record<string, unknown> {
  const sorted = { champion: pooled(raw, 'base'), candidate: pooled(raw, 'other') }
  return {
    ratePerSecond: raw.ladder.ratePerSecond,
    ladder: raw.ladder.rungs,
    knee: {
      champion: kneeOf(raw.ladder.rungs, 'champion', plan.ladder),
      candidate: kneeOf(raw.ladder.rungs, 'candidate', plan.ladder),
    },
    noiseFloor: noiseFloor(plan, raw),
    percentiles: {
      champion: percentilesOf(sorted.champion),
      candidate: percentilesOf(sorted.candidate),
    },
    curve: CURVE.map((p) => [p, at(sorted.champion, p), at(sorted.candidate, p)]),
    pairs: raw.ab.map((pair) => ({
      firstIs: pair.firstIs,
      ratio: finiteOrNull(Math.expm1(logRatio(pair, plan.quantile))),
    })),
    failures: { champion: failuresOf(raw, 'champion'), candidate: failuresOf(raw, 'candidate') },
    queueMs: { champion: meanOf(raw, 'champion', 'queueMs'), candidate: meanOf(raw, 'candidate', 'queueMs') },
    computeMs: {
      champion: meanOf(raw, 'champion', 'computeMs'),
      candidate: meanOf(raw, 'candidate', 'computeMs'),
    },
    instrument,
  }
}

const SHOWN = [0.5, 0.9, 0.95, 0.99, 0.999]
const CURVE = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99]

function pooled(raw: LatencyRaw, side: 'base' | 'other'): number[] {
  return ascending(raw.ab.flatMap((pair) => halvesOf(pair)[side].latencyMs))
}

/** Below its floor a percentile is not told, only what it needs. */
function percentilesOf(sorted: readonly number[]) {
  return SHOWN.map((p) => {
    const interval = sorted.length === 0 ? undefined : quantileInterval(sorted, p)
    if (interval === undefined) return { p, ms: null, needs: percentileFloor(p) }
    return {
      p,
      ms: finiteOrNull(interval.estimate, 3),
      lowerMs: finiteOrNull(interval.lower, 3),
      upperMs: finiteOrNull(interval.upper, 3),
    }
  })
}

function at(sorted: readonly number[], p: number): number | null {
  return sorted.length === 0 ? null : finiteOrNull(quantile(sorted, p), 3)
}

function finiteOrNull(value: number, digits = 6): number | null {
  return Number.isFinite(value) ? rounded(value, digits) : null
}

function failuresOf(raw: LatencyRaw, arm: Arm): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const half of raw.ab.flatMap(({ halves }) => halves).filter((half) => half.arm === arm)) {
    for (const [name, count] of Object.entries(half.failures)) counts[name] = (counts[name] ?? 0) + count
  }
  return counts
}

function meanOf(raw: LatencyRaw, arm: Arm, field: 'queueMs' | 'computeMs'): number | null {
  const values = raw.ab
    .flatMap(({ halves }) => halves)
    .filter((half) => half.arm === arm)
    .map((half) => half[field])
    .filter((value) => value !== null)
  return values.length === 0
    ? null
    : rounded(values.reduce((sum, value) => sum + value, 0) / values.length, 4)
}
