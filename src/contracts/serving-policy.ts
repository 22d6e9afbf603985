import { z } from 'zod'
import { versionLabel } from './names.ts'

/** Who goes first. The key's class is the most that a request of it may claim. */
export const priorityClass = z.enum(['interactive-paid', 'interactive', 'best-effort', 'batch'])
export type PriorityClass = z.infer<typeof priorityClass>

/** What makes the next rung answer. Rates are over `windowMs` and need `minRequests` to count. */
export const rungTrigger = z.strictObject({
  /** Failures before content, by what the provider did. */
  on: z
    .array(
      z.enum([
        'error',
        'timeout',
        'rate-limited',
        'unready',
        'overloaded',
        'context-length',
        'content-filter',
      ]),
    )
    .default(['error', 'timeout', 'rate-limited', 'unready', 'overloaded']),
  /** The rung is left aside as a whole while its failure rate is above this … */
  openAboveRate: z.number().min(0).max(1).default(0.5),
  /** … and taken up again below this: hysteresis, so that it does not flap. */
  closeBelowRate: z.number().min(0).max(1).default(0.1),
  windowMs: z.number().int().min(1000).max(600_000).default(10_000),
  minRequests: z.number().int().min(1).max(10_000).default(20),
  /** Least time in either state. */
  holdMs: z.number().int().min(0).max(3_600_000).default(5000),
})
export type RungTrigger = z.infer<typeof rungTrigger>

const rungCommon = {
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  /** 0..1 from evidence, 1 being the primary; shown on each answer that a lower rung gave. */
  quality: z.number().min(0).max(1),
  trigger: rungTrigger.prefault({}),
}

export const rung = z.discriminatedUnion('kind', [
  /** The version that the traffic split chose. Always the first. */
  z.strictObject({ kind: z.literal('primary'), ...rungCommon }),
  /** A quantised or smaller version of the same model, or another model's. */
  z.strictObject({
    kind: z.literal('version'),
    ...rungCommon,
    model: z.string().max(63).optional(),
    version: versionLabel,
  }),
  /** An answer to the same question that may be older than the cache would serve by itself. */
  z.strictObject({ kind: z.literal('cached'), ...rungCommon, maxAgeMs: z.number().int().min(1) }),
  z.strictObject({ kind: z.literal('static'), ...rungCommon, text: z.string().min(1).max(10_000) }),
])
export type Rung = z.infer<typeof rung>

/** Ends in refusal: after the last rung the first failure is told as it was. */
export const ladder = z.strictObject({
  rungs: z.array(rung).min(1).max(8),
  /** How many answers a month, of all, may come from below the primary; beyond it failures are told. */
  monthlyDegradedShare: z.number().min(0).max(1).default(0.05),
  /** Classes that may be moved down under overload before they are refused. */
  degradeUnderLoad: z.array(priorityClass).default(['best-effort', 'batch']),
})
export type Ladder = z.infer<typeof ladder>

export const cachePolicy = z.strictObject({
  exact: z
    .strictObject({
      ttlMs: z.number().int().min(1).max(2_592_000_000),
      /** After `ttlMs` an answer is still given for so long while a fresh one is fetched. */
      staleMs: z.number().int().min(0).max(2_592_000_000).default(0),
      /** Requests that draw at random (temperature above 0 and no seed) are cached too. */
      cacheSampled: z.boolean().default(false),
    })
    .optional(),
  semantic: z
    .strictObject({
      ttlMs: z.number().int().min(1).max(2_592_000_000),
      /** Cosine similarity at and above which two questions count as the same. */
      threshold: z.number().min(0.5).max(1),
      /** The model (here) that turns questions into vectors. */
      embedWith: z.string().max(63),
      /** Share of hits for which the real answer is fetched too, to measure false hits. */
      auditShare: z.number().min(0).max(1).default(0.05),
      /** Above this share of false hits (upper 95 % bound) the semantic cache turns itself off. */
      maxFalseHitRate: z.number().min(0).max(1).default(0.02),
    })
    .optional(),
})
export type CachePolicy = z.infer<typeof cachePolicy>

const classBound = (maxQueued: number, maxWaitMs: number) =>
  z
    .strictObject({
      /** Requests of the class that may wait for a place. */
      maxQueued: z.number().int().min(0).max(10_000).default(maxQueued),
      /** A request is refused when it would wait longer than this, and at the latest when it has. */
      maxWaitMs: z.number().int().min(0).max(600_000).default(maxWaitMs),
    })
    .prefault({})

/** How many requests one version takes at once at each gateway, found by its time to first token. Absent: no bound. */
export const overloadPolicy = z
  .strictObject({
    /** The limit sinks while first tokens take longer than this many times what they take without load. */
    ttftFactor: z.number().min(1.1).max(10).default(2),
    /** Before anything was learnt. At most twice what the upstream takes, where it takes very little. */
    initialConcurrency: z.number().int().min(1).max(10_000).default(8),
    minConcurrency: z.number().int().min(1).max(10_000).default(1),
    maxConcurrency: z.number().int().min(1).max(10_000).default(1000),
    /** Share of the limit that is kept free for each higher class while that class has requests. */
    reserveShare: z.number().min(0).max(0.3).default(0.1),
    /** How sure a predicted wait is: the quantile that is held against deadlines and told as Retry-After. */
    predictQuantile: z.number().min(0.5).max(0.99).default(0.9),
    classes: z
      .strictObject({
        'interactive-paid': classBound(256, 30_000),
        interactive: classBound(128, 15_000),
        'best-effort': classBound(64, 10_000),
        batch: classBound(32, 10_000),
      })
      .prefault({}),
  })
  .refine(({ maxConcurrency, minConcurrency }) => minConcurrency <= maxConcurrency, {
    path: ['minConcurrency'],
    error: 'must be at most maxConcurrency',
  })
export type OverloadPolicy = z.infer<typeof overloadPolicy>

export const hedgePolicy = z.strictObject({
  /** A second attempt starts when the first has no content after this quantile of the recent TTFT. */
  afterQuantile: z.number().min(0.5).max(0.999).default(0.95),
  /** Hedges may be at most this share of requests. */
  budgetShare: z.number().min(0).max(0.5).default(0.02),
})
export type HedgePolicy = z.infer<typeof hedgePolicy>

/** How one model's text traffic is served; set with PUT /api/v1/models/{model}/serving-policy. */
export const servingPolicy = z.strictObject({
  ladder: ladder.optional(),
  cache: cachePolicy.optional(),
  overload: overloadPolicy.optional(),
  hedge: hedgePolicy.optional(),
  /** Client gone: stop the work at once, or let it end for the cache or the bill. */
  onDisconnect: z.enum(['cancel', 'drain']).default('cancel'),
  /** A comment is sent on a silent stream after so long. */
  heartbeatMs: z.number().int().min(1000).max(600_000).default(15_000),
  /** After content was sent a failure ends the stream with a typed error; never anything else. */
  maxStreamMs: z.number().int().min(1000).max(86_400_000).default(3_600_000),
})
export type ServingPolicy = z.infer<typeof servingPolicy>
export const defaultServingPolicy: ServingPolicy = servingPolicy.parse({})
