import { z } from 'zod'
import { guardrailVerdict } from './guardrail.ts'
import { epochMs, modelName, versionLabel } from './names.ts'
import { costRow, tokenUsage } from './usage.ts'

export const outcomeClass = z.enum(['ok', 'client_error', 'refused', 'timeout', 'error', 'cancelled'])
export type OutcomeClass = z.infer<typeof outcomeClass>

export const textOperation = z.enum(['generate', 'embed', 'rerank', 'moderate', 'count-tokens'])
export type TextOperation = z.infer<typeof textOperation>

/** One try of a request: which provider and account, how it ended, what it used. Tries that failed may cost too. */
export const textAttempt = z.object({
  rung: z.string(),
  /** Asked by the gateway on its own account, for a rule or a cache; no try of what the client asked. */
  aside: z.enum(['moderation', 'embedding']).optional(),
  version: versionLabel.nullable(),
  provider: z.string().nullable(),
  account: z.string().nullable(),
  status: z.number().int(),
  code: z.string().nullable(),
  tookMs: z.number(),
  usage: tokenUsage.optional(),
  cost: costRow.optional(),
  /** Of a replica of ours: until it began, reading the question, saying the answer. */
  queueMs: z.number().optional(),
  prefillMs: z.number().optional(),
  decodeMs: z.number().optional(),
})
export type TextAttempt = z.infer<typeof textAttempt>

/** What a request to a model of text adds to its record. */
export const textRecord = z.object({
  operation: textOperation,
  /** The dialect the client spoke. */
  surface: z.string(),
  stream: z.boolean(),
  provider: z.string().nullable(),
  providerModel: z.string().nullable(),
  upstreamRequestId: z.string().nullable(),
  /** To the first content, from the request's arrival. */
  ttftMs: z.number().nullable(),
  /** Events with content that were sent. */
  chunks: z.number().int(),
  finishReason: z.string().nullable(),
  /** Over all attempts but asides, whose tokens are those of other models. */
  usage: tokenUsage,
  /** Over all attempts: what the client is charged for. */
  cost: costRow,
  priority: z.string(),
  /** The rung of the ladder that answered; null for the primary. */
  rung: z.string().nullable(),
  quality: z.number(),
  cache: z.enum(['off', 'miss', 'hit', 'stale', 'semantic']),
  /** What a cache hit did not cost. */
  savedUsd: z.string().nullable(),
  attempts: z.array(textAttempt).max(32),
  guardrails: z.array(guardrailVerdict).max(128),
})
export type TextRecord = z.infer<typeof textRecord>

/** One answered (or refused) request. `at` is its arrival at the gateway, epoch ms. */
export const requestRecord = z.object({
  requestId: z.string(),
  at: epochMs,
  model: modelName,
  version: versionLabel.nullable(),
  replica: z.string().nullable(),
  tenant: z.string(),
  key: z.string(),
  /** `split` was dealt by the traffic split; `pinned` asked for a version. Only `split` counts for a rollout. */
  assignment: z.enum(['split', 'pinned']),
  experiment: z.string().nullable(),
  /** Hash of (experiment, unit): who was exposed, without saying who. */
  bucket: z.number().int().nullable(),
  status: z.number().int(),
  outcome: outcomeClass,
  code: z.string().nullable(),
  latencyMs: z.number(),
  queueMs: z.number(),
  computeMs: z.number(),
  rows: z.number().int(),
  retries: z.number().int(),
  /** Bounded copy of the rows of a failed request, where the model keeps failures. */
  input: z.string().max(65_536).optional(),
  text: textRecord.optional(),
})
export type RequestRecord = z.infer<typeof requestRecord>

/** What the gateway posts: records, and what it had to drop since the last batch (never silent). */
export const telemetryBatch = z.object({
  gateway: z.string(),
  /** Grows by one per batch of a gateway; a batch that arrives twice is taken once. */
  sequence: z.number().int(),
  records: z.array(requestRecord).max(10_000),
  dropped: z.number().int(),
})
export type TelemetryBatch = z.infer<typeof telemetryBatch>

/**
 * One second (or `sizeMs`) of one version's split traffic: mergeable counts and a latency histogram.
 * `latency` maps bucket index (see `kernel/histogram`) to count.
 */
export const trafficWindow = z.object({
  model: modelName,
  version: versionLabel,
  startMs: epochMs,
  sizeMs: z.number().int(),
  requests: z.number().int(),
  errors: z.number().int(),
  timeouts: z.number().int(),
  refusals: z.number().int(),
  rows: z.number().int(),
  computeMs: z.number(),
  latency: z.record(z.string(), z.number().int()),
})
export type TrafficWindow = z.infer<typeof trafficWindow>

export const failureCase = z.object({
  id: z.string(),
  requestId: z.string(),
  model: modelName,
  version: versionLabel,
  at: epochMs,
  code: z.string(),
  label: z.enum(['negative', 'golden', 'silver']),
  input: z.string(),
  changeId: z.string().nullable(),
  incidentId: z.string().nullable(),
})
export type FailureCase = z.infer<typeof failureCase>

export const incident = z.object({
  id: z.string(),
  model: modelName,
  version: versionLabel.nullable(),
  changeId: z.string().nullable(),
  openedAt: epochMs,
  closedAt: epochMs.nullable(),
  title: z.string(),
  /** What was done and when, in order. */
  actions: z.array(z.object({ at: epochMs, what: z.string() })),
  /** What changed before it. */
  before: z.array(z.string()),
})
export type Incident = z.infer<typeof incident>
