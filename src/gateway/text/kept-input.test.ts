/** What is kept of a question that failed: what was asked, and nothing that a rule took out of it. */
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Guardrail,
  guardrail,
  ladder,
  type RequestRecord,
  requestRecord,
  servingPolicy,
} from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import { ScriptedUpstream, scriptedModel } from '../testing/scripted-upstream.ts'
import { openTextWorld, surfaces } from '../testing/text-world.ts'
import type { World } from '../testing/world.ts'
import { policyLadders } from './ladders.ts'
import type { Guards } from './parts.ts'

const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
const [, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]

const redacts = (name: string, word: string, more: object = {}) =>
  guardrail.parse({
    kind: 'keywords',
    name,
    checkpoints: ['input'],
    words: [word],
    action: 'redact',
    ...more,
  })

interface Wish {
  readonly own?: Guardrail[]
  readonly ofLight?: Guardrail[]
  readonly captureFailures?: boolean
  readonly hasLadder?: boolean
  readonly guards?: Guards
}

/** All of it fails: the version, and where there is a ladder its two rungs below too. */
async function open({
  captureFailures = true,
  hasLadder = false,
  guards,
  ofLight = [],
  own = [],
}: Wish = {}) {
  const upstreams = ['full', 'light', 'plain'].map((name) => new ScriptedUpstream(name))
  for (const upstream of upstreams) upstream.behave = (call) => call.fail('upstream_failed')
  const rungs = [
    { kind: 'primary', name: 'full', quality: 1 },
    { kind: 'version', name: 'light', quality: 0.9, version: 'v2' },
    { kind: 'version', name: 'plain', quality: 0.5, version: 'v3' },
  ]
  const policy = hasLadder ? { ladder: ladder.parse({ monthlyDegradedShare: 1, rungs }) } : {}
  const world = await openTextWorld({
    upstreams,
    models: [
      scriptedModel(
        'chat',
        {
          v1: { provider: 'full', ...(own.length === 0 ? {} : { guardrails: own }) },
          v2: { provider: 'light', guardrails: ofLight },
          v3: { provider: 'plain' },
        },
        { captureFailures, serving: servingPolicy.parse(policy) },
      ),
    ],
    options: {
      ladders: policyLadders(() => false),
      guards:
        guards ??
        versionGuards(
          { post: async () => ({ verdict: 'pass' }), moderate: async () => ({}) },
          systemClock,
          silentLogger(),
        ),
    },
  })
  worlds.push(world)
  return world
}

const asking = (content: string, more: object = {}) =>
  chat.send({ messages: [{ role: 'user', content }], ...more })
async function keptOf(world: World, content: string, more: object = {}): Promise<RequestRecord> {
  await world.send(asking(content, more))
  const [record] = await world.records(1)
  return record as RequestRecord
}

describe('a question that failed', () => {
  test('is kept with everything that was said, as a row that can be sent again', async () => {
    const { input } = await keptOf(await open(), 'where is my parcel?')
    expect(input).toBe('[{"prompt":"where is my parcel?"}]')
  })

  test('is not kept where the model keeps no failures', async () => {
    const record = await keptOf(await open({ captureFailures: false }), 'where is my parcel?')
    expect([record.outcome, record.input]).toEqual(['error', undefined])
  })

  test.each([
    ['plain', 'x'.repeat(200_000)],
    ['of line ends, twice as long in JSON', '\n'.repeat(60_000)],
    ['of what JSON escapes by six', '\u0001'.repeat(60_000)],
  ])('that is too long is kept to its bound: %s', async (_, content) => {
    const record = requestRecord.parse(await keptOf(await open(), content))
    const [row] = JSON.parse(record.input ?? '') as { prompt: string }[]
    expect(row?.prompt.endsWith(' … [cut]')).toBe(true)
    expect(record.input?.length).toBeGreaterThan(50_000)
  })
})

describe('what a rule took out', () => {
  test.each([{ stream: false }, { stream: true }])('is kept by nobody: %j', async (more) => {
    const world = await open({ own: [redacts('no-names', 'Miller')] })
    const { input } = await keptOf(world, 'I am Miller, where is my parcel?', more)
    expect(input).toContain('where is my parcel?')
    expect(input).not.toContain('Miller')
  })

  test('stays where the rule is in shadow, which does nothing', async () => {
    const world = await open({ own: [redacts('no-names', 'Miller', { mode: 'shadow' })] })
    expect((await keptOf(world, 'I am Miller')).input).toContain('Miller')
  })

  test('is not brought back by a rung below, whose rules begin with the whole question', async () => {
    const world = await open({ hasLadder: true, ofLight: [redacts('light', 'Miller')] })
    const record = await keptOf(world, 'I am Miller')
    expect(record.text?.attempts.map(({ rung }) => rung)).toEqual(['full', 'light', 'plain'])
    expect(record.input).toBeUndefined()
  })

  test('is not kept where its rules broke before they said what it is', async () => {
    const broken = {
      begin: () => {
        throw new Error('the rules broke')
      },
    }
    const record = await keptOf(await open({ guards: { of: () => broken } }), 'I am Miller')
    expect([record.outcome, record.code, record.input]).toEqual(['error', 'internal', undefined])
  })

  test('is out of rows too', async () => {
    const world = await open({ own: [redacts('no-names', 'Miller')] })
    await world.send({
      path: '/api/v1/models/chat/predict',
      body: '{"inputs":[{"prompt":"I am Miller, hello"}]}',
    })
    const [record] = await world.records(1)
    expect(record?.input).toContain('hello')
    expect(record?.input).not.toContain('Miller')
  })
})
