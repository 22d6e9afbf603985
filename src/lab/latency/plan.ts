import { z } from 'zod'
import { detectableRatio, percentileFloor, ratioHalfWidth } from '../../stats/index.ts'
import { commonPlan, planFor } from '../common-plan.ts'
import { grouped, percent } from '../judging.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'

export const latencyPlan = commonPlan.extend({
  check: z.literal('latency'),
  /** The quantile that is judged. */
  quantile: z.number(),
  margin: z.number(),
  /** By how much the share of failed requests may rise. */
  failureMargin: z.number(),
  ladder: z.object({
    concurrencies: z.array(z.number().int().positive()).min(1),
    rungMs: z.number(),
    mostRungMs: z.number(),
    leastRequests: z.number().int(),
    /** A rung is past the knee when its p95 is so many times that of the first, or fewer are answered. */
    slowdown: z.number(),
    leastAnswered: z.number(),
  }),
  /** Share of the knee's throughput at which the halves are loaded, and the most that live traffic is asked to bear. */
  kneeShare: z.number(),
  mostPerSecond: z.number(),
  /**
   * Up to this share of the lower knee both versions of a pair are asked at once, request by request; above it one after
   * the other. See `isInterleaved`.
   */
  interleaveBelow: z.number().min(0).max(0.2),
  aaPairs: z.number().int().min(2),
  pairs: z.number().int().min(2),
  /** Half as many pairs again, and again, up to this, when their spread asks for it; their mean is not looked at. */
  mostPairs: z.number().int().min(2),
  /** Pairs in which the client was late are replaced, up to so many of each kind. */
  sparePairs: z.number().int().nonnegative(),
  halfMs: z.number(),
  leastRequests: z.number().int().positive(),
  washoutMs: z.number(),
  timeoutMs: z.number().positive(),
  connections: z.number().int().positive(),
  spinMs: z.number(),
  instrument: z.object({
    /** The p99 of the send lag may be the larger of the two. */
    mostLagMs: z.number(),
    mostLagOfMedian: z.number(),
    leastAchieved: z.number(),
  }),
})
export type LatencyPlan = z.infer<typeof latencyPlan>

/** Sizes that may be chosen; the rules of the statistics are their lower bounds. */
export const latencySizes = z.strictObject({
  aaPairs: z.number().int().min(4).max(100).default(4),
  pairs: z.number().int().min(12).max(200).default(12),
  mostPairs: z.number().int().min(12).max(400).default(24),
  sparePairs: z.number().int().min(0).max(100).default(8),
  halfMs: z.number().min(2000).max(60_000).default(2000),
  leastRequests: z.number().int().min(500).max(100_000).default(500),
  washoutMs: z.number().min(100).max(10_000).default(150),
  mostPerSecond: z.number().min(1).max(100_000).default(600),
  interleaveBelow: z.number().min(0).max(0.2).default(0.1),
  timeoutMs: z.number().min(100).max(600_000).default(10_000),
})
export type LatencySizes = z.input<typeof latencySizes>

/** Spread of the log ratio of two p95 of 600 requests seen between pairs on a shared machine: a guess until A/A. */
const ASSUMED_PAIR_SD = 0.11

export function planLatency(context: CheckContext, wanted: LatencySizes): CheckPlan {
  const sizes = latencySizes.parse(wanted)
  const margin = context.change.proposal.margins.latencyP95
  const plan: LatencyPlan = {
    ...planFor(context, 'latency'),
    check: 'latency',
    quantile: 0.95,
    margin,
    failureMargin: 0.005,
    ladder: {
      concurrencies: [1, 2, 4, 8, 16, 32],
      rungMs: 400,
      mostRungMs: 3000,
      leastRequests: percentileFloor(0.95),
      slowdown: 3,
      leastAnswered: 0.9,
    },
    kneeShare: 0.65,
    ...sizes,
    mostPairs: Math.max(sizes.pairs, sizes.mostPairs),
    connections: 256,
    spinMs: 1,
    instrument: { mostLagMs: 10, mostLagOfMedian: 0.02, leastAchieved: 0.99 },
  }
  const detectable = detectableRatio(plan.pairs, ASSUMED_PAIR_SD)
  return {
    check: 'latency',
    plan,
    expectedMs: expectedMs(plan),
    says: [
      `A ladder of ${plan.ladder.concurrencies.join(', ')} callers finds the knee; the load is ${percent(plan.kneeShare, 0)} of it, at most ${grouped(plan.mostPerSecond)} requests/s beside the live traffic.`,
      `${plan.aaPairs} pairs of a version against itself give the noise floor; then ${plan.pairs} pairs of ${(2 * plan.halfMs) / 1000} s, and half as many again up to ${plan.mostPairs} while their spread asks for it.`,
      `Up to ${percent(plan.interleaveBelow, 0)} of the knee both versions are asked in turn within a pair, request by request; above it in two halves, AB or BA by a coin.`,
      `At a spread of ${percent(ASSUMED_PAIR_SD, 0)} between pairs the p95 ratio is known to ± ${percent(ratioHalfWidth(plan.pairs, ASSUMED_PAIR_SD), 0)} and a change of ${percent(detectable, 0)} is found four times in five.`,
    ],
    impossible:
      context.golden.items.length === 0 ? ['The golden set is empty: there is nothing to send.'] : [],
  }
}

function expectedMs(plan: LatencyPlan): number {
  const halves = 2 * (plan.aaPairs + plan.pairs)
  return (
    2 * plan.ladder.concurrencies.length * plan.ladder.rungMs * 1.2 +
    halves * (plan.halfMs + plan.washoutMs + 20)
  )
}
