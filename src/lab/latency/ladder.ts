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

function loadFor(rungs: readonly Rung[], plan: LatencyPlan): number {
  const knees = [kneeOf(rungs, 'champion', plan.ladder), kneeOf(rungs, 'candidate', plan.ladder)]
  const known = knees.filter((knee) => knee !== null && knee > 0) as number[]
  if (known.length === 0) throw checkFailed('latency', 'no version answers 90 % of single requests')
  return rounded(Math.min(plan.mostPerSecond, plan.kneeShare * Math.min(...known)), 1)
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
