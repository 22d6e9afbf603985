import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { silentLogger, systemClock } from '../kernel/index.ts'
import { foreignReplica } from './foreign-replica.ts'
import { callOf, Listening } from './text/text-upstream.conformance.ts'
import type { UpstreamOutcome } from './upstream.ts'

let server: Server
afterEach(() => server.close())

async function replicaAt(listener: RequestListener) {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return foreignReplica({
    id: 'r-1',
    url: `http://127.0.0.1:${port}`,
    kind: 'vllm',
    key: 'its-own-key',
    allowInner: true,
    model: 'chat',
    version: 'v1',
    clock: systemClock,
    random: Math.random,
    log: silentLogger(),
  })
}

async function failureOf(listener: RequestListener) {
  const replica = await replicaAt(listener)
  const sink = new Listening()
  replica.text.start(callOf({ stream: true }), sink)
  const outcome = await sink.done
  await replica.close()
  return outcome
}

test('shows its key, asks below /v1, and is told without an account', async () => {
  const seen: unknown[] = []
  const replica = await replicaAt((request, response) => {
    seen.push([request.url, request.headers.authorization])
    const choices = [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }]
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices }))
  })
  const sink = new Listening()
  replica.text.start(callOf({ stream: false }), sink)
  const { account, failure } = await sink.done
  expect({ account, failure, text: sink.text, seen }).toEqual({
    account: null,
    failure: undefined,
    text: 'yes',
    seen: [['/v1/chat/completions', 'Bearer its-own-key']],
  })
  expect(sink.accepted_).toEqual([expect.objectContaining({ account: null })])
  await replica.close()
})

test.each([
  ['a connection that breaks before an answer', (request) => request.socket.destroy(), 'replica_lost'],
  ['an answer of its own', (_, response) => response.writeHead(500).end('{}'), 'upstream_failed'],
  ['what it refuses', (_, response) => response.writeHead(400).end('{}'), 'upstream_rejected'],
] as [string, RequestListener, string][])('%s is told as of a replica', async (_, listener, code) => {
  expect((await failureOf(listener)).failure).toMatchObject({ code, hadContent: false })
})

test('one where nobody listens is unready, once, and without another try', async () => {
  const replica = await replicaAt(() => undefined)
  server.close()
  await once(server, 'close')
  const sink = new Listening()
  replica.text.start(callOf({ stream: true }), sink)
  expect(await sink.done).toMatchObject({ failure: { code: 'replica_unready' }, earlier: [] })
  await replica.close()
})

test('only what every release takes is relayed', async () => {
  const replica = await replicaAt(() => undefined)
  expect([...replica.text.relays].toSorted()).toEqual(['openai-chat', 'openai-completions'])
  await replica.close()
})

test('rows are refused: it answers text', async () => {
  const replica = await replicaAt(() => undefined)
  const outcome = await new Promise<UpstreamOutcome>((settle) =>
    replica.infer({ rows: 1, body: new Uint8Array(), deadlineMs: 100 }, settle),
  )
  expect(outcome).toMatchObject({ ok: false, code: 'replica_unready' })
  await replica.close()
})
