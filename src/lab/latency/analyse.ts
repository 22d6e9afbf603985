import type { Measurement } from '../../contracts/index.ts'
import { type Estimate, newcombe, tInterval } from '../../stats/index.ts'
import { goalNotes, grouped, intervalText, measured, statusOf } from '../judging.ts'
import type { Judgement } from '../lab.ts'
import { latencyDetails, noiseFloor } from './details.ts'
import { instrumentFaults, readInstrument } from './instrument.ts'
import { isInterleaved } from './ladder.ts'
import { halvesOf, logRatio } from './pair-ratio.ts'
import type { LatencyPlan } from './plan.ts'
import type { Half, LatencyRaw, PairBlock } from './raw.ts'
import { soundPairs, wantsAnother } from './sequence.ts'

/** Pure: the same plan and blocks give the same judgement, offline too. */
export function analyseLatency(plan: LatencyPlan, raw: LatencyRaw): Judgement {
  const sound = { ...raw, aa: soundPairs(plan, raw.aa), ab: soundPairs(plan, raw.ab) }
  const instrument = readInstrument(plan, [...raw.aa, ...raw.ab])
  const details = latencyDetails(plan, sound, instrument)
  const faults = shapeFaults(plan, raw)
  if (faults.length === 0 && (sound.aa.length < plan.aaPairs || sound.ab.length < plan.pairs))
    faults.push(...instrumentFaults(plan, instrument))
  if (faults.length > 0) {
    return {
      status: 'invalid',
      summary: `invalid, which says nothing of either version: ${faults.join('; ')}`,
      measurements: [latencyMeasurement(plan, [], null, pairsName(plan, raw))],
      details,
    }
  }
  const ratios = sound.ab.map((pair) => logRatio(pair, plan.quantile))
  const interval = ratios.every(Number.isFinite) ? tInterval(ratios, plan.confidence) : null
  const measurements = [
    latencyMeasurement(plan, ratios, interval, pairsName(plan, raw)),
    failureMeasurement(plan, sound.ab),
  ]
  return {
    status: statusOf(measurements, plan.goal),
    summary: summaryOf(plan, sound, measurements),
    measurements,
    details,
  }
}

function pairsName(plan: LatencyPlan, raw: LatencyRaw): string {
  return isInterleaved(plan, raw.ladder) ? 'pairs in turn' : 'AB/BA pairs'
}

/** What was measured must be what was planned: no pair too few, and none after those that the rule asks for. */
function shapeFaults(plan: LatencyPlan, raw: LatencyRaw): string[] {
  const faults: string[] = []
  for (const kind of ['aa', 'ab'] as const) {
    const pairs = raw[kind]
    if (wantsAnother(plan, kind, pairs)) faults.push(`${pairs.length} ${kind} pairs are fewer than planned`)
    else if (pairs.length > 0 && !wantsAnother(plan, kind, pairs.slice(0, -1)))
      faults.push(`${pairs.length} ${kind} pairs are more than planned`)
    if (pairs.some((pair) => isOdd(pair, kind))) faults.push('a pair holds other versions than it says')
  }
  const fewest = Math.min(...raw.ab.flatMap(({ halves }) => halves.map(({ latencyMs }) => latencyMs.length)))
  if (fewest < plan.leastRequests)
    faults.push(`a half has ${fewest} requests, not ${grouped(plan.leastRequests)}`)
  return faults
}

function isOdd(pair: PairBlock, kind: 'aa' | 'ab'): boolean {
  const { base, other } = halvesOf(pair)
  const isRight =
    kind === 'aa' ? base.arm === other.arm : base.arm === 'champion' && other.arm === 'candidate'
  return pair.kind !== kind || !isRight
}

function latencyMeasurement(
  plan: LatencyPlan,
  ratios: readonly number[],
  interval: Estimate | null,
  pairsName: string,
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
    from: `${ratios.length} ${pairsName}`,
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
    `p${plan.quantile * 100} ${intervalText(latency)} ${latency.verdict}, ${latency.from}`,
    `failed ${intervalText(failures)}`,
  ]
  if (floor !== null)
    parts.push(
      `A/A noise floor ± ${(floor.noise * 100).toFixed(1)} %, finds ${(floor.detectable * 100).toFixed(1)} %`,
    )
  parts.push(...goalNotes(measurements, plan.goal))
  const needs = latency.needs ?? failures.needs
  if (needs !== null) parts.push(needs)
  return parts.join('; ')
}
