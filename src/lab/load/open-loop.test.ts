import { afterEach, describe, expect, test } from 'vitest'
import { histogramQuantileMs, seededRandom, systemClock } from '../../kernel/index.ts'
import { percentileFloor, quantile } from '../../stats/index.ts'
import { createGatewayClient, type GatewayClient } from '../client/gateway-client.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { queueingServer, simulatedWorld } from '../testing/simulation.ts'
import { arrivalsWithin } from './arrivals.ts'
import { type OpenLoopOptions, openLoop } from './open-loop.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

async function loaded(
  script: ScriptedVersion,
  options: Partial<OpenLoopOptions> & { perSecond?: number } = {},
) {
  const gateway = await scriptedGateway({ v1: script })
  const timeoutMs = options.timeoutMs ?? 2000
  const client = createGatewayClient({
    gatewayUrl: gateway.url,
    key: 'k',
    model: 'm',
    timeoutMs,
    connections: 256,
    keepBodies: false,
  })
  opened.push(client, gateway)
  return { gateway, client, run: runWith(client, { timeoutMs, ...options }, gateway) }
}

function runWith(
  client: GatewayClient,
  options: Partial<OpenLoopOptions> & { perSecond?: number },
  _gateway: ScriptedGateway,
) {
  const { perSecond = 200, ...rest } = options
  return openLoop({
    client,
    clock: systemClock,
    signal: new AbortController().signal,
    version: 'v1',
    offsetsMs: arrivalsWithin(1000, perSecond, seededRandom(3)),
    body: () => Buffer.from('{"inputs":[{}],"params":{"version":"v1"}}'),
    washoutMs: 0,
    timeoutMs: 2000,
    spinMs: 1,
    connections: 256,
    ...rest,
  })
}

describe('coordinated omission', () => {
  /** 100 requests/s for 60 s, 5 ms of service, one stall of 3 s: seen from the intended start, p99 is 2,705 ms. */
  test('a stall is felt by every request that should have been sent during it', async () => {
    const world = simulatedWorld()
    const run = openLoop({
      client: queueingServer(world, { version: 'v1', serviceMs: 5, stallFromMs: 20_000, stallToMs: 23_000 }),
      clock: world.clock,
      timers: world.timers,
      signal: new AbortController().signal,
      version: 'v1',
      offsetsMs: Float64Array.from({ length: 6000 }, (_, index) => index * 10),
      body: () => new Uint8Array(),
      washoutMs: 0,
      timeoutMs: 60_000,
      spinMs: 1,
      connections: 1000,
    })
    const { latencyMs } = await world.run(run)
    const sorted = (latencyMs as number[]).sort((left, right) => left - right)
    expect(sorted).toHaveLength(6000)
    expect(quantile(sorted, 0.5)).toBeLessThan(6)
    expect(Math.abs(quantile(sorted, 0.95) - 1505)).toBeLessThan(10)
    expect(Math.abs(quantile(sorted, 0.99) - 2705)).toBeLessThan(10)
    expect(Math.abs(quantile(sorted, 0.999) - 2975)).toBeLessThan(10)
  })

  test('a stall of the client itself is in the latencies and told as send lag', async () => {
    const world = simulatedWorld()
    const run = openLoop({
      client: queueingServer(world, { version: 'v1', serviceMs: 1, stallFromMs: 0, stallToMs: 0 }),
      clock: world.clock,
      timers: world.timers,
      signal: new AbortController().signal,
      version: 'v1',
      offsetsMs: Float64Array.from({ length: 1000 }, (_, index) => index * 10),
      body: () => new Uint8Array(),
      washoutMs: 0,
      timeoutMs: 60_000,
      spinMs: 1,
      connections: 1000,
    })
    world.at(2000, () => world.block(500))
    const { latencyMs, sendLag } = await world.run(run)
    expect(Math.max(...(latencyMs as number[]))).toBeGreaterThan(480)
    expect((latencyMs as number[]).filter((value) => value > 100).length).toBeGreaterThan(35)
    expect(histogramQuantileMs(sendLag, 0.99)).toBeGreaterThan(300)
    expect(histogramQuantileMs(sendLag, 0.9)).toBeLessThan(1)
  })

  test('and so over real sockets', async () => {
    const { gateway, run } = await loaded({ latencyMs: () => 5 })
    setTimeout(() => gateway.stall(400), 300)
    const { latencyMs, failures } = await run
    expect(failures).toEqual({})
    // 40 % of the second: arrivals in the stall wait for its end, evenly between 0 and 400 ms.
    const late = (latencyMs as number[]).filter((value) => value > 100)
    expect(late.length / latencyMs.length).toBeGreaterThan(0.2)
    expect(Math.max(...late)).toBeGreaterThan(300)
  })
})

/** Known truths. The client's own way adds some ms, and a loaded machine some more; only lower ends are sharp. */
test.each<[string, ScriptedVersion, (sorted: number[]) => void]>([
  [
    'constant',
    { latencyMs: () => 50 },
    (sorted) => {
      expect(sorted[0]).toBeGreaterThanOrEqual(48)
      expect(quantile(sorted, 0.5)).toBeLessThan(80)
    },
  ],
  [
    'two modes',
    { latencyMs: (request) => (request % 10 === 0 ? 300 : 20) },
    (sorted) => {
      expect(quantile(sorted, 0.5)).toBeLessThan(150)
      expect(sorted.filter((value) => value >= 298).length).toBeGreaterThanOrEqual(20)
    },
  ],
  [
    'log-normal',
    { latencyMs: logNormal(60, 0.4) },
    (sorted) => {
      expect(quantile(sorted, 0.5)).toBeGreaterThan(50)
      expect(quantile(sorted, 0.5)).toBeLessThan(90)
      expect(quantile(sorted, 0.95)).toBeGreaterThan(95)
    },
  ],
])('%s latency is read as it is', { retry: 2 }, async (_, script, holds) => {
  const { run } = await loaded(script)
  const { latencyMs, failures } = await run
  expect(failures).toEqual({})
  expect(latencyMs.length).toBeGreaterThanOrEqual(percentileFloor(0.95))
  holds((latencyMs as number[]).sort((left, right) => left - right))
})

test('failures are counted by what they are and have no latency', async () => {
  const { run } = await loaded({ status: (request) => (request % 4 === 0 ? 502 : undefined) })
  const { latencyMs, failures } = await run
  expect(failures).toEqual({ 'status 502': 50 })
  expect(latencyMs.filter((value) => value === null)).toHaveLength(50)
})

test('what is not answered in time is censored, not dropped', async () => {
  const { run } = await loaded(
    { latencyMs: (request) => (request % 20 === 0 ? 5000 : 5) },
    { timeoutMs: 600 },
  )
  const { latencyMs, failures } = await run
  expect(latencyMs).toHaveLength(200)
  expect(failures).toEqual({ timeout: 10 })
})

test('the washout is sent but not counted', async () => {
  const { gateway, run } = await loaded({}, { washoutMs: 500 })
  const { latencyMs } = await run
  expect(gateway.taken).toEqual({ v1: 200 })
  const offsets = arrivalsWithin(1000, 200, seededRandom(3))
  expect(latencyMs).toHaveLength([...offsets].filter((offset) => offset >= 500).length)
})

test('an answer of another version ends the run', async () => {
  const { run } = await loaded({ saysItIs: (request) => (request > 50 ? 'v9' : 'v1') })
  await expect(run).rejects.toThrow('v9 answered where v1 was pinned')
})

test('a dead gateway gives failures, not a hang', async () => {
  const { gateway, client } = await loaded({}, { perSecond: 1 })
  await gateway.close()
  const { failures } = await runWith(client, { perSecond: 50 }, gateway)
  expect(failures).toEqual({ unreachable: 50 })
})

test('it stops within a second of being told to', async () => {
  const stop = new AbortController()
  const { run } = await loaded({ latencyMs: () => 5000 }, { signal: stop.signal, timeoutMs: 30_000 })
  setTimeout(() => stop.abort(new Error('enough')), 200)
  const startMs = performance.now()
  await expect(run).rejects.toThrow('enough')
  expect(performance.now() - startMs).toBeLessThan(5000)
})

function logNormal(medianMs: number, sigma: number): () => number {
  const random = seededRandom(11)
  return () =>
    medianMs * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}
