import { newModel, type RequestRecord, versionSpec } from '../../contracts/index.ts'
import type { Store } from '../../store/index.ts'

const spamModel = newModel.parse({
  model: 'spam_filter',
  contract: {
    inputs: [{ name: 'features', dtype: 'float32', shape: [4] }],
    outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
  },
})

/** The model, two deployed versions, and the split given. */
export async function withTraffic(store: Store, shares: Record<string, number> = { v1: 100 }): Promise<void> {
  await store.models.create(spamModel)
  for (const version of ['v1', 'v2']) {
    await store.versions.register(
      'spam_filter',
      version,
      versionSpec.parse({
        engine: 'echo',
        contract: spamModel.contract,
        echo: { seed: version === 'v1' ? 1 : 2 },
      }),
    )
    await store.deployments.upsert({ model: 'spam_filter', version, replicas: 1, gpuType: null })
  }
  await store.traffic.set('spam_filter', { shares, slices: [], reason: 'person' })
}

let made = 0

export function sampleRecord(fields: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: `r-${++made}`,
    at: 0,
    model: 'spam_filter',
    version: 'v1',
    replica: 'v1-a',
    tenant: 'default',
    key: 'k1',
    assignment: 'split',
    experiment: 'spam_filter',
    bucket: null,
    status: 200,
    outcome: 'ok',
    code: null,
    latencyMs: 2,
    queueMs: 0,
    computeMs: 1,
    rows: 1,
    retries: 0,
    ...fields,
  }
}
