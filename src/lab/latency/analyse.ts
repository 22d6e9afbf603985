import type { Measurement } from '../../contracts/index.ts'
import { type Estimate, newcombe, pairsForMargin, tInterval } from '../../stats/index.ts'
import { grouped, intervalText, measured, statusOf } from '../judging.ts'
import type { Judgement } from '../lab.ts'
import { latencyDetails, noiseFloor } from './details.ts'
import { readInstrument } from './instrument.ts'
import { halvesOf, logRatio, pairsWanted } from './pair-ratio.ts'
import type { LatencyPlan } from './plan.ts'
import type { Half, LatencyRaw, PairBlock } from './raw.ts'

/** Pure: the same plan and blocks give the same judgement, offline too. */
export function analyseLatency(plan: LatencyPlan, raw: LatencyRaw): Judgement {
  const instrument = readInstrument(plan, [...raw.aa, ...raw.ab])
  const details = latencyDetails(plan, raw, instrument)
  const faults = [...shapeFaults(plan, raw), ...instrument.faults]
  if (faults.length > 0) {
    return {
      status: 'invalid',
      summary: `Invalid, not slow: ${faults.join('; ')}.`,
      measurements: [latencyMeasurement(plan, [], null)],
      details,
    }
  }
  const ratios = raw.ab.map((pair) => logRatio(pair, plan.quantile))
  const interval = ratios.every(Number.isFinite) ? tInterval(ratios, plan.confidence) : null
  const measurements = [latencyMeasurement(plan, ratios, interval), failureMeasurement(plan, raw.ab)]
  return {
    status: statusOf(measurements, plan.goal),
    summary: summaryOf(plan, raw, measurements),
    measurements,
    details,
  }
}

/** What was measured must be what was planned: the planned pairs, and more only where their spread asked for them. */
function shapeFaults(plan: LatencyPlan, raw: LatencyRaw): string[] {
  const faults: string[] = []
  const firstRatios = raw.ab.slice(0, plan.pairs).map((pair) => logRatio(pair, plan.quantile))
  const wanted = pairsWanted(firstRatios, plan, pairsForMargin)
  if (raw.aa.length !== plan.aaPairs)
    faults.push(`${raw.aa.length} A/A pairs where ${plan.aaPairs} were planned`)
  if (raw.ab.length !== wanted) faults.push(`${raw.ab.length} pairs where the plan asks for ${wanted}`)
  const isOdd = (pair: PairBlock, kind: 'aa' | 'ab') => {
    const { base, other } = halvesOf(pair)
    return (
      pair.kind !== kind ||
      base.arm !== 'champion' ||
      other.arm !== (kind === 'aa' ? 'champion' : 'candidate')
    )
  }
  if (raw.aa.some((pair) => isOdd(pair, 'aa')) || raw.ab.some((pair) => isOdd(pair, 'ab')))
    faults.push('a pair holds other versions than it says')
  const fewest = Math.min(...raw.ab.flatMap(({ halves }) => halves.map(({ latencyMs }) => latencyMs.length)))
  if (fewest < plan.leastRequests)
    faults.push(`a half has ${fewest} requests, not ${grouped(plan.leastRequests)}`)
  return faults
}

function latencyMeasurement(
  plan: LatencyPlan,
  ratios: readonly number[],
  interval: Estimate | null,
): Measurement {
  const minutes = (pairs: number) => Math.ceil((pairs * 2 * (plan.halfMs + plan.washoutMs)) / 60_000)
  return measured({
    axis: 'latency',
    measure: `p${plan.quantile * 100} end to end`,
    unit: 'ratio',
    better: 'lower',
    interval,
    confidence: plan.confidence,
    margin: plan.margin,
    from: `${ratios.length} AB/BA pairs`,
    n: Math.max(1, ratios.length),
    needs: (pairs) =>
      interval === null
        ? ratios.length === 0
          ? 'A valid run.'
          : `In some pairs more than ${Math.round((1 - plan.quantile) * 100)} % got no answer: fewer failures, or a longer timeout than ${plan.timeoutMs} ms.`
        : pairs === undefined
          ? 'The ratio sits on the margin: no number of pairs settles it.'
          : `≈ ${grouped(pairs)} pairs (${minutes(pairs)} min) would settle it if the ratio stays where it is.`,
  })
}

/** Requests without a good answer, all halves of a version together; arms share no requests. */
function failureMeasurement(plan: LatencyPlan, pairs: readonly PairBlock[]): Measurement {
  const tally = (half: 'base' | 'other') => {
    const halves: Half[] = pairs.map((pair) => halvesOf(pair)[half])
    const n = halves.reduce((sum, { latencyMs }) => sum + latencyMs.length, 0)
    const failed = halves.reduce(
      (sum, { latencyMs }) => sum + latencyMs.filter((value) => value === null).length,
      0,
    )
    return { successes: failed, n }
  }
  const champion = tally('base')
  const candidate = tally('other')
  return measured({
    axis: null,
    measure: 'failed requests',
    unit: 'pp',
    better: 'lower',
    interval: newcombe(champion, candidate, plan.confidence),
    confidence: plan.confidence,
    margin: plan.failureMargin,
    from: `${grouped(candidate.n)} requests each`,
    n: candidate.n,
    needs: (n) =>
      n === undefined
        ? 'No number of requests settles it.'
        : `≈ ${grouped(n)} requests each would settle it.`,
  })
}

function summaryOf(plan: LatencyPlan, raw: LatencyRaw, measurements: readonly Measurement[]): string {
  const [latency, failures] = measurements as [Measurement, Measurement]
  const floor = noiseFloor(plan, raw)
  const parts = [
    `p${plan.quantile * 100} ${intervalText(latency)} ${latency.verdict}, ${raw.ab.length} pairs AB/BA`,
    `failed ${intervalText(failures)}`,
  ]
  if (floor !== null)
    parts.push(
      `A/A noise floor ± ${(floor.noise * 100).toFixed(1)} %, finds ${(floor.detectable * 100).toFixed(1)} %`,
    )
  if (latency.needs !== null) parts.push(latency.needs)
  else if (failures.needs !== null) parts.push(failures.needs)
  return parts.join('; ')
}
