import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Clock, type Random, seededRandom } from '../../kernel/index.ts'
import { rounded } from '../judging.ts'
import type { Timers } from '../load/pace.ts'
import { closedLoad, type LoadRun, openLoad } from '../load/target-load.ts'
import type { Ask, Exchange, Target } from '../target/target.ts'
import { arrivals, gapsOf, segmentsOf } from '../workload/arrivals.ts'
import { askOf, drawClass } from '../workload/asks.ts'
import type { Block, HalfStep, Step } from './block.ts'
import type { TrialPlan } from './plan.ts'
import { nextStep } from './sequence.ts'
import { refuseFailedProbe, type Watch, watchTarget } from './watch.ts'

export interface TrialRun {
  readonly plan: TrialPlan
  readonly targets: readonly Target[]
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Whole blocks of an earlier run of the same plan. */
  readonly finished: readonly Block[]
  /** Called after each block; it is kept before the next begins. */
  readonly keep: (block: Block) => Promise<void>
  readonly onStep: (step: Step, done: number) => void
  readonly timers?: Timers
}

/** Measures block by block until nothing is left to do. Throws `target_failed`; rejects with the signal's reason. */
export async function measureTrial(run: TrialRun): Promise<Block[]> {
  const { plan, targets, clock } = run
  const blocks = [...run.finished]
  const watches = targets.map(({ name }, target) => watchTarget(name, answeredBefore(blocks, target)))
  for (const [index, target] of targets.entries()) {
    const ask = askOf(plan.classes[0]!, seededRandom(plan.seed))
    const exchange = await new Promise<Exchange>((resolve) => target.send(ask, resolve))
    refuseFailedProbe(target.name, exchange)
    watches[index]!.inspect(exchange)
  }
  for (let step = nextStep(plan, blocks); step !== null; step = nextStep(plan, blocks)) {
    run.signal.throwIfAborted()
    run.onStep(step, blocks.length)
    const watch = watches[step.target]!
    const loop = monitorEventLoopDelay({ resolution: 5 })
    loop.enable()
    const load = await measureStep(run, step, watch)
    loop.disable()
    const block: Block = {
      step,
      rows: load.rows,
      achieved: rounded(load.achieved, 4),
      lastedMs: rounded(load.lastedMs, 3),
      loopDelayP99Ms: rounded(Math.max(0, loop.percentile(99) / 1e6 - 5), 2),
      answeredBy: watch.answeredBy,
    }
    await run.keep(block)
    blocks.push(block)
    // What the last stretch left in the queues of the target must not fall into the next one.
    await clock.sleep(WASHOUT_MS, run.signal)
  }
  return blocks
}

const WASHOUT_MS = 100

function answeredBefore(blocks: readonly Block[], target: number): string | null {
  return blocks.findLast(({ step }) => step.target === target)?.answeredBy ?? null
}

function measureStep(run: TrialRun, step: Step, watch: Watch): Promise<LoadRun> {
  const { plan, clock, signal, timers } = run
  const target = run.targets[step.target]!
  const common = { target, clock, signal, inspect: watch.inspect }
  if (step.kind === 'half') {
    const offsetsMs = offsetsOf(plan, step)
    const ask = asksOf(
      plan,
      seededRandom(seedOf(plan, step, 0)),
      seededRandom(seedOf(plan, step, 1 + step.place)),
    )
    return openLoad({ ...common, offsetsMs, ask, spinMs: 1.5, ...(timers === undefined ? {} : { timers }) })
  }
  const { leastRequests, rungMs, mostRungMs } = plan.ladder
  if (step.kind === 'rung') {
    const { concurrency } = step
    const seed = plan.seed * 31 + concurrency
    const ask = asksOf(plan, seededRandom(seed), seededRandom(seed + 1))
    return closedLoad({ ...common, ask, concurrency, leastRequests, leastMs: rungMs, mostMs: mostRungMs })
  }
  const size = plan.classes.find(({ name }) => name === step.class)!
  const random = seededRandom(plan.seed + 17)
  return closedLoad({
    ...common,
    ask: () => askOf(size, random),
    concurrency: 1,
    leastRequests: plan.cellRequests,
    leastMs: 0,
    mostMs: mostRungMs,
  })
}

/** Sizes come from one source, words from another: both halves of a pair ask for the same sizes in other words. */
function asksOf(plan: TrialPlan, sizes: Random, words: Random): (index: number) => Ask {
  return () => askOf(drawClass(plan.classes, sizes), words)
}

function seedOf(plan: TrialPlan, step: HalfStep, part: number): number {
  const phase = { single: 1, aa: 2, ab: 3 }[step.phase]
  return plan.seed * 1009 + phase * 100_003 + step.pair * 11 + part
}

/** The same in both halves of a pair. */
export function offsetsOf(plan: TrialPlan, step: HalfStep): Float64Array {
  if (plan.replayMs !== null) return Float64Array.from(plan.replayMs)
  const random = seededRandom(seedOf(plan, step, 7))
  return arrivals(segmentsOf(plan.shape, step.rate, plan.halfMs), gapsOf(plan.shape, random))
}
