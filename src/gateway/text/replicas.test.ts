import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type RequestRecord, type SnapshotModel, textContract } from '../../contracts/index.ts'
import { resplit } from '../../routing/index.ts'
import { type FakeTextReplica, fakeTextReplica, REPLICA_USED } from '../testing/fake-text-replica.ts'
import { eventsIn, openTextWorld } from '../testing/text-world.ts'
import { until, type World } from '../testing/world.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** A gateway before so many replicas of ours that answer the model `chat`. */
async function open(count: number): Promise<{ world: World; replicas: FakeTextReplica[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'slw-local-'))
  opened.push(async () => rmSync(folder, { recursive: true, force: true }))
  const replicas: FakeTextReplica[] = []
  for (let index = 0; index < count; index++) {
    const replica = await fakeTextReplica(`unix:${join(folder, `r${index}.sock`)}`, `chat-${index}`)
    replicas.push(replica)
    opened.push(() => replica.kill())
  }
  const text = { engine: 'echo' as const, provider: undefined, modelName: undefined, prompt: undefined }
  const model: SnapshotModel = {
    model: 'chat',
    contract: textContract,
    experiment: 'chat/1',
    slices: resplit([], { v1: 100 }),
    captureFailures: true,
    versions: [
      {
        label: 'v1',
        id: `sha256:${'1'.repeat(64)}`,
        maxBatchRows: 32,
        replicas: replicas.map(({ address, id }) => ({ id, address, draining: false })),
        text: { ...text, sampling: undefined, guardrails: undefined },
      },
    ],
  }
  const world = await openTextWorld({ models: [model], upstreams: [] })
  opened.push(() => world.close())
  return { world, replicas }
}

const CHAT = '/v1/chat/completions'
const chat = (more: object = {}) =>
  JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'Hi' }], ...more })
const generate = (more: object = {}) =>
  JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }], ...more })
const GENERATE = '/api/v1/models/chat/generate'
const recordOf = async (world: World): Promise<RequestRecord> => (await world.records(1))[0] as RequestRecord

describe('a model of text that replicas of ours answer', () => {
  test('answers whole, in the dialect of the client, and records who did and for how long', async () => {
    const { world } = await open(1)
    const answer = await world.send({ path: CHAT, body: chat() })
    expect(answer.json).toMatchObject({
      choices: [{ message: { content: 'Hello world' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 2 },
    })
    expect(answer.headers['x-slipway-replica']).toBe('chat-0')
    expect(await recordOf(world)).toMatchObject({
      replica: 'chat-0',
      outcome: 'ok',
      queueMs: 1,
      computeMs: 6,
      text: { provider: null, usage: REPLICA_USED, attempts: [{ queueMs: 1, prefillMs: 2, decodeMs: 4 }] },
    })
    expect(
      await world.metric(
        'slipway_gateway_text_replica_seconds_total{model="chat",version="v1",part="decode"}',
      ),
    ).toBe(0.004)
  })

  test('streams, ours and OpenAI’s way', async () => {
    const { world } = await open(1)
    const ours = await world.send({ path: GENERATE, body: generate({ stream: true }) })
    expect(eventsIn(ours.body).map((event) => (JSON.parse(event) as { type: string }).type)).toEqual([
      'started',
      'text',
      'text',
      'finished',
      'usage',
      'ended',
    ])
    const theirs = eventsIn((await world.send({ path: CHAT, body: chat({ stream: true }) })).body)
    expect(theirs.at(-1)).toBe('[DONE]')
    expect(theirs.join('')).toContain('" world"')
  })

  test('predicts rows, a question each', async () => {
    const { world } = await open(1)
    const answer = await world.send({
      path: '/api/v1/models/chat/predict',
      body: JSON.stringify({ inputs: [{ prompt: 'a' }, { prompt: 'b' }] }),
    })
    expect(answer.json).toMatchObject({ outputs: [{ text: 'Hello world' }, { text: 'Hello world' }] })
  })

  test('stops the work when the client leaves', async () => {
    const { world, replicas } = await open(1)
    const [replica] = replicas as [FakeTextReplica]
    const left = Promise.withResolvers<void>()
    replica.behave = (ask) => {
      ask.exchange.onCancel = () => {
        ask.fail({ code: 'cancelled', detail: 'left', retrySafe: false })
        left.resolve()
      }
      ask.text('Hel')
    }
    const answer = await world.open({ path: CHAT, body: chat({ stream: true }) })
    await once(answer, 'data')
    answer.destroy()
    await left.promise
    expect(await recordOf(world)).toMatchObject({ outcome: 'cancelled', text: { usage: REPLICA_USED } })
  })

  test('a client that does not read holds up its own stream, at the replica', async () => {
    const { world, replicas } = await open(1)
    const [replica] = replicas as [FakeTextReplica]
    const state = { said: 0, isOpen: true }
    const MOST_BYTES = 64 * 1024 * 1024
    const chunk = 'x'.repeat(4096)
    replica.behave = async (ask) => {
      if (!ask.stream) {
        ask.hello()
        return
      }
      let go = Promise.withResolvers<void>()
      ask.exchange.onWindow = (isOpen) => {
        state.isOpen = isOpen
        if (isOpen) go.resolve()
        else go = Promise.withResolvers()
      }
      while (state.said < MOST_BYTES && !ask.exchange.settled) {
        if (!state.isOpen) await go.promise
        ask.text(chunk)
        state.said += chunk.length
        await new Promise(setImmediate)
      }
      ask.exchange.end({ ...END_OF_CHUNKS })
    }
    const answer = await world.open({ path: CHAT, body: chat({ stream: true }) })
    answer.pause()
    await until(() => !state.isOpen)
    await sleep(100)
    const stalledAt = state.said
    expect(await world.send({ path: CHAT, body: chat() })).toMatchObject({ status: 200 })
    expect([state.isOpen, state.said]).toEqual([false, stalledAt])
    expect(stalledAt).toBeLessThan(MOST_BYTES / 2)
    answer.destroy()
  })
})

const END_OF_CHUNKS = {
  usage: REPLICA_USED,
  finishReason: 'stop',
  queueUs: 0,
  prefillUs: 0,
  decodeUs: 0,
} as const

describe('several replicas', () => {
  test.each([
    ['breaks', (replica: FakeTextReplica) => void replica.kill(), 'replica_lost'],
    ['is full', undefined, 'upstream_overloaded'],
  ])('before content, one that %s is followed by another', async (_, act, code) => {
    const { world, replicas } = await open(2)
    let first: FakeTextReplica | undefined
    for (const replica of replicas)
      replica.behave = (ask) => {
        first ??= replica
        if (replica !== first) ask.hello()
        else if (act !== undefined) act(replica)
        else ask.fail({ code: 'overloaded', detail: '9 wait', retrySafe: true, retryAfterMs: 70 })
      }
    const answer = await world.send({ path: CHAT, body: chat({ stream: true }) })
    expect([answer.status, eventsIn(answer.body).at(-1)]).toEqual([200, '[DONE]'])
    expect(await recordOf(world)).toMatchObject({
      outcome: 'ok',
      retries: 1,
      text: { attempts: [{ code }, { code: null }] },
    })
  })

  test('that are all full are told as such, and when to come again', async () => {
    const { world, replicas } = await open(2)
    for (const replica of replicas)
      replica.behave = (ask) =>
        ask.fail({ code: 'overloaded', detail: '9 wait', retrySafe: true, retryAfterMs: 70 })
    const answer = await world.send({ path: GENERATE, body: generate() })
    expect(answer).toMatchObject({ status: 503, json: { code: 'upstream_overloaded' } })
    expect(replicas.map(({ asks }) => asks.length)).toEqual([1, 1])
  })

  test('after content, one that is lost ends the stream with an error of its own', async () => {
    const { world, replicas } = await open(2)
    for (const replica of replicas)
      replica.behave = (ask) => {
        ask.text('Hel')
        setTimeout(() => void replica.kill(), 20)
      }
    const answer = await world.send({ path: GENERATE, body: generate({ stream: true }) })
    const events = eventsIn(answer.body).map((event) => JSON.parse(event) as Record<string, unknown>)
    expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'replica_lost' })
    expect(replicas.reduce((sum, { asks }) => sum + asks.length, 0)).toBe(1)
    expect(await recordOf(world)).toMatchObject({ outcome: 'error', code: 'replica_lost' })
  })

  test('get what is asked by the tokens they have before them, not by the number of requests', async () => {
    const { world, replicas } = await open(2)
    const held: (() => void)[] = []
    for (const replica of replicas) replica.behave = (ask) => void held.push(() => ask.hello())
    const all = [world.send({ path: CHAT, body: chat({ max_tokens: 4000 }) })]
    await until(() => held.length === 1)
    const loaded = replicas.findIndex(({ asks }) => asks.length === 1)
    for (let index = 0; index < 12; index++)
      all.push(world.send({ path: CHAT, body: chat({ max_tokens: 10 }) }))
    await until(() => held.length === 13)
    expect(replicas.map(({ asks }) => asks.length)).toEqual(loaded === 0 ? [1, 12] : [12, 1])
    for (const release of held) release()
    for (const answer of await Promise.all(all)) expect(answer.status).toBe(200)
    // Nothing is left on the scales: two equal ones go to one each.
    for (const replica of replicas) replica.asks.length = 0
    held.length = 0
    const pair = [1, 2].map(() => world.send({ path: CHAT, body: chat() }))
    await until(() => held.length === 2)
    expect(replicas.map(({ asks }) => asks.length)).toEqual([1, 1])
    for (const release of held) release()
    await Promise.all(pair)
  })

  test('drained, one is left with what it has, and nothing is lost', async () => {
    const { world, replicas } = await open(2)
    const held: (() => void)[] = []
    for (const replica of replicas) replica.behave = (ask) => void held.push(() => ask.hello())
    const before = Array.from({ length: 6 }, () => world.send({ path: CHAT, body: chat({ stream: true }) }))
    await until(() => held.length === 6)
    const [leaving, staying] = replicas as [FakeTextReplica, FakeTextReplica]
    const atLeaving = leaving.asks.length
    const drained = leaving.drain(5000)
    await sleep(20)
    const after = Array.from({ length: 4 }, () => world.send({ path: CHAT, body: chat({ stream: true }) }))
    await until(() => held.length === 10)
    expect(leaving.asks.length).toBe(atLeaving)
    for (const release of held) release()
    expect(await drained).toBe(0)
    for (const answer of await Promise.all([...before, ...after]))
      expect(eventsIn(answer.body).at(-1)).toBe('[DONE]')
    expect(staying.asks.length).toBe(10 - atLeaving)
  })
})

describe('a field that the engine does not have', () => {
  const refusing = async () => {
    const { world, replicas } = await open(1)
    const [replica] = replicas as [FakeTextReplica]
    replica.behave = (ask) => {
      const { request } = ask.work as Extract<typeof ask.work, { kind: 'generate' }>
      for (const field of ['logprobs', 'seed'] as const)
        if (request[field] !== undefined) {
          ask.fail({ code: 'invalid_request', detail: `no ${field} here`, field, retrySafe: false })
          return
        }
      ask.hello()
    }
    return { world, replica }
  }

  test('is named as the client knows it', async () => {
    const { world } = await refusing()
    const answer = await world.send({ path: CHAT, body: chat({ logprobs: true, top_logprobs: 2 }) })
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('logprobs') } },
    })
  })

  test('is left out where the client allows it, one after the other', async () => {
    const { world, replica } = await refusing()
    const answer = await world.send({
      path: CHAT,
      body: chat({ logprobs: true, seed: 3, stream: true }),
      headers: { 'x-slipway-drop': 'logprobs, seed' },
    })
    expect([answer.status, replica.asks.length]).toEqual([200, 3])
    expect(answer.headers['x-slipway-drop']).toMatch(/logprobs/)
  })
})
