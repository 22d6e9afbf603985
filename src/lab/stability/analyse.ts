import type { Measurement } from '../../contracts/index.ts'
import { clusteredMean, pairedDifference, wilson } from '../../stats/index.ts'
import { goalNotes, grouped, intervalText, measured, percent, rounded, statusOf } from '../judging.ts'
import type { Judgement } from '../lab.ts'
import type { StabilityPlan } from './plan.ts'
import type { NoisyItem, RepeatBlock, StabilityRaw } from './raw.ts'

/** Pure: the same plan and blocks give the same judgement, offline too. */
export function analyseStability(plan: StabilityPlan, raw: StabilityRaw): Judgement {
  const noise = noiseOf(
    plan,
    raw.noise.flatMap((block) => block.items),
  )
  const repeats = repeatsOf(raw.repeats)
  const details = { noise: noise.details, repeats: repeats.details }
  const noiseMeasurement = plan.noise.items === 0 ? null : measureNoise(plan, noise)
  const repeatMeasurement = measureRepeats(plan, repeats, noiseMeasurement === null)
  const measurements = [noiseMeasurement, repeatMeasurement].filter((item) => item !== null)
  const fault = faultOf(plan, raw, noise, repeats)
  if (fault !== undefined) return { status: 'invalid', summary: fault, measurements, details }
  return {
    status: statusOf(measurements, plan.goal),
    summary: summaryOf(plan, measurements, noise, repeats),
    measurements,
    details,
  }
}

type Arm = 'champion' | 'candidate'

interface Noise {
  readonly scored: number
  readonly rate: Record<Arm, number>
  /** Candidate flip minus champion flip, −1, 0 or 1, per noisy copy, with its item. */
  readonly differences: number[]
  readonly clusters: number[]
  readonly details: Record<string, unknown>
}

/** A flip: a noisy copy is answered otherwise than its clean original, by the same version. */
function noiseOf(plan: StabilityPlan, items: readonly NoisyItem[]): Noise {
  const differences: number[] = []
  const clusters: number[] = []
  const flips = { champion: 0, candidate: 0 }
  const byKind = plan.noise.kinds.map((kind) => ({ kind, n: 0, champion: 0, candidate: 0 }))
  for (const [cluster, item] of items.entries()) {
    for (const [index, kind] of byKind.entries()) {
      const champion = flipOf(item.champion, index)
      const candidate = flipOf(item.candidate, index)
      if (champion === null || candidate === null) continue
      differences.push(candidate - champion)
      clusters.push(cluster)
      flips.champion += champion
      flips.candidate += candidate
      kind.n++
      kind.champion += champion
      kind.candidate += candidate
    }
  }
  const n = differences.length
  const rate = { champion: flips.champion / Math.max(1, n), candidate: flips.candidate / Math.max(1, n) }
  return {
    scored: n,
    rate,
    differences,
    clusters,
    details: {
      items: items.length,
      copies: items.length * plan.noise.kinds.length,
      scored: n,
      flips,
      flipRate: { champion: rounded(rate.champion), candidate: rounded(rate.candidate) },
      byKind,
    },
  }
}

function flipOf(answers: NoisyItem[Arm], index: number): 0 | 1 | null {
  const noisy = answers.noisy[index] ?? null
  if (answers.clean === null || noisy === null) return null
  return noisy === answers.clean ? 0 : 1
}

function measureNoise(plan: StabilityPlan, noise: Noise): Measurement {
  const distinct = new Set(noise.clusters).size
  const interval = distinct < 2 ? null : flipInterval(plan, noise, distinct)
  return measured({
    axis: 'stability',
    measure: 'flips under noise',
    unit: 'pp',
    better: 'lower',
    interval,
    confidence: plan.confidence,
    margin: plan.margin,
    from: `${grouped(noise.scored)} noisy copies of ${grouped(distinct)} items`,
    n: Math.max(1, distinct),
    needs: (n) =>
      n === undefined
        ? 'Answers of both versions to noisy copies.'
        : `≈ ${grouped(n)} items would settle it.`,
  })
}

/**
 * Clustered by item. When no copy tells the versions apart the spread is zero and would claim certainty; then the score
 * interval over items stands in, as if each item were one trial.
 */
function flipInterval(plan: StabilityPlan, noise: Noise, distinct: number) {
  if (noise.differences.some((difference) => difference !== 0))
    return clusteredMean(noise.differences, noise.clusters, plan.confidence)
  return pairedDifference({ gained: 0, lost: 0, n: distinct }, plan.confidence)
}

interface Repeats {
  readonly n: number
  readonly unstable: Record<Arm, number[]>
  readonly scoredShare: number
  readonly details: Record<string, unknown>
}

/** An item is unstable in a version when two of its runs differ; an item without all answers is left out. */
function repeatsOf(blocks: readonly RepeatBlock[]): Repeats {
  const ids = blocks[0]?.ids ?? []
  const unstable: Record<Arm, number[]> = { champion: [], candidate: [] }
  const firstDifference: Record<Arm, Record<string, number>> = { champion: {}, candidate: {} }
  let n = 0
  for (const index of ids.keys()) {
    const answers = (arm: Arm) => blocks.map((block) => block[arm][index] ?? null)
    if ([...answers('champion'), ...answers('candidate')].includes(null)) continue
    n++
    for (const arm of ['champion', 'candidate'] as const) {
      const given = answers(arm)
      const run = given.findIndex((answer) => answer !== given[0])
      if (run === -1) continue
      unstable[arm].push(index)
      const level = `run ${run + 1}, ${blocks[run]!.concurrency} at once`
      firstDifference[arm][level] = (firstDifference[arm][level] ?? 0) + 1
    }
  }
  const agreement = (arm: Arm) => (n === 0 ? null : boundsOf(wilson(n - unstable[arm].length, n)))
  return {
    n,
    unstable,
    scoredShare: ids.length === 0 ? 0 : n / ids.length,
    details: {
      items: ids.length,
      scored: n,
      runs: blocks.map(({ concurrency }) => concurrency),
      /** Share of items on which all runs agree (TARa@N). */
      agreement: { champion: agreement('champion'), candidate: agreement('candidate') },
      firstDifference,
      unstableIds: {
        champion: unstable.champion.slice(0, 50).map((index) => ids[index]),
        candidate: unstable.candidate.slice(0, 50).map((index) => ids[index]),
      },
    },
  }
}

function boundsOf({ estimate, lower, upper }: { estimate: number; lower: number; upper: number }) {
  return { estimate: rounded(estimate), lower: rounded(lower), upper: rounded(upper) }
}

function measureRepeats(plan: StabilityPlan, repeats: Repeats, isAxis: boolean): Measurement {
  const champion = new Set(repeats.unstable.champion)
  const candidate = new Set(repeats.unstable.candidate)
  const gained = [...candidate].filter((index) => !champion.has(index)).length
  const lost = [...champion].filter((index) => !candidate.has(index)).length
  return measured({
    axis: isAxis ? 'stability' : null,
    measure: 'items answered differently when repeated',
    unit: 'pp',
    better: 'lower',
    interval: repeats.n === 0 ? null : pairedDifference({ gained, lost, n: repeats.n }, plan.confidence),
    confidence: plan.confidence,
    margin: plan.margin,
    from: `${grouped(repeats.n)} items × ${plan.repeats.concurrencies.length} runs`,
    n: Math.max(1, repeats.n),
    needs: (n) =>
      n === undefined
        ? 'Repeated answers of both versions.'
        : `≈ ${grouped(n)} repeated items would settle it.`,
  })
}

function faultOf(plan: StabilityPlan, raw: StabilityRaw, noise: Noise, repeats: Repeats): string | undefined {
  const noisyItems = raw.noise.reduce((sum, block) => sum + block.items.length, 0)
  if (noisyItems !== plan.noise.items)
    return `${grouped(noisyItems)} items got noise where ${grouped(plan.noise.items)} were planned.`
  const levels = raw.repeats.map(({ concurrency }) => concurrency)
  if (levels.join() !== plan.repeats.concurrencies.join())
    return 'The repeats are not those that were planned.'
  if (
    raw.repeats.some(
      ({ ids }) => ids.length !== plan.repeats.items || ids.join() !== raw.repeats[0]!.ids.join(),
    )
  )
    return 'The repeats do not hold the planned items.'
  const noiseShare = noise.scored / Math.max(1, noisyItems * plan.noise.kinds.length)
  if (plan.noise.items > 0 && noiseShare < plan.leastScored)
    return `Only ${percent(noiseShare)} of the noisy copies were answered by both versions; ${percent(plan.leastScored, 0)} are needed.`
  if (repeats.scoredShare < plan.leastScored)
    return `Only ${percent(repeats.scoredShare)} of the repeated items have all answers; ${percent(plan.leastScored, 0)} are needed.`
  return undefined
}

function summaryOf(
  plan: StabilityPlan,
  measurements: readonly Measurement[],
  noise: Noise,
  repeats: Repeats,
): string {
  const parts: string[] = []
  for (const measurement of measurements) {
    if (measurement.measure === 'flips under noise')
      parts.push(
        `flips under noise ${percent(noise.rate.candidate, 2)} vs ${percent(noise.rate.champion, 2)}, difference ${intervalText(measurement)} ${measurement.verdict}`,
      )
    else
      parts.push(
        `${repeats.unstable.candidate.length} vs ${repeats.unstable.champion.length} of ${grouped(repeats.n)} repeated items differ, ${measurement.verdict}`,
      )
  }
  parts.push(...goalNotes(measurements, plan.goal))
  const needed = measurements.find(({ needs }) => needs !== null)?.needs
  if (needed) parts.push(needed)
  return parts.join('; ')
}
