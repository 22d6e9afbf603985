import { type Histogram, histogramQuantileMs, mergeInto } from '../../kernel/index.ts'
import { rounded } from '../judging.ts'
import type { LatencyPlan } from './plan.ts'
import type { PairBlock } from './raw.ts'
import { halfFault, isSound } from './sequence.ts'

export interface InstrumentReading {
  /** Pairs that count, and those in which the client was not in time. */
  readonly sound: number
  readonly spoilt: number
  /** Why halves were spoilt, with how many. */
  readonly why: Record<string, number>
  readonly sendLagP99Ms: number
  readonly achieved: number
  readonly capped: number
  readonly loopDelayP99Ms: number
}

/** How fit the load generator itself was, over all pairs. */
export function readInstrument(plan: LatencyPlan, pairs: readonly PairBlock[]): InstrumentReading {
  const halves = pairs.flatMap((pair) => pair.halves)
  const lag: Histogram = {}
  const why: Record<string, number> = {}
  for (const half of halves) {
    mergeInto(lag, half.sendLag)
    const fault = halfFault(plan, half)
    if (fault !== undefined) why[fault] = (why[fault] ?? 0) + 1
  }
  const sound = pairs.filter((pair) => isSound(plan, pair)).length
  return {
    sound,
    spoilt: pairs.length - sound,
    why,
    sendLagP99Ms: rounded(histogramQuantileMs(lag, 0.99) ?? 0, 2),
    achieved: Math.min(1, ...halves.map((half) => half.achieved)),
    capped: halves.reduce((sum, half) => sum + half.capped, 0),
    loopDelayP99Ms: Math.max(0, ...halves.map(({ loopDelayMs }) => loopDelayMs)),
  }
}

/** A run that was sent late or not in full is invalid, never "slow": its numbers would tell of the client. */
export function instrumentFaults(plan: LatencyPlan, reading: InstrumentReading): string[] {
  const words: Record<string, string> = {
    late: `requests left late (p99 ${reading.sendLagP99Ms.toFixed(1)} ms, limit ${plan.instrument.mostLagMs} ms)`,
    rate: `as little as ${(reading.achieved * 100).toFixed(0)} % of the planned rate was sent`,
    sockets: `all ${plan.connections} sockets of the client were taken`,
  }
  return [
    `in ${reading.spoilt} pairs the load client was not in time: ${Object.keys(reading.why)
      .map((fault) => words[fault])
      .join(', ')}`,
  ]
}
