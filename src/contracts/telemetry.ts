import { z } from 'zod'
import { epochMs, modelName, versionLabel } from './names.ts'

export const outcomeClass = z.enum(['ok', 'client_error', 'refused', 'timeout', 'error', 'cancelled'])
export type OutcomeClass = z.infer<typeof outcomeClass>

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
