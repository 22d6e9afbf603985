import { afterEach, describe, expect, test } from 'vitest'
import {
  type CostRow,
  cachePolicy,
  type Guardrail,
  guardrail,
  ladder,
  type ServingPolicy,
  servingPolicy,
} from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { MemoryAnswers } from '../cache/answers.ts'
import { PolicyCache } from '../cache/policy-cache.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import { hello, ScriptedUpstream, scriptedModel, USED } from '../testing/scripted-upstream.ts'
import { eventsIn, openTextWorld, surfaces, type TextWorldOptions } from '../testing/text-world.ts'
import { until, type World } from '../testing/world.ts'
import { policyLadders } from './ladders.ts'
import type { LimitRefusal, Reservation } from './parts.ts'

const worlds: World[] = []
const open = async (options: TextWorldOptions) => {
  const world = await openTextWorld(options)
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
const [native, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]

const exact = { exact: { ttlMs: 60_000, cacheSampled: true } }
const guards = () =>
  versionGuards(
    { post: async () => ({ verdict: 'block', reason: 'the hook says no' }), moderate: async () => ({}) },
    systemClock,
    silentLogger(),
  )
const cache = () =>
  new PolicyCache({
    answers: new MemoryAnswers(1_000_000),
    embed: async () => [1],
    clock: systemClock,
    random: Math.random,
    log: silentLogger(),
  })

describe('the ladder', () => {
  const policy = ladder.parse({
    monthlyDegradedShare: 1,
    rungs: [
      { kind: 'primary', name: 'full', quality: 1 },
      { kind: 'version', name: 'light', quality: 0.9, version: 'v2' },
      { kind: 'static', name: 'sorry', quality: 0.1, text: 'Come back soon.' },
    ],
  })
  const openLadder = async (more: Partial<ServingPolicy> = {}, rules: Guardrail[] = []) => {
    const [full, light] = [new ScriptedUpstream('full', ['openai-chat']), new ScriptedUpstream('light')]
    const world = await open({
      upstreams: [full, light],
      models: [
        scriptedModel(
          'chat',
          { v1: { provider: 'full', guardrails: rules }, v2: { provider: 'light' } },
          { serving: servingPolicy.parse({ ladder: policy, ...more }) },
        ),
      ],
      options: { ladders: policyLadders(() => false), guards: guards(), cache: cache() },
    })
    return { world, full, light }
  }

  test.each(
    surfaces.flatMap((surface) => [
      [surface.name, surface, true] as const,
      [surface.name, surface, false] as const,
    ]),
  )('on %s the next rung answers what the first could not, and it is told', async (_, { send }, stream) => {
    const { full, light, world } = await openLadder()
    full.behave = (call) =>
      call.accept('a1').fail('upstream_overloaded', { class: 'overloaded', status: 529 })
    const answer = await world.send(send(stream ? { stream } : {}))
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toContain('Hello')
    expect(answer.headers).toMatchObject({
      'x-slipway-fallback': 'light',
      'x-slipway-version': 'v2',
      'x-slipway-replica': 'light/a1',
    })
    // Bytes for the first rung, the neutral form for the second, of one and the same request.
    expect(light.last.call.work.kind).toBe('generate')
    const [record] = await world.records(1)
    expect(record).toMatchObject({
      version: 'v1',
      outcome: 'ok',
      retries: 1,
      text: { rung: 'light', quality: 0.9 },
    })
    expect(record?.text?.attempts.map(({ code, rung, version }) => [rung, version, code])).toEqual([
      ['full', 'v1', 'upstream_overloaded'],
      ['light', 'v2', null],
    ])
    expect(
      await world.metric('slipway_gateway_text_fallbacks_total{model="chat",version="v1",rung="light"'),
    ).toBe(1)
  })

  test('ends in words of its own, as events where a stream was asked for', async () => {
    const { full, light, world } = await openLadder()
    for (const upstream of [full, light]) upstream.behave = (call) => call.fail('upstream_failed')
    const answer = await world.send(chat.send({ stream: true }))
    const events = eventsIn(answer.body)
    expect(answer.headers['x-slipway-fallback']).toBe('sorry')
    expect(events.join('')).toContain('Come back soon.')
    expect(events.at(-1)).toBe('[DONE]')
    expect((await world.records(1))[0]?.text).toMatchObject({ rung: 'sorry', usage: { input: 0 } })
  })

  test('is not climbed down once content was sent', async () => {
    const { full, light, world } = await openLadder()
    full.behave = (call) => {
      call.accept()
      call.sink.relayed(Buffer.from('data: {}\n\n'), { hasContent: true, events: 1 })
      call.fail('upstream_truncated', { hadContent: true })
    }
    const answer = await world.send(chat.send({ stream: true }))
    expect(eventsIn(answer.body).at(-1)).toContain('upstream_truncated')
    expect(light.calls).toHaveLength(0)
  })

  test('is not climbed down while the rules hold content back either', async () => {
    const held = guardrail.parse({
      kind: 'keywords',
      name: 'w',
      checkpoints: ['stream'],
      words: ['Hello there'],
    })
    const { full, light, world } = await openLadder({}, [held])
    full.behave = (call) => {
      call.accept().text('Hell')
      call.fail('upstream_truncated', { hadContent: true })
    }
    const answer = await world.send(chat.send({ stream: true }))
    expect(answer.body.toString()).toContain('upstream_truncated')
    expect(light.calls).toHaveLength(0)
  })

  test('tells the first failure where all rungs fail', async () => {
    const short = ladder.parse({ ...policy, rungs: policy.rungs.slice(0, 2) })
    const { full, light, world } = await openLadder({ ladder: short })
    full.behave = (call) => call.fail('upstream_overloaded', { class: 'overloaded', detail: 'the first' })
    light.behave = (call) => call.fail('upstream_failed', { detail: 'the second' })
    const answer = await world.send(chat.send())
    expect([answer.status, answer.body.toString()]).toEqual([503, expect.stringContaining('the first')])
  })

  test('has its answers not kept as those of the primary', async () => {
    const { full, world } = await openLadder({ cache: cachePolicy.parse(exact) })
    full.behave = (call) => call.fail('upstream_failed')
    for (const _ of [1, 2]) {
      const answer = await world.send(chat.send())
      expect([answer.headers['x-slipway-cache'], answer.headers['x-slipway-fallback']]).toEqual([
        'miss',
        'light',
      ])
    }
    full.behave = hello
    expect((await world.send(chat.send())).headers['x-slipway-fallback']).toBeUndefined()
  })

  test('leads nowhere from a version that was asked for by name', async () => {
    const { full, light, world } = await openLadder()
    full.behave = (call) => call.fail('upstream_failed')
    expect((await world.send(chat.send({ model: 'chat:v1' }))).status).toBe(502)
    expect(light.calls).toHaveLength(0)
  })

  test('tells the first failure where nothing is left', async () => {
    const { full, light, world } = await openLadder()
    full.behave = (call) =>
      call.fail('upstream_rejected', { class: 'invalid', status: 400, detail: 'no such tool' })
    const answer = await world.send(chat.send())
    expect([answer.status, answer.body.toString()]).toEqual([400, expect.stringContaining('no such tool')])
    expect(light.calls).toHaveLength(0)
  })
})

describe('limits', () => {
  const settled: [unknown, CostRow][] = []
  const limited = (reserve: () => Reservation | LimitRefusal | Promise<Reservation | LimitRefusal>) =>
    open({ options: { limits: { reserve } } })
  const reservation: Reservation = { settle: (usage, cost) => void settled.push([usage, cost]) }
  const refusal: LimitRefusal = {
    isRefusal: true,
    code: 'limit_reached',
    what: 'tokens a minute of this key (10)',
    retryAfterMs: 2100,
  }

  test('refuse before anybody is asked, and say when to come back', async () => {
    for (const reserve of [() => refusal, async () => refusal]) {
      const world = await limited(reserve)
      const answer = await world.send(chat.send({ stream: true }))
      expect([answer.status, answer.headers['retry-after']]).toEqual([429, '3'])
      expect(answer.json.error).toMatchObject({
        message: expect.stringContaining('The limit of tokens a minute of this key (10) is reached.'),
      })
      expect(world.upstream().calls).toHaveLength(0)
      expect((await world.records(1))[0]).toMatchObject({ outcome: 'refused', text: { usage: { input: 0 } } })
    }
  })

  test('are given back by what was used', async () => {
    settled.length = 0
    const world = await limited(async () => reservation)
    await world.send(chat.send())
    await world.records(1)
    expect(settled).toEqual([[USED, expect.objectContaining({ state: 'unknown' })]])
  })

  test('that answer after the client left are given back whole', async () => {
    settled.length = 0
    let grant: (reservation: Reservation) => void = () => undefined
    const world = await limited(() => new Promise((resolve) => (grant = resolve)))
    const left = new AbortController()
    const request = world.send({ ...chat.send(), signal: left.signal }).catch(() => undefined)
    await until(async () => (await world.metric('slipway_gateway_in_flight')) === 1)
    left.abort()
    await request
    // The question about it comes over a connection of its own.
    await until(async () => (await world.metric('slipway_gateway_connections')) === 1)
    grant(reservation)
    expect((await world.records(1))[0]).toMatchObject({ status: 499, outcome: 'cancelled' })
    expect(settled).toEqual([
      [expect.objectContaining({ input: 0, output: 0 }), expect.objectContaining({ costUsd: '0' })],
    ])
    expect(world.upstream().calls).toHaveLength(0)
  })
})

describe('guardrails', () => {
  const guarded = (...rules: Guardrail[]) =>
    open({
      upstreams: [new ScriptedUpstream('acme', ['openai-chat'])],
      models: [scriptedModel('chat', { v1: { provider: 'acme', guardrails: rules } })],
      options: {
        guards: guards(),
      },
    })
  const words = (checkpoint: 'input' | 'output' | 'stream', more = {}) =>
    guardrail.parse({
      kind: 'keywords',
      name: 'words',
      checkpoints: [checkpoint],
      words: ['world', 'Hi'],
      ...more,
    })

  test('block what goes in, and nobody is asked', async () => {
    const world = await guarded(words('input'))
    const answer = await world.send(chat.send({ stream: true }))
    expect([answer.status, answer.json.error]).toMatchObject([400, { code: 'guardrail_blocked' }])
    expect(world.upstream().calls).toHaveLength(0)
    const [record] = await world.records(1)
    expect(record).toMatchObject({
      outcome: 'refused',
      text: { guardrails: [{ rule: 'words', verdict: 'block' }] },
    })
  })

  test('redact what goes in: never relayed as it came', async () => {
    const world = await guarded(words('input', { action: 'redact' }))
    await world.send(chat.send())
    expect(JSON.stringify(world.upstream().last.request)).not.toContain('"Hi"')
  })

  test.each([
    ['whole', {}, 400],
    ['streamed, with an error event', { stream: true }, 200],
  ])('block an answer that is %s, and cancel what still comes', async (_, body, status) => {
    const world = await guarded(words('output'), words('stream', { name: 'more' }))
    const answer = await world.send(chat.send(body))
    expect(answer.body.toString()).toContain('guardrail_blocked')
    expect(answer.body.toString()).not.toContain('world')
    expect(answer.body.toString()).not.toContain('[DONE]')
    expect([200, 400]).toContain(answer.status)
    if (status === 400) expect(answer.status).toBe(400)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'refused', code: 'guardrail_blocked', text: { usage: USED } })
  })

  test('redact an answer', async () => {
    const world = await guarded(words('output', { action: 'redact' }))
    const whole = await world.send(chat.send())
    const streamed = await world.send(chat.send({ stream: true }))
    for (const { body, status } of [whole, streamed]) {
      expect([status, body.includes('world'), body.includes('Hello')]).toEqual([200, false, true])
    }
    expect(eventsIn(streamed.body).at(-1)).toBe('[DONE]')
  })

  test('wait for a hook that judges', async () => {
    const url = 'https://hook.example/judge'
    const world = await guarded(guardrail.parse({ kind: 'http', name: 'hook', checkpoints: ['input'], url }))
    const answer = await world.send(chat.send())
    expect([answer.status, answer.body.toString()]).toEqual([
      400,
      expect.stringContaining('the hook says no'),
    ])
  })
})

describe('the cache', () => {
  const cached = (policy: object) =>
    open({
      upstreams: [new ScriptedUpstream('acme', ['openai-chat'])],
      serving: servingPolicy.parse({ cache: cachePolicy.parse(policy) }),
      options: {
        cache: cache(),
      },
    })

  test.each([
    ['whole, then streamed', false, true],
    ['streamed, then whole', true, false],
  ])('answers the same question once: %s', async (_, first, second) => {
    const world = await cached(exact)
    const ask = (stream: boolean) => world.send(chat.send(stream ? { stream } : {}))
    const miss = await ask(first)
    const hit = await ask(second)
    expect([miss.headers['x-slipway-cache'], hit.headers['x-slipway-cache']]).toEqual(['miss', 'hit'])
    expect(world.upstream().calls).toHaveLength(1)
    expect(hit.body.toString()).toContain('Hello')
    if (second) expect(eventsIn(hit.body).at(-1)).toBe('[DONE]')
    const records = await world.records(2)
    expect(records.map(({ text }) => [text?.cache, text?.usage.output, text?.finishReason])).toEqual([
      ['miss', 2, 'stop'],
      ['hit', 0, 'stop'],
    ])
  })

  test('asks once for many who ask at once', async () => {
    const world = await cached(exact)
    const upstream = world.upstream()
    upstream.behave = () => undefined
    const answers = Array.from({ length: 5 }, () => world.send(chat.send()))
    await until(async () => (await world.metric('slipway_gateway_in_flight')) === 5)
    hello(upstream.last)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(upstream.calls).toHaveLength(1)
  })

  test('gives an old answer at once and fetches a fresh one behind it', async () => {
    const world = await cached({ exact: { ttlMs: 1, staleMs: 60_000, cacheSampled: true } })
    const upstream = world.upstream()
    await world.send(chat.send())
    await new Promise((resolve) => setTimeout(resolve, 5))
    upstream.behave = () => undefined
    const stale = await world.send(chat.send())
    expect(stale.headers['x-slipway-cache']).toBe('stale')
    await until(() => upstream.calls.length === 2)
    hello(upstream.last)
    const records = await world.records(2)
    // One record for both: what the client got from the cache, and what fetching anew used.
    expect(records.at(-1)).toMatchObject({ outcome: 'ok', text: { cache: 'stale', usage: USED } })
  })

  test.each([
    ['failed', (world: World) => (world.upstream().behave = (call) => call.fail('upstream_failed'))],
    [
      'was cut off',
      (world: World) =>
        (world.upstream().behave = (call) => {
          call.accept().text('Hel')
          call.fail('upstream_truncated', { hadContent: true })
        }),
    ],
  ])('keeps no answer that %s', async (_, breaks) => {
    const world = await cached(exact)
    breaks(world)
    await world.send(chat.send({ stream: true }))
    world.upstream().behave = hello
    const answer = await world.send(chat.send({ stream: true }))
    expect(answer.headers['x-slipway-cache']).toBe('miss')
    expect(eventsIn(answer.body).at(-1)).toBe('[DONE]')
  })

  test('does not stand in the way of what it does not know', async () => {
    const world = await cached({ exact: { ttlMs: 60_000 } })
    for (const { send } of [native, chat]) {
      const answer = await world.send(send())
      expect([answer.status, answer.headers['x-slipway-cache']]).toEqual([200, undefined])
    }
    expect(world.upstream().calls.map(({ call }) => call.work.kind)).toEqual(['generate', 'relay'])
  })
})
