import { z } from 'zod'
import { artifactRef } from './artifact-ref.ts'
import { batchChange, echoScript, engineName, textFields } from './model.ts'
import { changeId, datasetName, digest, epochMs, modelName, versionLabel } from './names.ts'

export const axis = z.enum(['cost', 'latency', 'accuracy', 'security', 'stability'])
export type Axis = z.infer<typeof axis>

export const axisVerdict = z.enum(['superior', 'non-inferior', 'inferior', 'inconclusive'])
export type AxisVerdict = z.infer<typeof axisVerdict>

/** The checks in the order in which they run. */
export const checkName = z.enum(['compatibility', 'accuracy', 'stability', 'latency', 'cost'])
export type CheckName = z.infer<typeof checkName>

export const guardName = z.enum(['errors', 'timeouts', 'refusals', 'latencyP95', 'latencyP99'])
export type GuardName = z.infer<typeof guardName>

export const riskTier = z.enum(['parameter', 'prompt', 'same-family', 'new-provider', 'new-architecture'])
export type RiskTier = z.infer<typeof riskTier>

/** Fractions: 0.10 is ten percent, 0.01 one percentage point. */
export const margins = z.strictObject({
  /** Share of right answers, percentage points as a fraction. */
  accuracy: z.number().positive().max(0.5).default(0.01),
  /** Flips under noise and over repeats, percentage points as a fraction. */
  stabilityFlips: z.number().positive().max(0.5).default(0.01),
  /** Relative change of the p95. */
  latencyP95: z.number().positive().max(10).default(0.1),
  /** Relative change of compute-seconds per answer. */
  cost: z.number().positive().max(10).default(0.05),
})
export type Margins = z.infer<typeof margins>

export const rolloutPlan = z.strictObject({
  strategy: z.enum(['canary']).default('canary'),
  /** Percent of units on the candidate, growing, the last one 100. */
  steps: z.array(z.number().positive().max(100)).min(1).max(20).default([1, 5, 25, 50, 100]),
  guards: z.array(guardName).min(1).default(['errors', 'timeouts', 'latencyP99']),
  /** By how much the rate of a guard may rise: percentage points as a fraction. */
  guardMargins: z.partialRecord(guardName, z.number().positive().max(0.5)).default({}),
  windowMs: z.number().int().min(1000).max(10_000).default(1000),
  alphaAbort: z.number().positive().max(0.2).default(0.01),
  alphaPromote: z.number().positive().max(0.2).default(0.05),
  /** The old version is kept at full capacity so long after the last step, so that going back is one write. */
  scaleDownDelayMs: z.number().int().min(0).max(86_400_000).default(30_000),
  /** What the forecast counts on; left out: the traffic of the last minute. The judge itself goes by what it sees. */
  expectedRequestsPerSecond: z.number().positive().max(10_000_000).optional(),
})
export type RolloutPlan = z.infer<typeof rolloutPlan>

/** What a candidate says of itself; fields that are left out are inherited from the champion. */
export const candidateSpec = z.strictObject({
  label: versionLabel,
  engine: engineName.optional(),
  artifact: artifactRef.optional(),
  preprocess: artifactRef.optional(),
  batching: batchChange.optional(),
  threads: z.number().int().min(1).max(64).optional(),
  echo: echoScript.optional(),
  ...textFields,
})
export type CandidateSpec = z.infer<typeof candidateSpec>

export const changeProposal = z.strictObject({
  model: modelName,
  /** `champion`, or the label of a version. */
  from: z.string().default('champion'),
  to: candidateSpec,
  hypothesis: z.string().min(1).max(2000),
  goal: axis,
  margins: margins.prefault({}),
  data: z.strictObject({ golden: datasetName, holdout: z.boolean().default(true) }),
  risk: riskTier.default('same-family'),
  rollout: rolloutPlan.prefault({}),
})
export type ChangeProposal = z.infer<typeof changeProposal>

export const changeState = z.enum([
  'draft',
  'proposed',
  'checking',
  'verdict',
  'staging',
  'sign-off',
  'canary',
  'live',
  'watched',
  'done',
  'blocked',
  'inconclusive',
  'waived',
  'rolled-back',
  'withdrawn',
])
export type ChangeState = z.infer<typeof changeState>

export const recommendation = z.enum(['adopt', 'adopt-with-conditions', 'hold', 'reject'])
export type Recommendation = z.infer<typeof recommendation>

/** What a check measured on one axis. Positive `estimate` means more of the measure; `better` says which side is good. */
export const measurement = z.object({
  axis: axis.nullable(),
  measure: z.string(),
  unit: z.enum(['pp', 'ratio', 'count']),
  better: z.enum(['lower', 'higher']),
  /** `pp`: difference of shares as a fraction. `ratio`: candidate/champion − 1. */
  estimate: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  confidence: z.number(),
  margin: z.number(),
  verdict: axisVerdict,
  /** Sample description for people: "2,421 pairs", "12 AB/BA pairs". */
  from: z.string(),
  /** What would settle an inconclusive answer, in words with numbers. */
  needs: z.string().nullable(),
})
export type Measurement = z.infer<typeof measurement>

export const evidence = z.object({
  change: changeId,
  check: checkName,
  /** Versions by id, so that evidence cannot be moved to another pair. */
  champion: z.object({ label: versionLabel, id: digest }),
  candidate: z.object({ label: versionLabel, id: digest }),
  /** What was to be measured, made before any candidate output existed. */
  plan: z.record(z.string(), z.unknown()),
  planHash: digest,
  status: z.enum(['pass', 'fail', 'inconclusive', 'invalid']),
  /** One line a person reads. */
  summary: z.string(),
  measurements: z.array(measurement),
  /** What else a page shows: flips, rungs, noise floor. Not judged. */
  details: z.record(z.string(), z.unknown()),
  /** Raw blocks, from which `measurements` are recomputed by `slipway verify`. */
  raw: z.record(z.string(), z.unknown()),
  startedAt: epochMs,
  finishedAt: epochMs,
  /** Digest of the canonical JSON of all of the above. */
  hash: digest,
})
export type Evidence = z.infer<typeof evidence>

export const gateName = z.enum([
  'compatibility',
  'accuracy',
  'stability',
  'latency',
  'cost',
  'verdict',
  'staging',
  'sign-off',
  'canary',
])
export type GateName = z.infer<typeof gateName>

export const gateResult = z.object({
  gate: gateName,
  result: z.enum(['pass', 'fail', 'hold']),
  reasons: z.array(z.string()),
})
export type GateResult = z.infer<typeof gateResult>

export const changeVerdict = z.object({
  recommendation,
  /** The verdict in one sentence. */
  sentence: z.string(),
  table: z.array(measurement),
  /** Hash over the hashes of all evidence; what a sign-off is bound to. */
  evidenceHash: digest,
})
export type ChangeVerdict = z.infer<typeof changeVerdict>

/** Noun-verb, past tense. `data` depends on the type; see docs/concepts. */
export const changeEventType = z.enum([
  'change-proposed',
  'checking-started',
  'check-started',
  'holdout-read',
  'check-finished',
  'gate-decided',
  'verdict-reached',
  'deploy-requested',
  'deploy-allowed',
  'staging-started',
  'staging-finished',
  'sign-off-requested',
  'sign-off-given',
  'canary-started',
  'step-promoted',
  'canary-paused',
  'canary-resumed',
  'canary-finished',
  'traffic-rolled-back',
  'incident-opened',
  'change-blocked',
  'change-inconclusive',
  'change-waived',
  'change-withdrawn',
  'champion-replaced',
  'change-closed',
])
export type ChangeEventType = z.infer<typeof changeEventType>

/** One link of the chain: `hash` covers everything else in it, `previousHash` the link before (null at the start). */
export const changeEvent = z.object({
  change: changeId,
  sequence: z.number().int().nonnegative(),
  at: epochMs,
  actor: z.string(),
  type: changeEventType,
  data: z.record(z.string(), z.unknown()),
  previousHash: digest.nullable(),
  hash: digest,
})
export type ChangeEvent = z.infer<typeof changeEvent>

export const signOff = z.object({
  change: changeId,
  gate: gateName,
  /** The name of the key, for people. */
  actor: z.string(),
  /** The public id of the key that signed: what tells one signer from another. Absent in records of before. */
  key: z.string().optional(),
  evidenceHash: digest,
  at: epochMs,
  expiresAt: epochMs,
  note: z.string(),
})
export type SignOff = z.infer<typeof signOff>

/** A debt with a name and an end: the change goes on although a gate of its checks does not pass. */
export const waiver = z.strictObject({
  /** At most 30 days from now. A change that is not live by then falls back. */
  until: epochMs,
  why: z.string().trim().min(1).max(2000),
})
export type Waiver = z.infer<typeof waiver>

export const checkProgress = z.object({
  check: checkName,
  status: z.enum(['waiting', 'running', 'pass', 'fail', 'inconclusive', 'invalid']),
  done: z.number(),
  total: z.number(),
  /** What the count counts: "items", "blocks". */
  unit: z.string(),
  etaMs: z.number().nullable(),
  summary: z.string().nullable(),
})
export type CheckProgress = z.infer<typeof checkProgress>

export const change = z.object({
  id: changeId,
  proposal: changeProposal,
  state: changeState,
  /** Why it is blocked, what an inconclusive change needs. */
  reason: z.string().nullable(),
  champion: z.object({ label: versionLabel, id: digest }),
  candidate: z.object({ label: versionLabel, id: digest }),
  author: z.string(),
  createdAt: epochMs,
  updatedAt: epochMs,
  verdict: changeVerdict.nullable(),
  checks: z.array(checkProgress),
  rolloutId: z.string().nullable(),
})
export type Change = z.infer<typeof change>
