import type { Measurement } from '../../contracts/index.ts'
import { newcombe, trimmedInterval } from '../../stats/index.ts'
import { goalNotes, grouped, intervalText, measured, percent, rounded, statusOf } from '../judging.ts'
import type { Judgement } from '../lab.ts'
import type { CostPlan } from './plan.ts'
import { costPairsWanted, costRatio, meansOf } from './ratio.ts'
import type { CostBlock } from './raw.ts'

/** A ratio of compute says nothing of cost when answers are missing: a version that fails fast would look cheap. */
const LEAST_ANSWERED = 0.95

/**
 * Now and then one replica shares its processor with somebody else for a whole pair and looks half as dear again; such
 * pairs are rare, fall on either version alike, and would decide a plain mean. So a fifth is left out on either side.
 *
 * Pure: the same plan and blocks give the same judgement, offline too. */
export function analyseCost(plan: CostPlan, blocks: readonly CostBlock[]): Judgement {
  const ratios = blocks.map((block) => costRatio(block, plan))
  const usable = ratios.filter((ratio) => ratio !== null)
  const fault = faultOf(plan, blocks, usable)
  const interval = fault === undefined ? trimmedInterval(usable, plan.confidence) : null
  const measurement = measured({
    axis: 'cost',
    measure: 'compute-seconds per 1,000 answers',
    unit: 'ratio',
    better: 'lower',
    interval,
    confidence: plan.confidence,
    margin: plan.margin,
    from: `${usable.length} pairs in turn of ${plan.groups * plan.repeats} requests`,
    n: Math.max(1, usable.length),
    needs: (pairs) =>
      pairs === undefined
        ? 'A run in which both versions answer.'
        : `≈ ${grouped(pairs)} pairs would settle it if the ratio stays where it is.`,
  })
  const details = detailsOf(plan, blocks, ratios)
  if (fault !== undefined) return { status: 'invalid', summary: fault, measurements: [measurement], details }
  return {
    status: statusOf([measurement], plan.goal),
    summary: summaryOf(plan, measurement, usable.length),
    measurements: [measurement],
    details,
  }
}

function faultOf(plan: CostPlan, blocks: readonly CostBlock[], usable: readonly number[]) {
  const wanted = costPairsWanted(plan, blocks)
  if (blocks.length !== wanted)
    return `${blocks.length} pairs were measured where the plan asks for ${wanted}.`
  const isWhole = blocks.every(({ halves }) =>
    (['champion', 'candidate'] as const).every((arm) =>
      halves.some((half) => half.arm === arm && half.computeMs.length === plan.groups * plan.repeats),
    ),
  )
  if (!isWhole) return 'A pair does not hold both versions with the planned requests.'
  for (const arm of ['champion', 'candidate'] as const) {
    const { answered, failed } = tally(blocks, arm)
    if (answered < LEAST_ANSWERED * (answered + failed))
      return `The ${arm} answered only ${percent(answered / (answered + failed))}; cost is not compared below ${percent(LEAST_ANSWERED, 0)}.`
  }
  return usable.length < 2
    ? 'The versions report no compute time, so there is nothing to compare.'
    : undefined
}

function tally(blocks: readonly CostBlock[], arm: 'champion' | 'candidate') {
  const halves = blocks.flatMap((block) => block.halves).filter((half) => half.arm === arm)
  const all = halves.flatMap((half) => half.computeMs)
  const answered = all.filter((value) => value !== null).length
  return { answered, failed: all.length - answered }
}

function detailsOf(plan: CostPlan, blocks: readonly CostBlock[], ratios: readonly (number | null)[]) {
  const champion = tally(blocks, 'champion')
  const candidate = tally(blocks, 'candidate')
  const trials = (counts: { answered: number; failed: number }) => ({
    successes: counts.failed,
    n: counts.answered + counts.failed,
  })
  const isMeasured = trials(champion).n > 0 && trials(candidate).n > 0
  const failures = isMeasured ? newcombe(trials(champion), trials(candidate), plan.confidence) : null
  return {
    /** ms per answer are seconds per 1,000 answers. */
    computeSecondsPer1000: {
      champion: overall(plan, blocks, 'champion'),
      candidate: overall(plan, blocks, 'candidate'),
    },
    usdPer1000: usdOf(plan, blocks),
    price:
      plan.pricePerCoreHourUsd === null
        ? 'no price given: compute-seconds only'
        : `$${plan.pricePerCoreHourUsd} per core-hour`,
    answers: { champion, candidate },
    failedDifference:
      failures === null
        ? null
        : {
            estimate: rounded(failures.estimate),
            lower: rounded(failures.lower),
            upper: rounded(failures.upper),
          },
    pairs: ratios.map((ratio) => (ratio === null ? null : rounded(Math.expm1(ratio)))),
  }
}

function overall(plan: CostPlan, blocks: readonly CostBlock[], arm: 'champion' | 'candidate'): number | null {
  const means = blocks.map((block) => meansOf(block, plan)).filter((mean) => mean !== null)
  if (means.length === 0) return null
  return rounded(means.reduce((sum, mean) => sum + mean[arm], 0) / means.length, 5)
}

function usdOf(plan: CostPlan, blocks: readonly CostBlock[]) {
  const price = plan.pricePerCoreHourUsd
  if (price === null) return null
  const usd = (arm: 'champion' | 'candidate') => {
    const seconds = overall(plan, blocks, arm)
    return seconds === null ? null : rounded((seconds / 3600) * price, 9)
  }
  return { champion: usd('champion'), candidate: usd('candidate') }
}

function summaryOf(plan: CostPlan, measurement: Measurement, pairs: number): string {
  const parts = [
    `compute-seconds ${intervalText(measurement)} ${measurement.verdict}, ${pairs} pairs in turn`,
  ]
  if (plan.pricePerCoreHourUsd === null) parts.push('no price given')
  parts.push(...goalNotes([measurement], plan.goal))
  if (measurement.needs !== null) parts.push(measurement.needs)
  return parts.join('; ')
}
