import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { macOfSecret, newKeySecret } from '../kernel/index.ts'
import { resplit } from '../routing/index.ts'
import { FakeControl } from './testing/fake-control.ts'
import { type FakeReplica, fakeReplica, sumContract } from './testing/fake-replica.ts'
import { until } from './testing/world.ts'

/** The gateway as it really runs: its own process, its files, its signals. */
const ENTRY = fileURLToPath(new URL('../apps/gateway.ts', import.meta.url))
const { key, publicId, secret } = newKeySecret()
const pepper = Buffer.alloc(32, 3)
const body = JSON.stringify({ inputs: [{ pixels: [1, 2, 3, 4] }] })

let folder: string
let control: FakeControl
let replica: FakeReplica
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slw-gw-'))
  await mkdir(join(folder, 'secrets'))
  await mkdir(join(folder, 'run'))
  await writeFile(join(folder, 'secrets', 'internal-key'), 'internal\n')
  await writeFile(join(folder, 'secrets', 'pepper'), pepper.toString('hex'))
  control = await new FakeControl('internal').start()
  replica = await fakeReplica(`unix:${join(folder, 'r.sock')}`, 'r-1')
  control.publish({
    revision: 1,
    createdAt: Date.now(),
    keys: [
      {
        publicId,
        mac: macOfSecret(secret, pepper),
        tenant: 't',
        scopes: ['predict', 'read'],
        limits: { requestsPerSecond: null, concurrency: null },
        expiresAt: null,
      },
    ],
    models: [
      {
        model: 'm',
        contract: sumContract,
        experiment: 'm/1',
        slices: resplit([], { v1: 100 }),
        captureFailures: true,
        versions: [
          {
            label: 'v1',
            id: `sha256:${'1'.repeat(64)}`,
            maxBatchRows: 32,
            replicas: [{ id: replica.id, address: replica.address, draining: false }],
          },
        ],
      },
    ],
  })
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await replica.kill()
  await control.stop()
  await rm(folder, { recursive: true, force: true })
})

const start = (environment: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [ENTRY], {
    env: {
      ...process.env,
      SLIPWAY_DATA: folder,
      SLIPWAY_GATEWAY_PORT: '0',
      SLIPWAY_CONTROL_URL: control.url,
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  return { child, log: () => log }
}

const portOf = async (index: number): Promise<number> => {
  const path = join(folder, 'run', `gateway-${index}.json`)
  await until(async () => (await stat(path).catch(() => undefined)) !== undefined)
  return (JSON.parse(await readFile(path, 'utf8')) as { port: number }).port
}

interface Got {
  status: number | undefined
  requestId: string | undefined
  error: string | undefined
}

const predict = (port: number, agent?: Agent): Promise<Got> =>
  new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': body.length,
    }
    const options = { host: '127.0.0.1', port, path: '/api/v1/models/m/predict', method: 'POST', headers }
    const sent = request({ ...options, ...(agent === undefined ? {} : { agent }) }, (response) => {
      const requestId = response.headers['x-slipway-request-id'] as string
      response.resume()
      response.on('end', () => resolve({ status: response.statusCode, requestId, error: undefined }))
      response.on('error', (error) => resolve({ status: undefined, requestId, error: String(error) }))
    })
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: undefined, requestId: undefined, error: error.code }),
    )
    sent.end(body)
  })

const isUp = async (port: number) => until(async () => (await predict(port)).status === 200)

describe('the gateway process', () => {
  test('stopped under load: every request is answered or never taken, and every record arrives', async () => {
    control.records.length = 0
    const { child } = start({ SLIPWAY_GATEWAY_INDEX: '1' })
    const port = await portOf(1)
    await isUp(port)
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    const got: Got[] = []
    let running = true
    const load = Array.from({ length: 16 }, async () => {
      while (running) {
        const answer = await predict(port, agent)
        got.push(answer)
        if (answer.error === 'ECONNREFUSED') return
      }
    })
    await until(() => got.length > 500)
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number]
    running = false
    await Promise.all(load)
    agent.destroy()
    const failed = got.filter((answer) => answer.status !== 200)
    expect([code, [...new Set(failed.map((answer) => answer.error))]]).toEqual([0, ['ECONNREFUSED']])
    const recorded = new Set(control.records.map((record) => record.requestId))
    const answered = got.flatMap((answer) => (answer.requestId === undefined ? [] : [answer.requestId]))
    expect(answered.filter((requestId) => !recorded.has(requestId))).toEqual([])
    expect(await stat(join(folder, 'run', 'gateway-1.json')).catch(() => undefined)).toBeUndefined()
  })

  test('stopped while control is away: the records are on disk, and the next process brings them', async () => {
    control.records.length = 0
    const first = start({ SLIPWAY_GATEWAY_INDEX: '2' })
    const port = await portOf(2)
    await isUp(port)
    await until(() => control.records.length > 0)
    await control.stop()
    const before = control.records.length
    const got = await Promise.all(Array.from({ length: 100 }, () => predict(port)))
    expect(got.every((answer) => answer.status === 200)).toBe(true)
    first.child.kill('SIGTERM')
    expect(((await once(first.child, 'exit')) as [number])[0]).toBe(0)
    const second = start({ SLIPWAY_GATEWAY_INDEX: '2' })
    const nextPort = await portOf(2)
    expect((await predict(nextPort)).status).toBe(200)
    await control.start()
    await until(() => control.records.length >= before + 101)
    const recorded = control.records.map((record) => record.requestId)
    for (const { requestId } of got) expect(recorded.filter((one) => one === requestId)).toHaveLength(1)
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
  })

  test('killed hard: the next one serves from disk at once', async () => {
    const first = start({ SLIPWAY_GATEWAY_INDEX: '3' })
    await isUp(await portOf(3))
    const stored = join(folder, 'gateway-3', 'snapshot.json')
    await until(async () => (await stat(stored).catch(() => undefined)) !== undefined)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    await rm(join(folder, 'run', 'gateway-3.json'))
    await control.stop()
    const second = start({ SLIPWAY_GATEWAY_INDEX: '3' })
    expect((await predict(await portOf(3))).status).toBe(200)
    await control.start()
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
  })

  test('says that its port is taken, and exits with 3', async () => {
    const first = start({ SLIPWAY_GATEWAY_INDEX: '4' })
    const port = await portOf(4)
    const second = start({ SLIPWAY_GATEWAY_INDEX: '5', SLIPWAY_GATEWAY_PORT: String(port) })
    expect(((await once(second.child, 'exit')) as [number])[0]).toBe(3)
    expect(second.log()).toContain(`Port ${port} on 127.0.0.1 is taken.`)
    first.child.kill('SIGTERM')
    await once(first.child, 'exit')
  })

  test('two share a port with SO_REUSEPORT', async () => {
    const first = start({ SLIPWAY_GATEWAY_INDEX: '6', SLIPWAY_GATEWAY_REUSE_PORT: '1' })
    const port = await portOf(6)
    const second = start({
      SLIPWAY_GATEWAY_INDEX: '7',
      SLIPWAY_GATEWAY_REUSE_PORT: '1',
      SLIPWAY_GATEWAY_PORT: String(port),
    })
    expect(await portOf(7)).toBe(port)
    await isUp(port)
    for (const { child } of [first, second]) child.kill('SIGTERM')
    await Promise.all([once(first.child, 'exit'), once(second.child, 'exit')])
  })
})
