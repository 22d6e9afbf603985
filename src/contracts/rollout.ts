import { z } from 'zod'
import { guardName, rolloutPlan } from './change.ts'
import { changeId, epochMs, modelName, versionLabel } from './names.ts'

export const rolloutState = z.enum([
  'pending',
  'progressing',
  'paused',
  'promoting',
  'done',
  'aborting',
  'rolled-back',
])
export type RolloutState = z.infer<typeof rolloutState>

/** A rate per request that is watched; a latency guard counts requests slower than `thresholdMs`, fixed at the start. */
export const guardSpec = z.object({
  name: guardName,
  margin: z.number(),
  thresholdMs: z.number().nullable(),
})
export type GuardSpec = z.infer<typeof guardSpec>

export const arms = z.object({ requests: z.number().int(), events: z.number().int() })

export const guardLook = z.object({
  name: guardName,
  champion: arms,
  candidate: arms,
  /** Candidate minus champion, inside windows, Mantel-Haenszel weighted; with its time-uniform interval. */
  difference: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  margin: z.number(),
  decision: z.enum(['continue', 'promote', 'abort', 'inconclusive']),
})
export type GuardLook = z.infer<typeof guardLook>

export const rolloutLook = z.object({
  rolloutId: z.string(),
  sequence: z.number().int(),
  at: epochMs,
  step: z.number().int(),
  sharePercent: z.number(),
  /** Windows with both arms used so far, and the end of the newest one. */
  windows: z.number().int(),
  windowEndMs: epochMs,
  guards: z.array(guardLook),
  decision: z.enum(['continue', 'hold', 'promote', 'abort', 'brake']),
  reason: z.string(),
  /** Candidate requests still wanted for the next promotion, and the time at the present traffic; null: cannot be said. */
  needsRequests: z.number().nullable(),
  needsMs: z.number().nullable(),
})
export type RolloutLook = z.infer<typeof rolloutLook>

/** What a step can and cannot detect, said before the start. */
export const stepForecast = z.object({
  sharePercent: z.number(),
  requestsPerSecond: z.number(),
  guard: guardName,
  baseRate: z.number(),
  /** Expected time until an equal candidate is promoted from this step alone; null: never at this traffic. */
  promoteMs: z.number().nullable(),
  /** Smallest rise of the rate that is caught with probability one half within `withinMs`. */
  detectableRise: z.number().nullable(),
  withinMs: z.number(),
})
export type StepForecast = z.infer<typeof stepForecast>

export const rollout = z.object({
  id: z.string(),
  changeId: changeId.nullable(),
  model: modelName,
  champion: versionLabel,
  candidate: versionLabel,
  plan: rolloutPlan,
  guards: z.array(guardSpec),
  forecast: z.array(stepForecast),
  state: rolloutState,
  step: z.number().int(),
  reason: z.string().nullable(),
  startedAt: epochMs,
  stepStartedAt: epochMs,
  finishedAt: epochMs.nullable(),
  /** From the decision to go back to the last request that the candidate answered; null until known. */
  rollbackMs: z.number().nullable(),
})
export type Rollout = z.infer<typeof rollout>
