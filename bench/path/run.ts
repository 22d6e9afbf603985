/**
 * The predict path as users get it, held against the floor (bench/floor) in one go and alternating. The best of the
 * rounds counts on both sides: what else a machine does only ever slows, and all samples are in the raw file. And the
 * things that only show at length: memory over a million requests, and traffic swaps under load.
 *
 *   node bench/path/run.ts [seconds a sample] [rounds]
 */
import { type LoadResult, loadFromOwnProcess } from '../load.ts'
import { type BenchRow, report } from '../result.ts'
import { startBareProxy } from './bare-path.ts'
import { startFloor } from './floor-path.ts'
import { type RealPath, startRealPath } from './real-path.ts'

const seconds = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 6)
const SHARE_OF_FLOOR = 0.6
const MEMORY_REQUESTS = 1_000_000
const SWAP_REQUESTS = 100_000

interface Case {
  readonly name: string
  readonly connections: number
  readonly contentType: string
  readonly body: string | Buffer
  readonly accept: string
  readonly rowsPerRequest: number
}

interface Sample extends LoadResult {
  readonly name: string
  readonly of: 'ours' | 'floor' | 'bare proxy'
  readonly connections: number
  readonly round: number
}

const JSON_MEDIA = 'application/json'
const RAW = 'application/octet-stream'
const row = Array.from({ length: 64 }, (_, index) => (index * 7) % 17)
const oneRow = JSON.stringify({ inputs: [{ features: row }] })
const manyRows = JSON.stringify({ inputs: Array.from({ length: 32 }, () => ({ features: row })) })
const rawRows = Buffer.from(
  Float32Array.from({ length: 32 * 64 }, (_, index) => row[index % 64] as number).buffer,
)

const json = (connections: number): Case => ({
  name: `one JSON row, ${connections} connections`,
  connections,
  contentType: JSON_MEDIA,
  body: oneRow,
  accept: JSON_MEDIA,
  rowsPerRequest: 1,
})
const cases: readonly Case[] = [
  json(1),
  json(8),
  json(32),
  {
    name: '32 JSON rows a request, 32 connections',
    connections: 32,
    contentType: JSON_MEDIA,
    body: manyRows,
    accept: JSON_MEDIA,
    rowsPerRequest: 32,
  },
  {
    name: '32 raw float32 rows a request, 32 connections',
    connections: 32,
    contentType: RAW,
    body: rawRows,
    accept: RAW,
    rowsPerRequest: 32,
  },
]

const remote: Case = { ...json(10), name: 'one JSON row to a remote endpoint, 10 connections' }
const samples: Sample[] = []
const memory = await freshMemory()
const floor = await startFloor()
const real = await startRealPath({ versions: ['v1', 'v2'] })
try {
  for (const one of cases)
    for (let round = 0; round < rounds; round++) {
      samples.push({
        ...(await measure(floor, one)),
        name: one.name,
        connections: one.connections,
        of: 'floor',
        round,
      })
      samples.push({
        ...(await measure(real, one)),
        name: one.name,
        connections: one.connections,
        of: 'ours',
        round,
      })
    }
  const swap = await swapUnderLoad(real)
  await measureRemote()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const records = { ...real.records }
  report('path', [...speedRows(), remoteRow(), ...latencyRows(), ...longRows(swap, memory, records)], {
    samples,
    swap,
    memory,
    records,
  })
} finally {
  await floor.stop()
  await real.stop()
}

/** The same request to a remote endpoint, through our gateway and through a proxy that only passes bytes on. */
async function measureRemote(): Promise<void> {
  const bare = await startBareProxy()
  const ours = await startRealPath({ remotePort: bare.echoPort })
  try {
    for (let round = 0; round < rounds; round++) {
      const { connections, name } = remote
      samples.push({ ...(await measure(bare, remote)), name, connections, of: 'bare proxy', round })
      samples.push({ ...(await measure(ours, remote)), name, connections, of: 'ours', round })
    }
  } finally {
    await ours.stop()
    await bare.stop()
  }
}

function measure(
  path: Pick<RealPath, 'url' | 'key'>,
  one: Case,
  more: { seconds?: number } = {},
): Promise<LoadResult> {
  return loadFromOwnProcess({
    url: path.url,
    connections: one.connections,
    seconds: more.seconds ?? seconds,
    warmUpSeconds: 0.5,
    body: one.body,
    headers: { authorization: `Bearer ${path.key}`, 'content-type': one.contentType, accept: one.accept },
  })
}

/** Splits move back and forth, all at once and in steps, while 32 connections predict. */
async function swapUnderLoad(path: RealPath) {
  const steps = [99, 95, 75, 50, 0, 100, 0, 50, 100]
  let swaps = 0
  let requests = 0
  const failures: Record<string, number> = {}
  let socketErrors = 0
  while (requests < SWAP_REQUESTS) {
    let isRunning = true
    const swapping = (async () => {
      while (isRunning) {
        const share = steps[swaps++ % steps.length] as number
        path.publish({ v1: share, v2: 100 - share })
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const load = await measure(path, json(32), { seconds: 5 })
    isRunning = false
    await swapping
    requests += load.requests
    socketErrors += load.socketErrors
    for (const [status, count] of Object.entries(load.failures))
      failures[status] = (failures[status] ?? 0) + count
  }
  path.publish({ v1: 100 })
  return { swaps, requests, failures, socketErrors }
}

async function freshMemory() {
  const path = await startRealPath()
  try {
    return await memoryOverAMillion(path)
  } finally {
    await path.stop()
  }
}

/** Resident memory of a gateway that was just started, every 50,000 requests or so. */
async function memoryOverAMillion(path: RealPath) {
  const points: { requests: number; bytes: number }[] = [{ requests: 0, bytes: path.gatewayMemory() }]
  let requests = 0
  while (requests < MEMORY_REQUESTS) {
    requests += (await measure(path, json(32), { seconds: 4 })).requests
    points.push({ requests, bytes: path.gatewayMemory() })
  }
  return points
}

function speedRows(): BenchRow[] {
  return cases.map((one) => {
    const ours = Math.max(...valuesOf(one.name, 'ours', (sample) => sample.perSecond))
    const others = Math.max(...valuesOf(one.name, 'floor', (sample) => sample.perSecond))
    const isRaw = one.contentType === RAW
    const perSecond = ours * one.rowsPerRequest
    return {
      what: one.name,
      unit: one.rowsPerRequest === 1 ? 'requests/s' : 'inferences/s',
      ours: perSecond,
      others: { floor: others * one.rowsPerRequest },
      goal: isRaw ? '≥ 300,000' : `≥ ${SHARE_OF_FLOOR * 100} % of the floor`,
      holds: isRaw ? perSecond >= 300_000 : ours >= SHARE_OF_FLOOR * others,
    }
  })
}

function remoteRow(): BenchRow {
  const ours = Math.max(...valuesOf(remote.name, 'ours', (sample) => sample.perSecond))
  const bare = Math.max(...valuesOf(remote.name, 'bare proxy', (sample) => sample.perSecond))
  return {
    what: remote.name,
    unit: 'requests/s',
    ours,
    others: { 'bare node:http and undici proxy': bare },
    goal: '≥ 60 % of the bare proxy',
    holds: ours >= SHARE_OF_FLOOR * bare,
  }
}

function latencyRows(): BenchRow[] {
  const latency = (one: Case, read: (sample: Sample) => number, what: string, goalMs: number): BenchRow => {
    const ours = Math.min(...valuesOf(one.name, 'ours', read))
    return {
      what: `${what}, ${one.name}`,
      unit: 'ms',
      ours,
      others: { floor: Math.min(...valuesOf(one.name, 'floor', read)) },
      goal: `≤ ${goalMs} ms`,
      holds: ours <= goalMs,
    }
  }
  return [
    latency(json(1), (sample) => sample.p50Ms, 'p50', 0.3),
    latency(json(32), (sample) => sample.p99Ms, 'p99', 5),
  ]
}

function longRows(
  swap: Awaited<ReturnType<typeof swapUnderLoad>>,
  memory: Awaited<ReturnType<typeof freshMemory>>,
  records: RealPath['records'],
): BenchRow[] {
  const failed = Object.values(swap.failures).reduce((sum, count) => sum + count, 0) + swap.socketErrors
  const megabytes = (bytes: number) => Math.round(bytes / 1e6)
  const last = memory.at(-1)?.bytes as number
  const middle = memory[Math.floor(memory.length / 2)]?.bytes as number
  return [
    {
      what: `failed requests of ${swap.requests} while traffic was swapped ${swap.swaps} times`,
      unit: 'requests',
      ours: failed,
      others: {},
      goal: '0',
      holds: failed === 0,
    },
    {
      what: 'resident memory of the gateway after 1,000,000 requests',
      unit: 'MB',
      ours: megabytes(last),
      others: {},
      goal: '≤ 150',
      holds: last <= 150e6,
    },
    {
      what: 'its growth over the second half of them',
      unit: 'MB',
      ours: megabytes(last - middle),
      others: {},
      goal: '≤ 10',
      holds: last - middle <= 10e6,
    },
    {
      what: `request records that were lost, of ${records.taken}`,
      unit: 'records',
      ours: records.dropped,
      others: {},
      goal: '0',
      holds: records.dropped === 0,
    },
  ]
}

function valuesOf(name: string, of: Sample['of'], read: (sample: Sample) => number): number[] {
  return samples.filter((sample) => sample.name === name && sample.of === of).map(read)
}
