import { percentileFloor, quantile } from '../../stats/index.ts'
import { checkFailed } from '../client/failures.ts'
import { rounded } from '../judging.ts'
import { closedLoop } from '../load/closed-loop.ts'
import { type Bench, refuseHopeless } from './bench.ts'
import type { LatencyPlan } from './plan.ts'
import type { Arm, LadderBlock, Rung } from './raw.ts'

/** Climbs with both versions, rung by rung, each until it is past its knee; the lower knee sets the load. */
export async function measureLadder(bench: Bench): Promise<LadderBlock> {
  const { plan } = bench
  const rungs: Rung[] = []
  for (const concurrency of plan.ladder.concurrencies) {
    for (const arm of ['champion', 'candidate'] as const) {
      const climbed = rungs.filter((rung) => rung.arm === arm)
      if (isPastKnee(climbed, plan.ladder)) continue
      rungs.push(await measureRung(bench, arm, concurrency))
    }
  }
  return { kind: 'ladder', rungs, ratePerSecond: loadFor(rungs, plan) }
}

export function isPastKnee(climbed: readonly Rung[], ladder: LatencyPlan['ladder']): boolean {
  const first = climbed[0]
  const last = climbed.at(-1)
  if (first === undefined || last === undefined) return false
  if (answeredShare(last) < ladder.leastAnswered) return true
  return first.p95Ms !== null && last.p95Ms !== null && last.p95Ms > ladder.slowdown * first.p95Ms
}

/** Highest throughput of the rungs before the knee; null when already the first is past it. */
export function kneeOf(rungs: readonly Rung[], arm: Arm, ladder: LatencyPlan['ladder']): number | null {
  const climbed = rungs.filter((rung) => rung.arm === arm)
  const good = climbed.filter((_, index) => !isPastKnee(climbed.slice(0, index + 1), ladder))
  return good.length === 0 ? null : Math.max(...good.map(({ goodPerSecond }) => goodPerSecond))
}

/**
 * Are both versions of a pair asked at once, their requests in turn by a coin? A stall of the machine then falls on both
 * alike and leaves the ratio; in two halves of 2 s one after the other it falls on one (measured on 2 shared cores,
 * p95 near 2 ms: the spread of the log ratio between pairs was 0.34, interleaved 0.12). The price: a slow version delays
 * its neighbour's requests too, which understates the ratio by at most about the share of time that the system is busy.
 * So this is done only far below the knee, and the load of heavy models is measured in halves.
 */
export function isInterleaved(
  plan: Pick<LatencyPlan, 'interleaveBelow' | 'ladder'>,
  { rungs, ratePerSecond }: Pick<LadderBlock, 'rungs' | 'ratePerSecond'>,
): boolean {
  const knees = (['champion', 'candidate'] as const).map((arm) => kneeOf(rungs, arm, plan.ladder))
  return knees.every((knee) => knee !== null && ratePerSecond <= plan.interleaveBelow * knee)
}

function loadFor(rungs: readonly Rung[], plan: LatencyPlan): number {
  const knees = [kneeOf(rungs, 'champion', plan.ladder), kneeOf(rungs, 'candidate', plan.ladder)]
  const known = knees.filter((knee) => knee !== null && knee > 0) as number[]
  if (known.length === 0) throw checkFailed('latency', 'no version answers 90 % of single requests')
  const knee = Math.min(...known)
  const light = plan.interleaveBelow * knee
  // Light enough to fill its pairs far below the knee: there the versions can be asked in turn.
  const isLight = (light * plan.halfMs) / 1000 >= plan.leastRequests
  return rounded(Math.min(plan.mostPerSecond, isLight ? Math.floor(light) : plan.kneeShare * knee), 1)
}

async function measureRung(bench: Bench, arm: Arm, concurrency: number): Promise<Rung> {
  const { plan, client, clock, signal } = bench
  try {
    const run = await closedLoop({
      client,
      clock,
      signal,
      version: plan[arm].label,
      concurrency,
      leastRequests: plan.ladder.leastRequests,
      leastMs: plan.ladder.rungMs,
      mostMs: plan.ladder.mostRungMs,
      body: bench.body[arm],
    })
    const failed = Object.values(run.failures).reduce((sum, count) => sum + count, 0)
    refuseHopeless(arm, run.failures, run.latencyMs.length + failed)
    const sorted = run.latencyMs.sort((left, right) => left - right)
    const at = (p: number) => (sorted.length < percentileFloor(p) ? null : rounded(quantile(sorted, p), 3))
    return {
      arm,
      concurrency,
      requests: sorted.length + failed,
      goodPerSecond: run.goodPerSecond,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      failures: run.failures,
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : checkFailed('latency', (error as Error).message, error)
  }
}

function answeredShare(rung: Rung): number {
  const failed = Object.values(rung.failures).reduce((sum, count) => sum + count, 0)
  return rung.requests === 0 ? 0 : (rung.requests - failed) / rung.requests
}
