import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { ObservedReplica } from '../fleet/index.ts'
import { manualClock } from '../store/testing.ts'
import { replicaFigures } from './replica-figures.ts'

const closes: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

/** A replica's `/metrics`, as prom-client writes it. */
async function serve(text: () => string) {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end(text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closes.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const replica = (httpUrl: string | null, fields: object = {}) =>
  ({
    replicaId: 'r-0',
    model: 'chat',
    label: 'v1',
    alive: true,
    status: { phase: 'ready', httpUrl },
    ...fields,
  }) as unknown as ObservedReplica

const LABELS = '{model="chat",version="v1",replica="r-0"}'
const metrics = (outputTokens: number) =>
  [
    `slipway_replica_text_running_requests${LABELS} 3`,
    `slipway_replica_text_waiting_requests${LABELS} 0`,
    `slipway_replica_text_kv_blocks${LABELS} 2048`,
    `slipway_replica_text_kv_cache_share${LABELS} 0.25`,
    `slipway_replica_text_prefix_hit_share${LABELS} 0.5`,
    `slipway_replica_text_output_tokens_total${LABELS} ${outputTokens}`,
  ].join('\n')

test('a replica is asked with the key of the installation, and its rate is known at the second time', async () => {
  let tokens = 100
  const { seen, url } = await serve(() => metrics(tokens))
  const clock = manualClock()
  const read = replicaFigures(() => [replica(url)], 'internal-key', clock)
  const first = { replica: 'r-0', version: 'v1', isReady: true, running: 3, waiting: 0 }
  expect(await read('chat')).toEqual([
    { ...first, kvBlocks: 2048, kvUsedShare: 0.25, reuseShare: 0.5, outputTokensPerSecond: null },
  ])
  tokens = 300
  clock.advance(2000)
  expect(await read('chat')).toMatchObject([{ outputTokensPerSecond: 100 }])
  expect(seen).toEqual(['Bearer internal-key', 'Bearer internal-key'])
})

test('many who look are one who asks', async () => {
  const { seen, url } = await serve(() => metrics(1))
  const read = replicaFigures(() => [replica(url)], 'k', manualClock())
  await Promise.all([read('chat'), read('chat'), read('chat')])
  await read('chat')
  expect(seen).toHaveLength(1)
})

test('a process that began anew has no rate of its past', async () => {
  let tokens = 1000
  const { url } = await serve(() => metrics(tokens))
  const clock = manualClock()
  const read = replicaFigures(() => [replica(url)], 'k', clock)
  await read('chat')
  tokens = 5
  clock.advance(2000)
  expect(await read('chat')).toMatchObject([{ outputTokensPerSecond: null }])
})

test('one that does not answer is shown without figures; other models, rows and dead ones are not', async () => {
  const rows = await serve(() => 'slipway_replica_batches_total 1')
  const read = replicaFigures(
    () => [
      replica(null),
      replica('http://127.0.0.1:1', { replicaId: 'r-1' }),
      replica(rows.url, { replicaId: 'r-2' }),
      replica(null, { replicaId: 'r-3', model: 'other' }),
      replica(null, { replicaId: 'r-4', alive: false }),
    ],
    'k',
    manualClock(),
  )
  expect((await read('chat')).map((row) => [row.replica, row.running])).toEqual([
    ['r-0', null],
    ['r-1', null],
  ])
})
