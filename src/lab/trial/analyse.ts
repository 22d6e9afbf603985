import type { Measurement } from '../../contracts/index.ts'
import { percentileFloor, quantile, studentQuantile, tInterval } from '../../stats/index.ts'
import { intervalText, measured, rounded } from '../judging.ts'
import { standardDeviation } from '../latency/pair-ratio.ts'
import type { Rung } from '../latency/raw.ts'
import type { Block } from './block.ts'
import {
  failuresOf,
  type MetricName,
  metricNames,
  type Percentile,
  percentiles,
  valuesOf,
  withinObjective,
} from './metrics.ts'
import type { TrialPlan } from './plan.ts'
import {
  halfFault,
  halvesIn,
  kneeOfTarget,
  nextStep,
  type Pair,
  rateOf,
  rungsOf,
  soundPairs,
} from './sequence.ts'

export interface TargetReading {
  readonly name: string
  readonly kneePerSecond: number | null
  readonly offered: number
  readonly failures: Record<string, number>
  /** Share of all offered that was answered within the objective. */
  readonly goodput: number
  readonly metrics: Record<MetricName, Percentile[]>
  /** As the usage tells: mean, and its spread from least to most; null: told by none. */
  readonly inputTokens: Spread | null
  readonly outputTokens: Spread | null
}

export interface Spread {
  readonly mean: number
  readonly least: number
  readonly most: number
}

export interface TrialReading {
  readonly status: 'measured' | 'pass' | 'fail' | 'inconclusive' | 'invalid'
  readonly summary: string
  readonly ratePerSecond: number | null
  readonly targets: TargetReading[]
  readonly rungs: Rung[]
  readonly comparison: Measurement | null
  /** ± share that equal targets would differ by at this number of pairs, by the A/A pairs; null: not measured. */
  readonly noise: number | null
  readonly instrument: {
    readonly lagP99Ms: number
    readonly achieved: number
    readonly loopDelayP99Ms: number
  }
}

/** Pure: the same plan and blocks give the same reading, offline too. */
export function analyseTrial(plan: TrialPlan, blocks: readonly Block[]): TrialReading {
  const phase = plan.targets.length === 1 ? 'single' : 'ab'
  const pairs = phase === 'ab' ? soundPairs(plan, blocks, 'ab') : []
  const comparison = phase === 'ab' ? compare(plan, pairs) : null
  const halves = halvesIn(blocks, phase)
  const faults = faultsOf(plan, blocks, pairs)
  const counted = halves.filter((half) => halfFault(plan, half) === undefined)
  const base = {
    ratePerSecond: rateOf(plan, blocks),
    targets: plan.targets.map((name, target) => readTarget(plan, blocks, counted, name, target)),
    rungs: rungsOf(blocks),
    comparison,
    noise: noiseOf(plan, blocks, pairs.length),
    instrument: instrumentOf(halves),
  }
  if (faults.length > 0)
    return {
      ...base,
      status: 'invalid',
      summary: `invalid, which says nothing of a target: ${faults.join('; ')}`,
    }
  return { ...base, ...verdict(plan, comparison, base.noise, pairs) }
}

function verdict(
  plan: TrialPlan,
  comparison: Measurement | null,
  noise: number | null,
  pairs: readonly Pair[],
): Pick<TrialReading, 'status' | 'summary'> {
  if (comparison === null) return { status: 'measured', summary: 'measured; nothing to compare with' }
  const noiseText = noise === null ? '' : `; A/A noise floor ± ${(noise * 100).toFixed(1)} %`
  const needs = comparison.needs === null ? '' : `; ${comparison.needs}`
  const summary = `${comparison.measure} ${intervalText(comparison)} ${comparison.verdict} at a margin of ${plan.margin * 100} %, ${pairs.length} AB/BA pairs${noiseText}${needs}`
  if (comparison.verdict === 'inferior') return { status: 'fail', summary }
  return { status: comparison.verdict === 'inconclusive' ? 'inconclusive' : 'pass', summary }
}

function faultsOf(plan: TrialPlan, blocks: readonly Block[], pairs: readonly Pair[]): string[] {
  if (rateOf(plan, blocks) === null)
    return ['no load could be chosen: a target answers less than 90 % of single requests; give --rate']
  if (nextStep(plan, blocks) !== null) return ['it was not measured to its end; run it again to go on']
  const phase = plan.targets.length === 1 ? 'single' : 'ab'
  const enough =
    phase === 'ab'
      ? pairs.length >= plan.pairs && soundPairs(plan, blocks, 'aa').length >= plan.aaPairs
      : halvesIn(blocks, phase).filter((half) => halfFault(plan, half) === undefined).length >= plan.pairs
  if (enough) return []
  const { lagP99Ms, achieved } = instrumentOf([...halvesIn(blocks, phase), ...halvesIn(blocks, 'aa')])
  return [
    `the load client was not in time (send lag p99 ${lagP99Ms.toFixed(1)} ms, ${(achieved * 100).toFixed(0)} % of the rate): lower --rate, or use a machine with less to do`,
  ]
}

function instrumentOf(halves: readonly Block[]): TrialReading['instrument'] {
  const lags = halves
    .flatMap(({ rows }) => rows.map(({ sentMs }) => sentMs))
    .sort((left, right) => left - right)
  return {
    lagP99Ms: lags.length === 0 ? 0 : rounded(quantile(lags, 0.99), 3),
    achieved: halves.reduce((least, { achieved }) => Math.min(least, achieved), 1),
    loopDelayP99Ms: halves.reduce((most, { loopDelayP99Ms }) => Math.max(most, loopDelayP99Ms), 0),
  }
}

function readTarget(
  plan: TrialPlan,
  blocks: readonly Block[],
  halves: readonly Block[],
  name: string,
  target: number,
): TargetReading {
  const rows = halves.filter(({ step }) => step.target === target).flatMap((half) => half.rows)
  const metrics = Object.fromEntries(
    metricNames.map((metric) => [metric, percentiles(valuesOf(rows, metric), plan.confidence)]),
  ) as TargetReading['metrics']
  return {
    name,
    kneePerSecond: kneeOfTarget(plan, blocks, target),
    offered: rows.length,
    failures: failuresOf(rows),
    goodput: rows.length === 0 ? 0 : rounded(withinObjective(rows, plan.slo) / rows.length, 4),
    metrics,
    inputTokens: spreadOf(rows.map(({ inputTokens }) => inputTokens)),
    outputTokens: spreadOf(rows.map(({ outputTokens }) => outputTokens)),
  }
}

function spreadOf(counts: readonly (number | null)[]): Spread | null {
  const told = counts.filter((count) => count !== null)
  if (told.length === 0) return null
  const sum = told.reduce((total, count) => total + count, 0)
  return {
    mean: rounded(sum / told.length, 1),
    least: told.reduce((least, count) => Math.min(least, count)),
    most: told.reduce((most, count) => Math.max(most, count)),
  }
}

/** ln Q_other(p) − ln Q_base(p) of each pair. */
export function logRatios(pairs: readonly Pair[], metric: MetricName, p: number): number[] {
  return pairs.map(
    ({ base, other }) =>
      Math.log(quantile(valuesOf(other.rows, metric), p)) -
      Math.log(quantile(valuesOf(base.rows, metric), p)),
  )
}

/** The highest percentile whose floor every half reaches. Arrivals are drawn beforehand, so outcomes do not choose it. */
export function decidingQuantile(pairs: readonly Pair[]): number {
  const fewest = Math.min(...pairs.flatMap(({ base, other }) => [base.rows.length, other.rows.length]))
  return [0.95, 0.9].find((p) => fewest >= percentileFloor(p)) ?? 0.5
}

function compare(plan: TrialPlan, pairs: readonly Pair[]): Measurement {
  const p = decidingQuantile(pairs)
  const ratios = logRatios(pairs, plan.metric, p)
  const isWhole = ratios.length >= 2 && ratios.every(Number.isFinite)
  return measured({
    axis: 'latency',
    measure: `p${p * 100} ${plan.metric}`,
    unit: 'ratio',
    better: 'lower',
    interval: isWhole ? tInterval(ratios, plan.confidence) : null,
    confidence: plan.confidence,
    margin: plan.margin,
    from: `${pairs.length} AB/BA pairs`,
    n: Math.max(1, pairs.length),
    needs: (count) =>
      !isWhole
        ? 'In some pairs too many requests failed for the percentile: see the failures, then lower --rate or raise --timeout.'
        : count === undefined
          ? 'The ratio sits on the margin: no number of pairs settles it.'
          : `≈ ${count} pairs would settle it if the ratio stays where it is (--pairs ${count}).`,
  })
}

function noiseOf(plan: TrialPlan, blocks: readonly Block[], pairs: number): number | null {
  const aa = soundPairs(plan, blocks, 'aa')
  if (aa.length < 2 || pairs < 2) return null
  const ratios = logRatios(aa, plan.metric, decidingQuantile(aa)).filter(Number.isFinite)
  if (ratios.length < 2) return null
  const half = studentQuantile((1 + plan.confidence) / 2, ratios.length - 1) * standardDeviation(ratios)
  return rounded(Math.expm1(half / Math.sqrt(pairs)), 4)
}
