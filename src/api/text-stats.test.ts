import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatewayTextState, textContract, textStats } from '../contracts/index.ts'
import { silentLogger, systemClock } from '../kernel/index.ts'
import { openTestStore, sampleRecord, sampleText } from '../store/testing.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { openTestApi, type TestApi } from './testing/open-api.ts'

let api: TestApi
let telemetry: Telemetry
let read: string
let internal: string

beforeAll(async () => {
  const store = await openTestStore()
  telemetry = createTelemetry({ store, clock: systemClock, logger: silentLogger() })
  api = await openTestApi({ store, telemetry })
  read = await api.keyFor('read')
  internal = await api.keyFor('internal')
  const made = await call('/api/v1/models', await api.keyFor('deploy'), {
    model: 'chat',
    contract: textContract,
  })
  expect(made.status).toBe(201)
})
afterAll(async () => {
  await telemetry.close()
  await api.close()
})

async function call(path: string, key: string, body?: unknown) {
  const response = await fetch(`${api.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
}

test('a model that answered nothing has zeros and unknowns, no invented figures', async () => {
  const { json, status } = await call('/api/v1/models/chat/text-stats', read)
  expect(status).toBe(200)
  const stats = textStats.parse(json)
  expect(stats.total).toMatchObject({ requests: 0, costs: [], ttft: { count: 0, p50Ms: null, p95Ms: null } })
  expect([stats.versions, stats.series, stats.rungs, stats.gateways]).toEqual([[], [], [], []])
})

test('what gateways tell adds up over batches, and a batch counts once', async () => {
  const record = { ...sampleRecord(), at: Date.now(), model: 'chat', version: 'v1', text: sampleText('p') }
  const batch = {
    gateway: 'gateway-1',
    sequence: 1,
    records: [record, { ...record, requestId: 'second' }],
    dropped: 0,
  }
  await telemetry.ingest(batch)
  await telemetry.ingest(batch)
  await telemetry.ingest({ ...batch, sequence: 2, records: [{ ...record, requestId: 'third' }] })
  const { json } = await call('/api/v1/models/chat/text-stats', read)
  expect(json.total).toMatchObject({
    requests: 3,
    tokens: { input: 36, output: 9 },
    costs: [{ state: 'exact', requests: 3, costUsd: '0.0000108' }],
  })
})

test.each([
  ['nobody known', '/api/v1/models/nobody/text-stats', 404],
  ['times the wrong way round', '/api/v1/models/chat/text-stats?fromMs=2&toMs=1', 422],
  ['more than a week', '/api/v1/models/chat/text-stats?fromMs=0&toMs=604800001&sizeMs=3600000', 422],
  ['more points than are drawn', '/api/v1/models/chat/text-stats?fromMs=0&toMs=604800000', 422],
])('%s is refused', async (_, path, status) => {
  expect((await call(path, read)).status).toBe(status)
})

test('only processes of the installation tell states, and what they tell is shown', async () => {
  const state = gatewayTextState.parse({
    gateway: 'gateway-1',
    providers: [],
    ladders: [{ model: 'chat', month: { answers: 10, degraded: 1 }, rungs: [] }],
    loads: [],
  })
  expect((await call('/internal/v1/text-state', read, state)).status).toBe(403)
  expect((await call('/internal/v1/text-state', internal, state)).status).toBe(204)
  const { json } = await call('/api/v1/models/chat/text-stats', read)
  expect(json.gateways).toMatchObject([{ gateway: 'gateway-1', ladders: [{ month: { degraded: 1 } }] }])
})
