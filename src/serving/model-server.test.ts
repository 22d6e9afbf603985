import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ModelContract, type ReplicaSpec, replicaSpec, replicaStatus } from '../contracts/index.ts'
import { digestOf, digestOfBytes, silentLogger, systemClock } from '../kernel/index.ts'
import { compileRows, connectLink, type LinkClient, type LinkOutcome, type RowCodec } from '../link/index.ts'
import { type ModelServer, startModelServer } from './index.ts'

const KEY = 'slw_internal_secret'
const scalars: ModelContract = {
  inputs: [{ name: 'x', dtype: 'float64', shape: [] }],
  outputs: [{ name: 'x', dtype: 'float64', shape: [] }],
}

let folder: string
const opened: { close(): void | Promise<void> }[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replica-'))
  writeFileSync(join(folder, 'internal-key'), `${KEY}\n`)
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

function specOf(spec: object, more: Partial<ReplicaSpec> = {}): ReplicaSpec {
  return replicaSpec.parse({
    replicaId: 'r-1',
    model: 'digits',
    label: 'v1',
    versionId: digestOfBytes('v1'),
    spec: { engine: 'echo', contract: scalars, ...spec },
    address: `unix:${join(folder, 's')}`,
    runFolder: join(folder, 'run'),
    internalKeyFile: join(folder, 'internal-key'),
    drainTimeoutMs: 2000,
    ...more,
  })
}

async function start(spec: ReplicaSpec): Promise<ModelServer> {
  const server = await startModelServer(spec, {
    clock: systemClock,
    logger: silentLogger(),
    startedAt: Date.now(),
  })
  opened.push({ close: () => server.drain() })
  return server
}

async function dial(server: ModelServer, key?: string): Promise<LinkClient> {
  const client = await connectLink(server.status.address, {
    clock: systemClock,
    ...(key === undefined ? {} : { key }),
  })
  opened.push(client)
  return client
}

type Told = LinkOutcome & { values: unknown[] }

function ask(
  client: LinkClient,
  rows: Record<string, unknown>[],
  {
    contract = scalars,
    deadlineMs = 0,
    priority = 1,
  }: { contract?: ModelContract; deadlineMs?: number; priority?: number } = {},
): Promise<Told> {
  const inputs: RowCodec = compileRows(contract.inputs, 'digits')
  const outputs = compileRows(contract.outputs, 'digits')
  return new Promise((resolve) => {
    client.request({ rows: rows.length, body: inputs.encodeJson(rows), deadlineMs, priority }, (outcome) =>
      resolve({ ...outcome, values: outcome.ok ? outputs.toObjects(outcome.body, outcome.rows) : [] }),
    )
  })
}

const statusFile = () =>
  replicaStatus.parse(JSON.parse(readFileSync(join(folder, 'run/status.json'), 'utf8')))
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ x: from + index }))

describe('a model server', () => {
  test('says what it serves and answers', async () => {
    const server = await start(specOf({}))
    expect(statusFile()).toMatchObject({ phase: 'ready', pid: process.pid, failure: null })
    expect(statusFile().loadMs).toBeGreaterThanOrEqual(0)
    const client = await dial(server)
    expect(client.hello).toMatchObject({
      model: 'digits',
      version: 'v1',
      replica: 'r-1',
      contract: digestOf(scalars),
    })
    expect(await ask(client, [{ x: 7 }])).toMatchObject({ ok: true, rows: 1, values: [{ x: 7 }] })
  })

  test('answers hundreds of callers their own rows, whatever shares their batch', async () => {
    const server = await start(specOf({ echo: { perRowMs: 0.05 } }))
    const clients = await Promise.all([dial(server), dial(server), dial(server)])
    const sizes = Array.from({ length: 300 }, (_, index) => 1 + ((index * 7) % 5))
    const answers = sizes.map((size, index) => ask(clients[index % 3]!, numbered(size, index * 10)))
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      expect(answer.values).toEqual(numbered(sizes[index]!, index * 10))
    }
  })

  test('cuts a request that is larger than a batch, and puts its answer together', async () => {
    const server = await start(specOf({ batching: { maxBatchSize: 4, maxQueueRows: 100 } }))
    const client = await dial(server)
    const [large, small] = await Promise.all([ask(client, numbered(50)), ask(client, numbered(2, 500))])
    expect(large.values).toEqual(numbered(50))
    expect(small.values).toEqual(numbered(2, 500))
    expect(await ask(client, numbered(101))).toMatchObject({
      code: 'too_many_rows',
      parameters: { rows: 101, limit: 100 },
      retrySafe: true,
    })
  })

  test('does not mix rows of different shapes', async () => {
    const words: ModelContract = {
      inputs: [{ name: 'ids', dtype: 'int64', shape: [null] }],
      outputs: [{ name: 'ids', dtype: 'int64', shape: [null] }],
    }
    const server = await start(specOf({ contract: words, echo: { latencyMs: 5 } }))
    const client = await dial(server)
    const rows = [[1], [1, 2], [3], [3, 4], []].map((ids) => [{ ids }])
    const answers = await Promise.all(rows.map((row) => ask(client, row, { contract: words })))
    expect(answers.map(({ values }) => values)).toEqual(rows)
  })

  test('refuses what its queue cannot hold, with when to come back', async () => {
    const server = await start(
      specOf({ echo: { latencyMs: 50 }, batching: { maxBatchSize: 1, maxQueueRows: 2 } }),
    )
    // Each client has credit for two.
    const clients = await Promise.all([dial(server), dial(server), dial(server)])
    const answers = await Promise.all(
      clients.flatMap((client) => [ask(client, [{ x: 1 }]), ask(client, [{ x: 1 }])]),
    )
    const refused = answers.filter(({ ok }) => !ok)
    expect(refused.length).toBeGreaterThan(0)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(2)
    for (const answer of refused) {
      expect(answer).toMatchObject({ code: 'overloaded', retrySafe: true })
      expect(answer.ok ? 0 : answer.parameters.retryAfterMs).toBeGreaterThan(0)
    }
  })

  test('lets the expired go while a batch still runs, and the cancelled without computing them', async () => {
    const server = await start(specOf({ echo: { latencyMs: 300 }, batching: { maxBatchSize: 1 } }))
    const client = await dial(server)
    const startMs = performance.now()
    const running = ask(client, [{ x: 1 }])
    await sleep(10)
    expect(await ask(client, [{ x: 2 }], { deadlineMs: 60 })).toMatchObject({ code: 'deadline_exceeded' })
    expect(performance.now() - startMs).toBeLessThan(250)
    expect((await running).ok).toBe(true)
    const metrics = await fetch(`${server.status.httpUrl}/metrics`, {
      headers: { authorization: `Bearer ${KEY}` },
    })
    const text = await metrics.text()
    expect(text).toMatch(/slipway_replica_rows_total\{.*\} 1\n/)
    expect(text).toMatch(/slipway_replica_batches_total\{reason="full",.*\} 1\n/)
    expect(text).toMatch(/slipway_replica_requests_total\{outcome="ok",.*\} 1\n/)
  })

  test('fails requests by script and serves the others', async () => {
    const server = await start(specOf({ echo: { failShare: 0.5, seed: 2 } }))
    const client = await dial(server)
    const answers = await Promise.all(numbered(100).map((row) => ask(client, [row])))
    const failed = answers.filter(({ ok }) => !ok)
    expect(failed.length).toBeGreaterThan(25)
    expect(failed.length).toBeLessThan(75)
    expect(failed[0]).toMatchObject({
      code: 'model_failed',
      retrySafe: false,
      parameters: { model: 'digits', version: 'v1' },
    })
  })

  test('asks for the key of the installation on TCP', async () => {
    const server = await start(specOf({}, { address: 'tcp:127.0.0.1:0' }))
    expect(server.status.address).toMatch(/^tcp:127\.0\.0\.1:[1-9]/)
    await expect(dial(server)).rejects.toMatchObject({ code: 'replica_unready' })
    expect(await ask(await dial(server, KEY), [{ x: 1 }])).toMatchObject({ ok: true })
  })

  test('survives rows that do not fit its contract', async () => {
    const server = await start(specOf({}))
    const client = await dial(server)
    const outcome = await new Promise<LinkOutcome>((resolve) => {
      client.request({ rows: 2, body: Buffer.alloc(9) }, resolve)
    })
    expect(outcome).toMatchObject({ ok: false, code: 'internal' })
    expect(await ask(client, [{ x: 1 }])).toMatchObject({ ok: true })
  })
})

describe('a model of its own kind', () => {
  const pathOf = (name: string) => fileURLToPath(new URL(`testing/${name}.onnx`, import.meta.url))
  const slow = pathOf('slow')
  const contract: ModelContract = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
  }

  test('exported for one row is served row by row', async () => {
    const server = await start(
      specOf({ engine: 'onnx', contract }, { files: { artifact: pathOf('fixed-1') } }),
    )
    const client = await dial(server)
    const answers = await Promise.all([
      ask(client, numbered(3), { contract }),
      ask(client, numbered(1, 9), { contract }),
    ])
    expect(answers.map(({ values }) => values)).toEqual([[{ y: 0 }, { y: 1 }, { y: 2 }], [{ y: 9 }]])
  })

  test('exported for another number of rows is refused', async () => {
    await expect(
      start(specOf({ engine: 'onnx', contract }, { files: { artifact: pathOf('fixed-3') } })),
    ).rejects.toMatchObject({ code: 'contract_broken', message: expect.stringMatching(/exactly 3 rows/) })
  })

  test('that is slow computes while probes answer and deadlines pass', async () => {
    const server = await start(
      specOf({ engine: 'onnx', contract, batching: { maxBatchSize: 1 } }, { files: { artifact: slow } }),
    )
    const client = await dial(server)
    const log: string[] = []
    const note = (what: string) => () => void log.push(what)
    const answer = ask(client, [{ x: 1 }], { contract })
    const answered = answer.then(note('answered'))
    await sleep(10)
    await Promise.all([
      answered,
      ask(client, [{ x: 2 }], { contract, deadlineMs: 5 }).then(note('late')),
      fetch(`${server.status.httpUrl}/livez`).then(note('live')),
      client.ping().then(note('pong')),
    ])
    expect(log.toSorted()).toEqual(['answered', 'late', 'live', 'pong'])
    expect(log.at(-1)).toBe('answered')
    expect((await answer).values).toEqual([{ y: 1 }])
  })
})

describe('probes', () => {
  const get = async (server: ModelServer, path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${server.status.httpUrl}${path}`, { headers })).status

  test('are public, metrics are not', async () => {
    const server = await start(specOf({}))
    for (const path of ['/livez', '/readyz', '/v2/health/live', '/v2/health/ready']) {
      expect(await get(server, path)).toBe(200)
    }
    expect(await get(server, '/metrics')).toBe(401)
    expect(await get(server, '/metrics', { authorization: 'Bearer slw_internal_secreT' })).toBe(401)
    expect(await get(server, '/metrics', { authorization: `Bearer ${KEY}` })).toBe(200)
    expect(await get(server, '/nothing')).toBe(404)
    expect((await fetch(`${server.status.httpUrl}/livez`, { method: 'POST' })).status).toBe(405)
  })

  test('say not ready while it drains', async () => {
    const server = await start(specOf({ echo: { latencyMs: 200 } }))
    const client = await dial(server)
    const running = ask(client, [{ x: 1 }])
    await sleep(20)
    const drained = server.drain()
    expect(await get(server, '/readyz')).toBe(503)
    expect(await get(server, '/livez')).toBe(200)
    expect(statusFile().phase).toBe('draining')
    expect((await running).ok).toBe(true)
    await drained
  })
})

describe('a version that cannot be served', () => {
  const digits = fileURLToPath(new URL('../../bench/floor/digits.onnx', import.meta.url))
  const contract: ModelContract = {
    inputs: [{ name: 'features', dtype: 'float32', shape: [64] }],
    outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
  }
  const artifact = { digest: digestOfBytes(readFileSync(digits)), name: 'digits.onnx' }

  test.each([
    [
      'a file that changed',
      { ...artifact, digest: digestOfBytes('other') },
      digits,
      contract,
      'artifact_digest_mismatch',
    ],
    ['a file that is gone', artifact, `${digits}.gone`, contract, 'artifact_missing'],
    [
      'another contract',
      artifact,
      digits,
      { ...contract, outputs: [{ name: 'class', dtype: 'int64' as const, shape: [] }] },
      'contract_broken',
    ],
  ])('for %s says so in its status', async (_, artifact, path, contract, code) => {
    await expect(
      start(specOf({ engine: 'onnx', artifact, contract }, { files: { artifact: path } })),
    ).rejects.toMatchObject({ code })
    expect(statusFile()).toMatchObject({
      phase: 'failed',
      failure: { code, detail: expect.stringMatching(/\w/) },
    })
  })

  test('with its contract kept is served', async () => {
    const server = await start(
      specOf({ engine: 'onnx', artifact, contract }, { files: { artifact: digits } }),
    )
    const rows = [{ features: Array.from({ length: 64 }, (_, index) => index % 17) }]
    const answer = await ask(await dial(server), rows, { contract })
    expect(answer).toMatchObject({ ok: true, values: [{ label: expect.any(Number) }] })
  })

  test('without the key file is told as such', async () => {
    rmSync(join(folder, 'internal-key'))
    await expect(start(specOf({}))).rejects.toThrow()
    expect(statusFile()).toMatchObject({ phase: 'failed', failure: { code: 'internal' } })
  })
})
