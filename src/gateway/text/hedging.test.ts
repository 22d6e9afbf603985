import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type ServingPolicy, servingPolicy, type TokenUsage } from '../../contracts/index.ts'
import { type FakeTextReplica, fakeTextReplica } from '../testing/fake-text-replica.ts'
import {
  hello,
  type ScriptedCall,
  ScriptedUpstream,
  scriptedModel,
  USED,
} from '../testing/scripted-upstream.ts'
import { setClock } from '../testing/set-clock.ts'
import { eventsIn, openTextWorld, surfaces } from '../testing/text-world.ts'
import { until, type World } from '../testing/world.ts'

const [native, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]
const worlds: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

/** What first tokens took before the test, by the gateway's clock; hedges come after so much real time. */
const USUAL_MS = 40

interface Hedged {
  readonly world: World
  readonly acme: ScriptedUpstream
  readonly settled: TokenUsage[]
}

/** A model whose streams were quick so far, and whose upstream says nothing any more by itself. */
async function openHedged(
  more: { policy?: Partial<ServingPolicy>; relays?: boolean; budgetShare?: number } = {},
): Promise<Hedged> {
  const clock = setClock()
  const acme = new ScriptedUpstream('acme', more.relays === true ? ['openai-chat'] : [])
  const settled: TokenUsage[] = []
  const hedge = { afterQuantile: 0.5, budgetShare: more.budgetShare ?? 0.5 }
  const world = await openTextWorld({
    clock,
    upstreams: [acme],
    models: [
      scriptedModel(
        'chat',
        { v1: { provider: 'acme' } },
        { serving: servingPolicy.parse({ hedge, ...more.policy }) },
      ),
    ],
    limits: { settleGraceMs: 30 },
    options: { limits: { reserve: () => ({ settle: (usage) => void settled.push(usage) }) } },
  })
  worlds.push(world)
  acme.behave = (call) => {
    clock.skip(USUAL_MS)
    hello(call)
  }
  for (let count = 0; count < 20; count++) await world.send(native.send({ stream: true }))
  acme.behave = () => undefined
  acme.calls.length = 0
  settled.length = 0
  return { world, acme, settled }
}

const ask = (world: World, more: Record<string, unknown> = {}) =>
  world.send(native.send({ stream: true, ...more }))
const textOf = (body: Buffer) =>
  eventsIn(body)
    .flatMap((event) => JSON.parse(event).text ?? [])
    .join('')
const usedOnCancel = (call: ScriptedCall) => {
  call.onCancel = () => call.fail('cancelled', { class: 'cancelled', status: 0 }, { usage: USED })
}
async function pair({ acme }: Hedged): Promise<[ScriptedCall, ScriptedCall]> {
  await until(() => acme.calls.length === 2)
  const [first, second] = acme.calls as [ScriptedCall, ScriptedCall]
  usedOnCancel(first)
  usedOnCancel(second)
  return [first, second]
}
const hedges = async (world: World) => ({
  won: await world.metric('slipway_gateway_text_hedges_total{model="chat",version="v1",end="won"}'),
  lost: await world.metric('slipway_gateway_text_hedges_total{model="chat",version="v1",end="lost"}'),
  failed: await world.metric('slipway_gateway_text_hedges_total{model="chat",version="v1",end="failed"}'),
})
const lastRecord = async (world: World, count: number) => (await world.records(count)).at(-1)?.text

describe('a stream without content for longer than usual', () => {
  test('is asked a second time at another account; the first with content answers, the other is cancelled', async () => {
    const hedged = await openHedged()
    const { acme, settled, world } = hedged
    const answer = ask(world)
    await until(() => acme.calls.length === 1)
    acme.last.accept('east').event({ type: 'started', id: 'slow' })
    const [first, second] = await pair(hedged)
    expect(second.call.avoidAccount).toBe('east')
    second.accept('west').event({ type: 'started', id: 'quick' }).text('Hi')
    await until(() => first.isSettled)
    expect(first.isCancelled).toBe(true)
    second.event({ type: 'finished', choice: 0, reason: 'stop' }).end()
    const { body, headers, status } = await answer
    expect(status).toBe(200)
    expect(textOf(body)).toBe('Hi')
    // Nothing of the loser is seen.
    expect(body.toString()).not.toContain('slow')
    expect(headers['x-slipway-replica']).toBe('acme/west')
    const text = await lastRecord(world, 21)
    expect(text?.attempts.map(({ account, code, usage }) => ({ account, code, usage }))).toEqual([
      { account: 'east', code: 'cancelled', usage: USED },
      { account: 'west', code: null, usage: USED },
    ])
    // Both are billed, each once.
    const both = { ...USED, input: 14, output: 4 }
    expect(text?.usage).toMatchObject({ input: 14, output: 4 })
    expect(settled).toEqual([both])
    expect(await hedges(world)).toEqual({ won: 1, lost: 0, failed: 0 })
  })

  test('is answered by the first, where that comes after all', async () => {
    const hedged = await openHedged()
    const answer = ask(hedged.world)
    const [first, second] = await pair(hedged)
    first.accept('east').text('At last')
    await until(() => second.isSettled)
    first.end()
    expect(textOf((await answer).body)).toBe('At last')
    expect(second.isCancelled).toBe(true)
    expect(await hedges(hedged.world)).toEqual({ won: 0, lost: 1, failed: 0 })
  })

  test.each([
    ['first', 0, { won: 1, lost: 0, failed: 0 }],
    ['second', 1, { won: 0, lost: 0, failed: 1 }],
  ] as const)('is answered by the other where the %s fails', async (_, failing, counted) => {
    const hedged = await openHedged()
    const answer = ask(hedged.world)
    const calls = await pair(hedged)
    calls[failing].fail('upstream_failed')
    calls[1 - failing]?.accept().text('Here').end()
    const { body, status } = await answer
    expect([status, textOf(body)]).toEqual([200, 'Here'])
    expect((await lastRecord(hedged.world, 21))?.attempts.map(({ code }) => code)).toEqual([
      'upstream_failed',
      null,
    ])
    expect(await hedges(hedged.world)).toEqual(counted)
  })

  test('fails once where both do', async () => {
    const hedged = await openHedged()
    const answer = ask(hedged.world)
    const [first, second] = await pair(hedged)
    first.fail('upstream_failed')
    second.fail('upstream_overloaded', { class: 'overloaded', status: 503 })
    expect((await answer).status).toBe(503)
    await until(() => hedged.settled.length === 1)
  })

  test('stops both where the client leaves, and is settled once', async () => {
    const hedged = await openHedged()
    const left = new AbortController()
    const answer = hedged.world
      .send({ ...native.send({ stream: true }), signal: left.signal })
      .catch(() => 'left')
    const [first, second] = await pair(hedged)
    left.abort()
    expect(await answer).toBe('left')
    await until(() => first.isSettled && second.isSettled)
    const text = await lastRecord(hedged.world, 21)
    expect(text?.attempts.map(({ code }) => code)).toEqual(['cancelled', 'cancelled'])
    expect(hedged.settled).toEqual([{ ...USED, input: 14, output: 4 }])
  })

  test('does not wait for a loser that is deaf: what it used is unknown', async () => {
    const hedged = await openHedged()
    const answer = ask(hedged.world)
    const [first, second] = await pair(hedged)
    first.onCancel = () => undefined
    second.accept().text('Hi').end()
    expect(textOf((await answer).body)).toBe('Hi')
    const text = await lastRecord(hedged.world, 21)
    expect(text?.attempts.find(({ code }) => code === 'cancelled')?.usage?.output).toBeNull()
    // What it says later is nobody's.
    first.settle({ usage: USED })
    expect(hedged.settled).toHaveLength(1)
  })

  test('relays the bytes of one of the two, from their beginning', async () => {
    const hedged = await openHedged({ relays: true })
    hedged.acme.calls.length = 0
    const answer = hedged.world.send(chat.send({ stream: true }))
    await until(() => hedged.acme.calls.length === 1)
    const begin = (call: ScriptedCall, id: string) =>
      call.sink.relayed(Buffer.from(`data: {"id":"${id}"}\n\n`), { hasContent: false, events: 1 })
    begin(hedged.acme.last, 'slow')
    const [, second] = await pair(hedged)
    begin(second, 'quick')
    second.sink.relayed(Buffer.from('data: {"content":"Hi"}\n\ndata: [DONE]\n\n'), {
      hasContent: true,
      events: 2,
    })
    second.end()
    expect(eventsIn((await answer).body)).toEqual(['{"id":"quick"}', '{"content":"Hi"}', '[DONE]'])
  })
})

/** As `openHedged`, with replicas of ours. */
async function openReplicas(count: number): Promise<{ world: World; replicas: FakeTextReplica[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'slw-hedge-'))
  const clock = setClock()
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      fakeTextReplica(`unix:${join(folder, `r${index}.sock`)}`, `chat-${index}`),
    ),
  )
  const serving = servingPolicy.parse({ hedge: { afterQuantile: 0.5, budgetShare: 0.5 } })
  const model = scriptedModel('chat', { v1: { provider: 'none' } }, { serving })
  const versions = model.versions.map((version) => ({
    ...version,
    replicas: replicas.map(({ address, id }) => ({ id, address, draining: false })),
    text: version.text === undefined ? undefined : { ...version.text, provider: undefined },
  }))
  const world = await openTextWorld({
    clock,
    upstreams: [],
    models: [{ ...model, versions }],
    // These replicas do not settle what is cancelled.
    limits: { settleGraceMs: 30 },
  })
  worlds.push({
    close: async () => {
      await Promise.all(replicas.map((replica) => replica.kill()))
      await world.close()
      await rm(folder, { recursive: true, force: true })
    },
  })
  for (const replica of replicas)
    replica.behave = (asked) => {
      clock.skip(USUAL_MS)
      asked.hello()
    }
  for (let sent = 0; sent < 20; sent++) await ask(world)
  for (const replica of replicas) {
    replica.asks.length = 0
    replica.behave = () => undefined
  }
  return { world, replicas }
}

describe('a version that replicas of ours answer', () => {
  test('is asked again at another replica; the record has both', async () => {
    const { replicas, world } = await openReplicas(2)
    const answer = ask(world)
    await until(() => replicas.every(({ asks }) => asks.length === 1))
    replicas[0]?.asks[0]?.hello()
    const { body, headers } = await answer
    expect(textOf(body)).toBe('Hello world')
    expect(headers['x-slipway-replica']).toBe('chat-0')
    const text = await lastRecord(world, 21)
    expect(text?.attempts.map(({ code }) => code).toSorted()).toEqual(['cancelled', null])
  })

  test('is not asked again where there is no other', async () => {
    const { replicas, world } = await openReplicas(1)
    const answers = [ask(world), ask(world)]
    await until(() => replicas[0]?.asks.length === 2)
    const dueMs = performance.now() + 3 * USUAL_MS
    await until(() => performance.now() > dueMs)
    expect(replicas[0]?.asks).toHaveLength(2)
    for (const asked of replicas[0]?.asks ?? []) asked.hello()
    for (const { body } of await Promise.all(answers)) expect(textOf(body)).toBe('Hello world')
  })
})

describe('is never asked twice', () => {
  const tools = [{ type: 'web_search_20250305', name: 'web_search' }]
  test.each([
    ['what is not streamed', {}, { stream: false }, native],
    ['what lets the provider act', {}, { tools, stream: true }, chat],
    ['what goes on from what one account keeps', {}, { previous_response_id: 'r-1', stream: true }, chat],
    ['anything, without a budget', { budgetShare: 0 }, { stream: true }, native],
    [
      'anything, where no place is free beside it',
      { policy: servingPolicy.parse({ overload: { initialConcurrency: 2, maxConcurrency: 2 } }) },
      { stream: true },
      native,
    ],
  ] as const)('%s', async (_, more, asked, surface) => {
    const { policy, ...rest } = { policy: undefined, ...more }
    const hedged = await openHedged({
      relays: true,
      ...rest,
      ...(policy === undefined ? {} : { policy: { overload: policy.overload } }),
    })
    const { acme, world } = hedged
    const left = new AbortController()
    const silent = world.send({ ...surface.send(asked), signal: left.signal }).catch(() => 'left')
    await until(() => acme.calls.length === 1)
    // One that came later may be hedged, or would be due: by then the first was due too.
    const later = world.send({ ...native.send({ stream: true }), signal: left.signal }).catch(() => 'left')
    await until(() => acme.calls.length >= 2)
    const dueMs = performance.now() + 3 * USUAL_MS
    await until(() => acme.calls.length === 3 || performance.now() > dueMs)
    expect(
      acme.calls.filter(({ call }) => call.avoidAccount !== undefined || call === acme.calls[0]?.call).length,
    ).toBe(1)
    const mayHedgeLater = !('budgetShare' in rest) && policy === undefined
    expect(acme.calls).toHaveLength(mayHedgeLater ? 3 : 2)
    left.abort()
    expect([await silent, await later]).toEqual(['left', 'left'])
  })
})
