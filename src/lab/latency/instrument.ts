import { type Histogram, histogramQuantileMs, mergeInto } from '../../kernel/index.ts'
import { quantile } from '../../stats/index.ts'
import { grouped, percent, rounded } from '../judging.ts'
import { ascending } from './pair-ratio.ts'
import type { LatencyPlan } from './plan.ts'
import type { PairBlock } from './raw.ts'

export interface InstrumentReading {
  /** Why the run says nothing about the versions; empty: it was good. */
  readonly faults: string[]
  readonly sendLagP99Ms: number
  readonly achieved: number
  readonly capped: number
  readonly loopDelayP99Ms: number
}

/**
 * Was the load generator itself fit? A run that was sent late or not in full is invalid, never "slow": its numbers
 * would tell of the client.
 */
export function readInstrument(plan: LatencyPlan, pairs: readonly PairBlock[]): InstrumentReading {
  const halves = pairs.flatMap((pair) => pair.halves)
  const lag: Histogram = {}
  for (const { sendLag } of halves) mergeInto(lag, sendLag)
  const sendLagP99Ms = histogramQuantileMs(lag, 0.99) ?? 0
  const medianMs = quantile(ascending(halves.flatMap(({ latencyMs }) => latencyMs)), 0.5)
  const lagLimitMs = Math.max(
    plan.instrument.mostLagMs,
    Number.isFinite(medianMs) ? plan.instrument.mostLagOfMedian * medianMs : 0,
  )
  const achieved = Math.min(...halves.map((half) => half.achieved))
  const meanAchieved = halves.reduce((sum, half) => sum + half.achieved, 0) / halves.length
  const capped = halves.reduce((sum, half) => sum + half.capped, 0)
  const requests = Object.values(lag).reduce((sum, count) => sum + count, 0)
  const faults: string[] = []
  if (sendLagP99Ms > lagLimitMs)
    faults.push(
      `requests left up to ${sendLagP99Ms.toFixed(1)} ms late (p99, limit ${lagLimitMs.toFixed(1)} ms)`,
    )
  if (meanAchieved < plan.instrument.leastAchieved)
    faults.push(`only ${percent(meanAchieved)} of the planned rate was sent`)
  if (capped > requests / 100)
    faults.push(`${grouped(capped)} requests found all ${plan.connections} sockets taken`)
  return {
    faults,
    sendLagP99Ms: rounded(sendLagP99Ms, 2),
    achieved,
    capped,
    loopDelayP99Ms: Math.max(...halves.map(({ loopDelayMs }) => loopDelayMs)),
  }
}
