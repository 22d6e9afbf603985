import { z } from 'zod'

const sizeClass = z.object({
  name: z.string(),
  inputTokens: z.number().int().nonnegative(),
  outputTokens: z.number().int().positive(),
  weight: z.number().positive(),
})

/** All that decides what is sent and how it is judged. Plain JSON; its hash is in the evidence. */
export const trialPlan = z.object({
  /** As people read them; one, or two to compare: the second against the first. */
  targets: z.array(z.string()).min(1).max(2),
  seed: z.number().int(),
  classes: z.array(sizeClass).min(1),
  ladder: z.object({
    concurrencies: z.array(z.number().int().positive()).min(1),
    leastRequests: z.number().int().positive(),
    rungMs: z.number().positive(),
    mostRungMs: z.number().positive(),
    /** Past the knee: p95 this many times that of the first rung, or fewer answered than this share. */
    slowdown: z.number().positive(),
    leastAnswered: z.number(),
  }),
  /** Requests a second of the open loop; null: `kneeShare` of the lower knee. */
  rate: z.number().positive().nullable(),
  kneeShare: z.number(),
  shape: z.enum(['constant', 'poisson', 'gamma', 'step', 'ramp', 'spike']),
  /** Offsets in ms of recorded arrivals, which are sent instead; null: drawn. */
  replayMs: z.array(z.number()).nullable(),
  halfMs: z.number().positive(),
  /** Stretches of a single target, or pairs of two. */
  pairs: z.number().int().positive(),
  aaPairs: z.number().int().nonnegative(),
  sparePairs: z.number().int().nonnegative(),
  /** Each cell of the size matrix alone, one request at a time; 0: no matrix. */
  cellRequests: z.number().int().nonnegative(),
  metric: z.enum(['e2e', 'ttft']),
  margin: z.number().positive(),
  confidence: z.number(),
  slo: z.object({ ttftMs: z.number().nullable(), e2eMs: z.number().nullable() }),
  instrument: z.object({
    mostLagMs: z.number(),
    mostLagOfMedian: z.number(),
    leastAchieved: z.number(),
  }),
  timeoutMs: z.number().positive(),
})
export type TrialPlan = z.infer<typeof trialPlan>

export const profiles = ['quick', 'standard', 'matrix'] as const
export type Profile = (typeof profiles)[number]

type Sizes = Pick<TrialPlan, 'ladder' | 'halfMs' | 'pairs' | 'aaPairs' | 'sparePairs' | 'cellRequests'>

/** Sizes of a profile. A rung has at least the 72 requests that p95 needs, a cell the 36 of p90. */
export function sizesOf(profile: Profile, isPair: boolean): Sizes {
  const isQuick = profile === 'quick'
  const most = isQuick ? 16 : 64
  const concurrencies = [1, 2, 4, 8, 16, 32, 64].filter((count) => count <= most)
  const pairs = isQuick ? 6 : 12
  return {
    ladder: {
      concurrencies,
      leastRequests: 80,
      rungMs: isQuick ? 1000 : 5000,
      mostRungMs: isQuick ? 30_000 : 120_000,
      slowdown: 3,
      leastAnswered: 0.9,
    },
    halfMs: isQuick ? 3000 : 15_000,
    pairs: isPair ? pairs : isQuick ? 2 : 4,
    aaPairs: isPair ? (isQuick ? 3 : 6) : 0,
    sparePairs: Math.ceil(pairs / 4),
    cellRequests: profile === 'matrix' ? 36 : 0,
  }
}

export const fixedRules: Pick<TrialPlan, 'kneeShare' | 'confidence' | 'instrument'> = {
  kneeShare: 0.65,
  confidence: 0.95,
  instrument: { mostLagMs: 10, mostLagOfMedian: 0.02, leastAchieved: 0.99 },
}
