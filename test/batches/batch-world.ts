import OpenAI, { toFile } from 'openai'
import { createApi } from '../../src/api/index.ts'
import { type BatchLimits, createBatches, defaultBatchLimits, gatewayAsker } from '../../src/batches/index.ts'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { type Clock, macOfSecret, parseKey, silentLogger, systemClock } from '../../src/kernel/index.ts'
import type { Store } from '../../src/store/index.ts'
import { openTestStore } from '../../src/store/testing.ts'
import { fixtureParts } from '../dashboard/fixture/parts.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'
import { type ChatProvider, openChatProvider } from './chat-provider.ts'

export interface BatchWorld {
  readonly provider: ChatProvider
  readonly world: World
  readonly store: Store
  /** A client of OpenAI's, with a key of this tenant. */
  client(tenant?: string): OpenAI
  /** Asks control itself. */
  control(asked: { path: string; headers: Record<string, string> }): Promise<{ statusCode: number }>
  /** Batches stop where they are, as when control stops; `start` goes on. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** A real gateway, the real API over a real store, and a provider on HTTP: what a client of OpenAI's meets. */
export async function openBatchWorld(
  wanted: { limits?: Partial<BatchLimits>; clock?: Clock; runs?: boolean } = {},
): Promise<BatchWorld> {
  const clock = wanted.clock ?? systemClock
  const provider = await openChatProvider()
  const world = await openRemoteWorld(
    { house: provider.origin },
    [
      scriptedModel('chat', { v1: { provider: 'house' } }),
      scriptedModel('other', { v1: { provider: 'house' } }),
    ],
    20_000,
  )
  const store = await openTestStore({ clock })
  const keys = new Map<string, string>()
  for (const tenant of ['default', 'rival']) {
    keys.set(tenant, world.addKey({ tenant }))
    const key = world.keys.at(-1) as (typeof world.keys)[number]
    await store.keys.create({ ...key, name: tenant })
  }
  const internal = parseKey(world.control.internalKey) as { publicId: string; secret: string }
  await store.keys.create({
    publicId: internal.publicId,
    mac: macOfSecret(internal.secret, world.pepper),
    name: 'internal',
    tenant: 'default',
    scopes: ['internal'],
    limits: { requestsPerSecond: null, concurrency: null },
    expiresAt: null,
  })
  await world.swap()
  const limits = { ...defaultBatchLimits, sweepMs: 200, ...wanted.limits }
  const open = () =>
    createBatches({
      store,
      asker: gatewayAsker({
        gatewayUrl: `http://127.0.0.1:${world.port}`,
        internalKey: world.control.internalKey,
        connections: 8,
        maxAnswerBytes: limits.maxAnswerBytes,
      }),
      clock,
      logger: silentLogger(),
      limits,
    })
  let batches = open()
  if (wanted.runs !== false) await batches.open()
  const proxied = {
    get files() {
      return batches.files
    },
    get desk() {
      return batches.desk
    },
  }
  const api = await createApi({
    ...fixtureParts(store, () => []),
    clock,
    pepper: world.pepper,
    batches: proxied,
  })
  await api.ready()
  world.control.elsewhere = (request, response) => api.routing(request, response)
  return {
    provider,
    world,
    store,
    client: (tenant = 'default') =>
      new OpenAI({
        apiKey: keys.get(tenant) as string,
        baseURL: `http://127.0.0.1:${world.port}/v1`,
        maxRetries: 0,
      }),
    control: ({ headers, path }) => api.inject({ method: 'GET', url: path, headers }),
    stop: () => batches.close(),
    async start() {
      batches = open()
      await batches.open()
    },
    async close() {
      provider.release()
      await batches.close()
      await world.close()
      await api.close()
      await store.close()
      await provider.close()
    },
  }
}

export type InputLine = Record<string, unknown>

export function chatLine(id: string, question = id, more: Record<string, unknown> = {}): InputLine {
  return {
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'chat', messages: [{ role: 'user', content: question }], ...more },
  }
}

/** Uploads lines (or any text) as the input of a batch. */
export async function uploadInput(client: OpenAI, lines: readonly InputLine[] | string): Promise<string> {
  const text = typeof lines === 'string' ? lines : lines.map((line) => JSON.stringify(line)).join('\n')
  const file = await client.files.create({
    file: await toFile(Buffer.from(text), 'in.jsonl'),
    purpose: 'batch',
  })
  return file.id
}

export async function createBatch(client: OpenAI, lines: readonly InputLine[] | string, more: object = {}) {
  return await client.batches.create({
    input_file_id: await uploadInput(client, lines),
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...more,
  })
}

const ENDED = new Set(['completed', 'failed', 'expired', 'cancelled'])

export async function ended(client: OpenAI, id: string, timeoutMs = 20_000) {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    const batch = await client.batches.retrieve(id)
    if (ENDED.has(batch.status)) return batch
    if (performance.now() > endsAt) throw new Error(`not ended in time: ${JSON.stringify(batch)}`)
    await systemClock.sleep(20)
  }
}

export interface OutputLine {
  id: string
  custom_id: string
  // biome-ignore lint/suspicious/noExplicitAny: bodies are whatever the endpoint answers
  response: { status_code: number; request_id: string; body: any } | null
  error: { code: string; message: string } | null
}

export async function linesOf(client: OpenAI, file: string | null | undefined): Promise<OutputLine[]> {
  if (typeof file !== 'string') return []
  const text = await (await client.files.content(file)).text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OutputLine)
}
