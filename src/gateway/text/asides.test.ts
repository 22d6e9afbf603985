/** What a gateway asks on its own account: a rule's moderation and a cache's vectors. */
import { afterEach, describe, expect, test } from 'vitest'
import { guardrail, servingPolicy } from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { MemoryAnswers } from '../cache/answers.ts'
import { PolicyCache } from '../cache/policy-cache.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import {
  HELLO_ANSWER,
  type hello,
  ScriptedUpstream,
  scriptedModel,
  USED,
} from '../testing/scripted-upstream.ts'
import { openTextWorld, surfaces } from '../testing/text-world.ts'
import type { World } from '../testing/world.ts'
import { AsideUpstreams } from './aside-upstreams.ts'
import { AsideBook } from './asides.ts'
import type { Pricer } from './parts.ts'

const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
const [, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]
const watch = guardrail.parse({
  kind: 'moderation',
  name: 'calm',
  checkpoints: ['input', 'output'],
  provider: 'judge',
  modelName: 'omni',
  timeoutMs: 5000,
})

/** A cent for what the model says, a tenth of it for what is asked besides. */
const cost = (costUsd: string) => ({ state: 'exact' as const, costUsd, price: null })
const pricer: Pricer = {
  cost: ({ provider }) => cost(provider === 'acme' ? '0.01' : '0.001'),
  bound: () => undefined,
  sum: (rows) => cost(String(rows.reduce((sum, { costUsd }) => sum + Number(costUsd) * 1000, 0) / 1000)),
}

async function open(serving: object = {}, guardrails = [watch]) {
  const upstreams = ['acme', 'judge', 'vectors'].map((name) => new ScriptedUpstream(name))
  const [acme, judge, vectors] = upstreams as [ScriptedUpstream, ScriptedUpstream, ScriptedUpstream]
  judge.behave = (call) => {
    call.accept('j1').sink.answer({ results: [{ category_scores: { violence: 0.1 } }] })
    call.end()
  }
  const byName = new Map(upstreams.map((upstream) => [upstream.id, upstream]))
  const named = new AsideUpstreams(({ name }) => byName.get(name) as ScriptedUpstream, pricer, systemClock)
  const models = [
    scriptedModel(
      'chat',
      { v1: { provider: 'acme', guardrails } },
      { serving: servingPolicy.parse(serving) },
    ),
    scriptedModel('embedder', { v1: { provider: 'vectors', modelName: 'e' } }),
  ]
  const guards = versionGuards(
    { post: async () => ({ verdict: 'pass' }), moderate: (...asked) => named.moderate(...asked) },
    systemClock,
    silentLogger(),
  )
  const follow = guards.follow?.bind(guards)
  const world = await openTextWorld({
    upstreams,
    models,
    options: {
      pricer,
      openProvider: (provider) => named.open(provider),
      guards: Object.assign(guards, {
        follow: (snapshot: Parameters<NonNullable<typeof follow>>[0]) => {
          named.follow(snapshot)
          follow?.(snapshot)
        },
      }),
      cache: new PolicyCache({
        answers: new MemoryAnswers(1_000_000),
        embed: (model, text, { asides: book }) => named.embed(model, text, book),
        clock: systemClock,
        random: () => 0.5,
        log: silentLogger(),
      }),
    },
  })
  worlds.push(world)
  return { world, acme, judge, vectors }
}

const rungsOf = (attempts: readonly { aside?: string | undefined; rung: string }[] | undefined) =>
  attempts?.map(({ aside, rung }) => aside ?? rung)

test('a moderation is an attempt of the request, with its price, and no retry', async () => {
  const { judge, world } = await open()
  const answer = await world.send(chat.send())
  expect(answer.status).toBe(200)
  expect(judge.calls).toHaveLength(2)
  const [record] = await world.records(1)
  expect(record?.retries).toBe(0)
  expect(rungsOf(record?.text?.attempts)).toEqual(['primary', 'moderation', 'moderation'])
  expect(record?.text?.attempts[1]).toMatchObject({
    version: null,
    provider: 'judge',
    account: 'j1',
    status: 200,
    code: null,
    usage: USED,
    cost: { costUsd: '0.001' },
  })
  const attempts = 'slipway_gateway_text_attempts_total{model="chat",version="v1",code="ok"'
  expect(await world.metric(attempts)).toBe(1)
  // The tokens of the judge are not those of the model.
  expect(record?.text).toMatchObject({ usage: USED, cost: { costUsd: '0.012' } })
})

test('one that fails is told as it was', async () => {
  const { judge, world } = await open()
  judge.behave = (call) => call.accept('j1').fail('upstream_rate_limited', { status: 429 })
  const answer = await world.send(chat.send())
  expect(answer.status).toBe(400)
  const [record] = await world.records(1)
  expect(record?.text?.attempts).toMatchObject([
    { aside: 'moderation', status: 429, code: 'upstream_rate_limited' },
  ])
  expect(record?.text?.attempts[0]).not.toHaveProperty('cost')
})

describe('the semantic cache', () => {
  const semantic = { ttlMs: 60_000, threshold: 0.9, embedWith: 'embedder' }
  const embedded = (call: Parameters<typeof hello>[0]) => {
    call.accept('e1').sink.answer({ vectors: [[1, 0]], usage: USED })
    call.end()
  }

  test('tells what its vectors cost, for hits too', async () => {
    const { vectors, world } = await open({ cache: { semantic: { ...semantic, auditShare: 0 } } }, [])
    vectors.behave = embedded
    await world.send(chat.send({ temperature: 0 }))
    const again = await world.send(
      chat.send({ temperature: 0, messages: [{ role: 'user', content: 'Hi there' }] }),
    )
    expect(again.headers['x-slipway-cache']).toBe('semantic')
    const records = await world.records(2)
    expect(records.map(({ text }) => [rungsOf(text?.attempts), text?.cost.costUsd])).toEqual([
      [['primary', 'embedding'], '0.011'],
      [['embedding'], '0.001'],
    ])
    // What the answer saved is what it cost, and not what was asked besides.
    expect(records[1]?.text?.savedUsd).toBe('0.01')
  })

  test('an audit after the answer is in the record of the same request', async () => {
    const { acme, vectors, world } = await open({ cache: { semantic: { ...semantic, auditShare: 1 } } }, [])
    vectors.behave = embedded
    await world.send(chat.send({ temperature: 0 }))
    acme.behave = (call) => {
      const content = [{ type: 'text' as const, text: 'Hello you' }]
      const choices = [{ index: 0, content, finishReason: 'stop' as const }]
      call.accept().sink.answer({ ...HELLO_ANSWER, choices })
      call.end()
    }
    await world.send(chat.send({ temperature: 0, messages: [{ role: 'user', content: 'Hi there' }] }))
    const [, record] = await world.records(2)
    expect(acme.calls).toHaveLength(2)
    expect(rungsOf(record?.text?.attempts)).toEqual(['primary', 'embedding', 'embedding', 'embedding'])
    expect(record?.text?.cost.costUsd).toBe('0.013')
  })
})

test('the book is bounded, and over when everything in it is', () => {
  const book = new AsideBook()
  let settled = 0
  book.settled = () => settled++
  const attempt = {
    rung: 'aside',
    version: null,
    provider: 'judge',
    account: null,
    status: 200,
    code: null,
    tookMs: 1,
  }
  const [first, second] = [book.begin(), book.begin()]
  first(Array.from({ length: 40 }, () => attempt))
  first([attempt])
  expect([book.isOpen, settled, book.attempts.length]).toEqual([true, 0, 32])
  second([attempt])
  expect([book.isOpen, settled, book.attempts.length]).toEqual([false, 1, 32])
})
