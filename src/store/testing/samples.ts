import {
  type Change,
  changeProposal,
  type Digest,
  type Evidence,
  type Incident,
  NO_USAGE,
  newModel,
  type RequestRecord,
  type Rollout,
  type RolloutLook,
  rolloutPlan,
  type TextRecord,
  versionSpec,
} from '../../contracts/index.ts'
import { digestOf } from '../../kernel/index.ts'
import type { NewEvent, Store } from '../store.ts'

export const AT = Date.UTC(2026, 0, 15, 12)

export const spamModel = newModel.parse({
  model: 'spam_filter',
  description: 'Is it spam?',
  owner: 'mail team',
  task: 'classification',
  framework: 'sklearn',
  contract: {
    inputs: [{ name: 'features', dtype: 'float32', shape: [null, 4] }],
    outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
  },
  classes: ['ham', 'späm'],
})

export const echoSpec = (seed = 1) =>
  versionSpec.parse({ engine: 'echo', contract: spamModel.contract, echo: { seed } })

export const someDigest = (of: unknown): Digest => digestOf(of)

/** The model with two versions. */
export async function withVersions(store: Store): Promise<void> {
  await store.models.create(spamModel)
  await store.versions.register('spam_filter', 'v1', echoSpec(1))
  await store.versions.register('spam_filter', 'v2', echoSpec(2))
}

export function sampleChange(id = 'c-aaaa'): Change {
  const arm = (label: string) => ({ label, id: someDigest(label) })
  return {
    id,
    proposal: changeProposal.parse({
      model: 'spam_filter',
      to: { label: 'v2' },
      hypothesis: 'v2 catches more.',
      goal: 'accuracy',
      data: { golden: 'spam_golden' },
    }),
    state: 'proposed',
    reason: null,
    champion: arm('v1'),
    candidate: arm('v2'),
    author: 'ada',
    createdAt: AT,
    updatedAt: AT,
    verdict: null,
    checks: [],
    rolloutId: null,
  }
}

export function sampleEvent(
  type: NewEvent['type'] = 'change-proposed',
  data: NewEvent['data'] = {},
): NewEvent {
  return { at: AT, actor: 'ada', type, data }
}

export function sampleEvidence(change = 'c-aaaa', raw: Record<string, unknown> = {}): Evidence {
  const body: Omit<Evidence, 'hash'> = {
    change,
    check: 'accuracy',
    champion: { label: 'v1', id: someDigest('v1') },
    candidate: { label: 'v2', id: someDigest('v2') },
    plan: { seed: 7 },
    planHash: someDigest({ seed: 7 }),
    status: 'pass',
    summary: 'v2 is right 1.2 points more often.',
    measurements: [],
    details: {},
    raw,
    startedAt: AT,
    finishedAt: AT + 1000,
  }
  return { ...body, hash: digestOf(body) }
}

export function sampleRollout(id = 'r-1'): Rollout {
  return {
    id,
    changeId: null,
    model: 'spam_filter',
    champion: 'v1',
    candidate: 'v2',
    plan: rolloutPlan.parse({}),
    guards: [{ name: 'errors', margin: 0.01, thresholdMs: null }],
    forecast: [],
    state: 'progressing',
    step: 0,
    reason: null,
    startedAt: AT,
    stepStartedAt: AT,
    finishedAt: null,
    rollbackMs: null,
  }
}

export function sampleLook(sequence: number, rolloutId = 'r-1'): RolloutLook {
  return {
    rolloutId,
    sequence,
    at: AT + sequence * 1000,
    step: 0,
    sharePercent: 1,
    windows: sequence,
    windowEndMs: AT + sequence * 1000,
    guards: [],
    decision: 'continue',
    reason: 'too little yet',
    needsRequests: 120,
    needsMs: null,
  }
}

export function sampleIncident(id = 'i-1'): Incident {
  return {
    id,
    model: 'spam_filter',
    version: 'v2',
    changeId: null,
    openedAt: AT,
    closedAt: null,
    title: 'v2 fails',
    actions: [],
    before: ['1 min before: traffic v2 0 → 5 %'],
  }
}

export function sampleRecord(fields: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: 'r-0001',
    at: AT,
    model: 'spam_filter',
    version: 'v1',
    replica: 'v1-a',
    tenant: 'default',
    key: 'k1',
    assignment: 'split',
    experiment: 'spam_filter',
    bucket: 4_294_967_295,
    status: 200,
    outcome: 'ok',
    code: null,
    latencyMs: 1.25,
    queueMs: 0.5,
    computeMs: 0.625,
    rows: 1,
    retries: 0,
    ...fields,
  }
}

export function sampleText(detail: string): TextRecord {
  const usage = { ...NO_USAGE, input: 12, output: 3 }
  const cost = { state: 'exact' as const, costUsd: '0.0000036', price: detail }
  return {
    operation: 'generate',
    surface: 'openai-chat',
    stream: true,
    provider: 'openai',
    providerModel: detail,
    upstreamRequestId: detail,
    ttftMs: 12.5,
    chunks: 3,
    finishReason: 'stop',
    usage,
    cost,
    priority: 'interactive',
    rung: null,
    quality: 1,
    cache: 'off',
    savedUsd: null,
    attempts: [],
    guardrails: [],
  }
}
