/**
 * The real predict path for measuring: model servers and a gateway as their own processes, started by their own entry
 * points, with a stand-in for control that hands out snapshots and takes the records.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  newProvider,
  type Provider,
  type ReplicaSpec,
  type Snapshot,
  type SnapshotModel,
  type TrafficShares,
  textContract,
  type VersionSpec,
  versionSpec,
} from '../../src/contracts/index.ts'
import { digestOf, digestOfBytes, macOfSecret, newKeySecret } from '../../src/kernel/index.ts'
import { resplit } from '../../src/routing/index.ts'

export interface RealPath {
  readonly url: string
  readonly key: string
  readonly gatewayPid: number
  /** Records that arrived, and those that the gateway said it lost. */
  readonly records: { taken: number; dropped: number }
  publish(shares: TrafficShares): void
  /** Resident memory of the gateway, bytes. */
  gatewayMemory(): number
  /** CPU time of the gateway so far, seconds. */
  gatewayCpu(): number
  stop(): Promise<void>
}

const digits = fileURLToPath(new URL('../floor/digits.onnx', import.meta.url))

export const digitsSpec: VersionSpec = versionSpec.parse({
  engine: 'onnx',
  artifact: { digest: digestOfBytes(readFileSync(digits)), name: 'digits.onnx' },
  // As the floor does: what came during one call makes the next one, nothing waits for company.
  batching: { maxBatchSize: 1024, maxQueueDelayMs: 0 },
  contract: {
    inputs: [{ name: 'features', dtype: 'float32', shape: [64] }],
    outputs: [
      { name: 'label', dtype: 'int64', shape: [] },
      { name: 'probabilities', dtype: 'float32', shape: [10] },
    ],
  },
})

export interface RealPathOptions {
  readonly versions?: readonly string[]
  /** Port of a remote endpoint that answers in place of model servers. */
  readonly remotePort?: number
  /** Port of a provider of chat completions: then there is one model of text, `chat`, and `url` is its path. */
  readonly chatPort?: number
}

export async function startRealPath({
  versions = ['v1'],
  remotePort,
  chatPort,
}: RealPathOptions = {}): Promise<RealPath> {
  const folder = mkdtempSync(join(tmpdir(), 'path-'))
  const children: ChildProcess[] = []
  const pepper = randomBytes(32)
  const internalKey = 'slw_internal00_bench'
  mkdirSync(join(folder, 'secrets'))
  mkdirSync(join(folder, 'run'))
  writeFileSync(join(folder, 'secrets', 'pepper'), pepper.toString('hex'))
  writeFileSync(join(folder, 'secrets', 'internal-key'), internalKey)
  const control = await standInControl()
  const start = (entry: string, words: string[], environment: Record<string, string>): ChildProcess => {
    const path = fileURLToPath(new URL(`${entry}.ts`, import.meta.url))
    const child = spawn(process.execPath, [path, ...words], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    children.push(child)
    return child
  }
  for (const version of remotePort === undefined && chatPort === undefined ? versions : []) {
    const spec = replicaSpecOf(folder, version)
    mkdirSync(spec.runFolder, { recursive: true })
    const specFile = join(spec.runFolder, 'spec.json')
    writeFileSync(specFile, JSON.stringify(spec))
    start('../../src/apps/model-server', [specFile], {})
    await until(() => phaseOf(spec.runFolder) === 'ready')
  }
  const { key, publicId, secret } = newKeySecret()
  let revision = 0
  const whereIs = (label: string) =>
    remotePort === undefined
      ? { address: replicaSpecOf(folder, label).address }
      : { address: `http://127.0.0.1:${remotePort}/predict`, allowInner: true }
  const publish = (shares: TrafficShares): void => {
    const snapshot: Snapshot = {
      revision: ++revision,
      createdAt: Date.now(),
      keys: [
        {
          publicId,
          mac: macOfSecret(secret, pepper),
          tenant: 'bench',
          scopes: ['predict', 'read'],
          limits: { requestsPerSecond: 10_000_000, concurrency: 1_000_000 },
          expiresAt: null,
        },
      ],
      ...(chatPort === undefined ? {} : { providers: [benchProvider(chatPort)] }),
      models: [
        chatPort !== undefined
          ? chatModel
          : {
              model: 'digits',
              contract: digitsSpec.contract,
              experiment: 'digits/1',
              slices: resplit([], shares),
              captureFailures: true,
              versions: versions.map((label) => ({
                label,
                id: digestOf({ label }),
                maxBatchRows: digitsSpec.batching.maxBatchSize,
                replicas: [{ id: `${label}-0`, ...whereIs(label), draining: false }],
              })),
            },
      ],
    }
    control.publish(snapshot)
  }
  publish({ [versions[0] as string]: 100 })
  const gateway = start('../../src/apps/gateway', [], {
    SLIPWAY_DATA: folder,
    SLIPWAY_GATEWAY_PORT: '0',
    SLIPWAY_CONTROL_URL: control.url,
  })
  const runFile = join(folder, 'run', 'gateway-0.json')
  await until(() => existsSync(runFile))
  const { port } = JSON.parse(readFileSync(runFile, 'utf8')) as { port: number }
  const base = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${base}/readyz`)).status === 200)
  return {
    url: chatPort === undefined ? `${base}/api/v1/models/digits/predict` : `${base}/v1/chat/completions`,
    key,
    gatewayPid: gateway.pid as number,
    records: control.records,
    publish,
    gatewayMemory: () => statusKilobytes(gateway.pid as number) * 1024,
    gatewayCpu: () => cpuSeconds(gateway.pid as number),
    stop: async () => {
      for (const child of children.toReversed()) {
        child.kill('SIGTERM')
        if (child.exitCode === null) await once(child, 'exit')
      }
      control.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function benchProvider(port: number): Provider {
  const wanted = {
    name: 'bench',
    kind: 'openai-compatible',
    baseUrl: `http://127.0.0.1:${port}/v1`,
    allowInner: true,
  }
  return { ...newProvider.parse(wanted), revision: 1, updatedAt: 0 }
}

const chatModel: SnapshotModel = {
  model: 'chat',
  contract: textContract,
  experiment: 'chat/1',
  slices: resplit([], { v1: 100 }),
  captureFailures: true,
  versions: [
    {
      label: 'v1',
      id: digestOf({ chat: 1 }),
      maxBatchRows: 1,
      replicas: [],
      text: { engine: 'openai', provider: 'bench', modelName: 'bench-1' },
    },
  ],
}

function replicaSpecOf(folder: string, version: string): ReplicaSpec {
  return {
    replicaId: `${version}-0`,
    model: 'digits',
    label: version,
    versionId: digestOf({ label: version }),
    spec: digitsSpec,
    files: { artifact: digits },
    address: `unix:${join(folder, `${version}.sock`)}`,
    runFolder: join(folder, 'replicas', version),
    internalKeyFile: join(folder, 'secrets', 'internal-key'),
    drainTimeoutMs: 5000,
  }
}

function phaseOf(runFolder: string): string | undefined {
  const path = join(runFolder, 'status.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { phase: string }).phase : undefined
}

/** Snapshots out, records in; counts instead of storing, so that it costs little of the two cores. */
async function standInControl() {
  const records = { taken: 0, dropped: 0 }
  const watchers = new Set<ServerResponse>()
  let event = ''
  const server = createServer((request, response) => {
    if (request.url === '/internal/v1/snapshot') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event)
      watchers.add(response)
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      for (let at = body.indexOf('"requestId":'); at >= 0; at = body.indexOf('"requestId":', at + 1))
        records.taken++
      records.dropped += Number(/"dropped":(\d+)/.exec(body.toString('latin1', 0, 200))?.[1] ?? 0)
      response.writeHead(200).end('{"taken":0}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    records,
    publish(snapshot: Snapshot) {
      event = `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`
      for (const watcher of watchers) watcher.write(event)
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`not so within 30 s: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function statusKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)
}

/** User and system time of /proc, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
