/**
 * Chat completions through the gateway as it runs (key, limits, routing, price and record on), beside nginx and a proxy
 * that only passes bytes on, before the same provider that answers at once; alternating, the best of the rounds counts
 * on each side, and all samples are in the raw file.
 *
 *   node bench/gateway/run.ts [seconds a sample] [rounds]
 */
import { type LoadResult, loadFromOwnProcess } from '../load.ts'
import { startRealPath } from '../path/real-path.ts'
import { type BenchRow, report } from '../result.ts'
import { cpuSeconds, type Peer, startBare, startNginx, startUpstream } from './peers.ts'

const seconds = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 5)
const CONNECTIONS = [1, 10, 64]

interface Sample extends LoadResult {
  readonly of: string
  readonly connections: number
  readonly cpuMicros: number
}

const body = JSON.stringify({
  model: 'chat',
  temperature: 0.7,
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'In one sentence: why would anybody put a gateway before a language model?' },
  ],
})
const samples: Sample[] = []
const upstream = await startUpstream()
const real = await startRealPath({ chatPort: upstream.port })
const ours: Peer = {
  name: 'slipway',
  url: real.url,
  pids: () => [real.gatewayPid],
  stop: real.stop,
}
const nginx = await startNginx(upstream.port)
const bare = await startBare(upstream.port)
const peers = [ours, bare, ...(nginx === undefined ? [] : [nginx])]
const direct: Peer = {
  name: 'direct',
  url: `http://127.0.0.1:${upstream.port}/v1/chat/completions`,
  pids: () => [],
  stop: upstream.stop,
}
try {
  for (const connections of CONNECTIONS)
    for (let round = 0; round < rounds; round++)
      for (const peer of [direct, ...peers]) samples.push(await measure(peer, connections))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  report('gateway', rows(), { samples, records: { ...real.records }, memoryBytes: real.gatewayMemory() })
} finally {
  for (const peer of peers) await peer.stop()
  await upstream.stop()
}

async function measure(peer: Peer, connections: number): Promise<Sample> {
  const before = cpuSeconds(peer.pids())
  const result = await loadFromOwnProcess({
    url: peer.url,
    connections,
    seconds,
    warmUpSeconds: 0.5,
    body,
    headers: { authorization: `Bearer ${real.key}`, 'content-type': 'application/json' },
  })
  // The warm-up is in the CPU time and not in the count; the rate is taken to be the same in both.
  const requests = result.perSecond * (seconds + 0.5)
  const cpuMicros = ((cpuSeconds(peer.pids()) - before) * 1e6) / requests
  return { ...result, of: peer.name, connections, cpuMicros }
}

function best(of: string, connections: number): Sample {
  const own = samples.filter((sample) => sample.of === of && sample.connections === connections)
  return own.reduce((top, sample) => (sample.perSecond > top.perSecond ? sample : top))
}

function rows(): BenchRow[] {
  const speeds = CONNECTIONS.map((connections): BenchRow => {
    const mine = best('slipway', connections).perSecond
    const others = Object.fromEntries(
      peers.slice(1).map(({ name }) => [name, best(name, connections).perSecond]),
    )
    const isGoal = connections === 10 && others.nginx !== undefined
    return {
      what: `chat completions, ${connections} connections`,
      unit: 'req/s',
      ours: mine,
      others,
      goal: isGoal ? '≥ 0.4 of nginx' : '–',
      holds: !isGoal || mine >= 0.4 * (others.nginx as number),
    }
  })
  const at10 = best('slipway', 10)
  const added = (quantile: 'p50Ms' | 'p99Ms', connections: number) =>
    Number((best('slipway', connections)[quantile] - best('direct', connections)[quantile]).toFixed(3))
  const addedBy = (quantile: 'p50Ms' | 'p99Ms', connections: number) =>
    Object.fromEntries(
      peers
        .slice(1)
        .map(({ name }) => [
          name,
          Number((best(name, connections)[quantile] - best('direct', connections)[quantile]).toFixed(3)),
        ]),
    )
  const bound = (
    what: string,
    unit: string,
    value: number,
    limit: number,
    others: Record<string, number>,
  ) => ({
    what,
    unit,
    ours: value,
    others,
    goal: `≤ ${limit} ${unit}`,
    holds: value <= limit,
  })
  const cpu = Object.fromEntries(
    peers.slice(1).map(({ name }) => [name, Math.round(best(name, 10).cpuMicros)]),
  )
  return [
    ...speeds,
    bound('CPU a request, 10 connections', 'µs', Math.round(at10.cpuMicros), 65, cpu),
    bound('p50 added, 10 connections', 'ms', added('p50Ms', 10), 0.5, addedBy('p50Ms', 10)),
    bound('p99 added, 10 connections', 'ms', added('p99Ms', 10), 2.5, addedBy('p99Ms', 10)),
    bound('p50 added, 1 connection', 'ms', added('p50Ms', 1), 0.2, addedBy('p50Ms', 1)),
    bound('memory of the gateway after the run', 'MB', Math.round(real.gatewayMemory() / 1e6), 150, {}),
    {
      what: 'records lost',
      unit: 'records',
      ours: real.records.dropped,
      others: {},
      goal: '0',
      holds: real.records.dropped === 0,
    },
  ]
}
