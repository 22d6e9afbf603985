/**
 * What batching is worth: rows a second of the real model server through the link, at batches of up to 32 rows and of
 * 1 row, callers with one row each; and what waiting for company is worth where a batch costs much.
 *
 *   node bench/batching/run.ts [seconds]
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { replicaSpec, replicaStatus } from '../../src/contracts/index.ts'
import { compileRows } from '../../src/link/index.ts'
import { report } from '../result.ts'
import { type LinkLoadResult, loadLink } from './link-load.ts'

const seconds = Number(process.argv[2] ?? 2)
const ROUNDS = 3
const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const contract = {
  inputs: [{ name: 'features', dtype: 'float32' as const, shape: [64] }],
  outputs: [
    { name: 'label', dtype: 'int64' as const, shape: [] },
    { name: 'probabilities', dtype: 'float32' as const, shape: [10] },
  ],
}
const inputs = compileRows(contract.inputs, 'digits')
const artifact = path('bench/floor/digits.onnx')
const digest = `sha256:${createHash('sha256').update(readFileSync(artifact)).digest('hex')}`
const row = inputs.encodeJson([{ features: Array.from({ length: 64 }, (_, index) => (index * 7) % 17) }])

const digits = (maxBatchSize: number) => ({
  engine: 'onnx',
  artifact: { digest, name: 'digits.onnx' },
  contract,
  batching: { maxBatchSize },
})
/** A scripted model of 20 ms a batch and .1 ms a row, as one on a device is. */
const device = (maxQueueDelayMs: number) => ({
  engine: 'echo',
  contract,
  echo: { latencyMs: 20, perRowMs: 0.1 },
  batching: { maxQueueDelayMs },
})

async function withServer(
  version: object,
  work: (address: string) => Promise<LinkLoadResult>,
): Promise<LinkLoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'batching-'))
  mkdirSync(join(folder, 'run'))
  writeFileSync(join(folder, 'key'), 'bench')
  const spec = replicaSpec.parse({
    replicaId: 'bench',
    model: 'digits',
    label: 'v1',
    versionId: digest,
    spec: version,
    files: { artifact },
    address: `unix:${join(folder, 's')}`,
    runFolder: join(folder, 'run'),
    internalKeyFile: join(folder, 'key'),
  })
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec))
  const child = spawn(process.execPath, [path('src/apps/model-server.ts'), join(folder, 'spec.json')], {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  try {
    await ready(join(folder, 'run/status.json'))
    return await work(spec.address)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ready(file: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (existsSync(file)) {
      const { phase, failure } = replicaStatus.parse(JSON.parse(readFileSync(file, 'utf8')))
      if (phase === 'ready') return
      if (failure !== null) throw new Error(failure.detail)
    }
    await sleep(10)
  }
  throw new Error('the model server is not ready after 10 s')
}

const load = (maxBatchSize: number, callers: number) =>
  withServer(digits(maxBatchSize), (address) => loadLink({ address, callers, rows: 1, body: row, seconds }))

const thinking = (maxQueueDelayMs: number, callers: number) =>
  withServer(device(maxQueueDelayMs), (address) =>
    loadLink({ address, callers, rows: 1, body: row, seconds, thinkMs: 1.5 }),
  )

const raw: Record<string, LinkLoadResult[]> = {}
const note = (name: string, result: LinkLoadResult) => {
  raw[name] = [...(raw[name] ?? []), result]
  console.log(`${name}: ${JSON.stringify(result)}`)
}
// In turns, so that a busy minute of the machine hits both.
for (let round = 0; round < ROUNDS; round++) {
  for (const callers of [1, 8, 32]) {
    for (const maxBatchSize of [32, 1]) note(nameOf(maxBatchSize, callers), await load(maxBatchSize, callers))
  }
  for (const callers of [8, 24]) {
    for (const delayMs of [5, 0]) note(waitName(delayMs, callers), await thinking(delayMs, callers))
  }
}
const medianRate = (name: string) => median((raw[name] ?? []).map(({ rowsPerSecond }) => rowsPerSecond))
const gains = [8, 32].map((callers) => {
  const ours = medianRate(nameOf(32, callers))
  const single = medianRate(nameOf(1, callers))
  const least = callers === 32 ? 2 : 1
  return {
    what: `rows a second through the link, ${callers} callers with one row each, batches of up to 32 rows`,
    unit: 'rows/s',
    ours,
    others: { 'batches of 1 row': single },
    goal: `≥ ${least} × batches of 1 row`,
    holds: ours >= least * single,
  }
})
const waits = [8, 24].map((callers) => {
  const ours = medianRate(waitName(5, callers))
  const eager = medianRate(waitName(0, callers))
  return {
    what: `rows a second of a model of 20 ms a batch, ${callers} callers who think for up to 1.5 ms`,
    unit: 'rows/s',
    ours,
    others: { 'taking what is there': eager },
    goal: '≥ 1.2 × taking what is there',
    holds: ours >= 1.2 * eager,
  }
})
report('batching', [...gains, ...waits], raw)

function nameOf(maxBatchSize: number, callers: number): string {
  return `${callers} callers, batches of up to ${maxBatchSize}`
}

function waitName(maxQueueDelayMs: number, callers: number): string {
  return `20 ms a batch, ${callers} callers who think, waiting up to ${maxQueueDelayMs} ms for company`
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN
}
