import { z } from 'zod'
import { epochMs, modelName, versionLabel } from './names.ts'
import { costState } from './usage.ts'

/**
 * One minute of one version's text, pinned requests too: sums that add up with those of other minutes, by keys that
 * `telemetry/text-windows` writes and reads. Money is in nanodollars.
 */
export const textWindow = z.object({
  model: modelName,
  version: versionLabel,
  startMs: epochMs,
  counts: z.record(z.string(), z.number().int()),
})
export type TextWindow = z.infer<typeof textWindow>

const count = z.number().int().nonnegative()

const quantiles = z.object({ count, p50Ms: z.number().nullable(), p95Ms: z.number().nullable() })

/** What a version answered, or all of them together. */
export const textTotals = z.object({
  requests: count,
  outcomes: z.record(z.string(), count),
  /** Of what was not answered, by code. */
  codes: z.record(z.string(), count),
  tokens: z.object({
    input: count,
    cacheRead: count,
    cacheWrite: count,
    output: count,
    /** Requests whose tokens nobody told: their tokens are in none of the sums. */
    unknownRequests: count,
  }),
  /** By how well it is known; dollars are null where they are unknown, which is not zero. */
  costs: z.array(z.object({ state: costState, requests: count, costUsd: z.string().nullable() })),
  /** To the first content of streams, from arrival; without answers of a cache. */
  ttft: quantiles,
  /** Mean gap between the contents of one stream, each stream once. */
  itl: quantiles,
  cache: z.object({ hit: count, stale: count, semantic: count, miss: count, savedUsd: z.string() }),
})
export type TextTotals = z.infer<typeof textTotals>

const accountState = z.object({
  account: z.string().max(100),
  state: z.enum(['ready', 'resting', 'open', 'half-open', 'unready']),
  reason: z.string().max(1000).nullable(),
  restsUntil: epochMs.nullable(),
  inFlight: count,
  tries: count,
  answered: count,
  circuitOpenings: count,
  /** What the provider said last of its limits; empty where it says nothing. */
  headroom: z
    .array(z.object({ what: z.string().max(40), remaining: z.number(), limit: z.number().nullable() }))
    .max(8),
  headroomAt: epochMs.nullable(),
})
export type AccountState = z.infer<typeof accountState>

const providerState = z.object({
  provider: z.string().max(63),
  kind: z.string().max(40),
  isReady: z.boolean(),
  accounts: z.array(accountState).max(100),
})

const ladderState = z.object({
  model: modelName,
  /** This gateway's answers of the calendar month (UTC), and how many of them came from below the primary. */
  month: z.object({ answers: count, degraded: count }),
  rungs: z
    .array(
      z.object({
        name: z.string().max(63),
        state: z.enum(['closed', 'open', 'probing']),
        failureRate: z.number().nullable(),
      }),
    )
    .max(8),
})

const loadState = z.object({
  model: modelName,
  version: versionLabel,
  /** Requests that may be at the version at once; null where nothing bounds it. */
  limit: z.number().nullable(),
  inFlight: count,
  queued: count,
  hedges: z.object({ won: count, lost: count, failed: count }),
  /** Refused before they waited, or when they had waited too long. */
  refused: z.object({ 'queue-full': count, predicted: count, waited: count }),
})

/** What one gateway knows of its text traffic just now; its counts are since it started. */
export const gatewayTextState = z.object({
  gateway: z.string().max(200),
  providers: z.array(providerState).max(200),
  ladders: z.array(ladderState).max(500),
  loads: z.array(loadState).max(1000),
})
export type GatewayTextState = z.infer<typeof gatewayTextState>

/** A replica of ours as its own metrics tell it; null where its server does not. */
export const textReplica = z.object({
  replica: z.string(),
  version: versionLabel,
  isReady: z.boolean(),
  running: z.number().nullable(),
  waiting: z.number().nullable(),
  kvBlocks: z.number().nullable(),
  /** 0 to 1. */
  kvUsedShare: z.number().nullable(),
  /** Of the input tokens since its start, those whose KV was there already, 0 to 1. */
  reuseShare: z.number().nullable(),
  /** Since it was last asked, some seconds ago; null at the first time. */
  outputTokensPerSecond: z.number().nullable(),
})
export type TextReplica = z.infer<typeof textReplica>

export const textStats = z.object({
  model: modelName,
  fromMs: epochMs,
  toMs: epochMs,
  sizeMs: z.number().int(),
  total: textTotals,
  versions: z.array(textTotals.extend({ version: versionLabel })),
  /** By time, then version. */
  series: z.array(
    z.object({
      startMs: epochMs,
      version: versionLabel,
      requests: count,
      outputTokens: count,
      ttftP50Ms: z.number().nullable(),
      ttftP95Ms: z.number().nullable(),
      itlP50Ms: z.number().nullable(),
      itlP95Ms: z.number().nullable(),
    }),
  ),
  /** Answers by the rung that gave them; null for the primary. */
  rungs: z.array(z.object({ rung: z.string().nullable(), answers: count })),
  rules: z.array(
    z.object({
      rule: z.string(),
      checkpoint: z.string(),
      mode: z.enum(['shadow', 'enforce']),
      pass: count,
      block: count,
      redact: count,
      error: count,
    }),
  ),
  /** Tries by account and how they ended: `ok`, or a code. */
  tries: z.array(z.object({ provider: z.string(), account: z.string(), ends: z.record(z.string(), count) })),
  gateways: z.array(gatewayTextState.extend({ at: epochMs })),
  replicas: z.array(textReplica),
})
export type TextStats = z.infer<typeof textStats>
