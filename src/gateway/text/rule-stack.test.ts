/** The rules of a rung's own version, on top of those of the version that was meant. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Guardrail, guardrail, ladder, servingPolicy } from '../../contracts/index.ts'
import { silentLogger, systemClock } from '../../kernel/index.ts'
import { versionGuards } from '../guardrails/version-guards.ts'
import { ScriptedUpstream, scriptedModel } from '../testing/scripted-upstream.ts'
import { eventsIn, openTextWorld, surfaces } from '../testing/text-world.ts'
import type { World } from '../testing/world.ts'
import { policyLadders } from './ladders.ts'
import type { GuardOut, GuardRun } from './parts.ts'
import { RuleStack } from './rule-stack.ts'

const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
const [, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]
const words = (name: string, word: string, checkpoint: string, action = 'redact') =>
  guardrail.parse({ kind: 'keywords', name, checkpoints: [checkpoint], words: [word], action })
const asking = (content: string, more: object = {}) =>
  chat.send({ messages: [{ role: 'user', content }], ...more })

/** The primary fails; `light` and then `plain` may answer. */
async function open(own: Guardrail[], ofLight: Guardrail[], hook = async () => ({ verdict: 'pass' })) {
  const [full, light, plain] = ['full', 'light', 'plain'].map((name) => new ScriptedUpstream(name)) as [
    ScriptedUpstream,
    ScriptedUpstream,
    ScriptedUpstream,
  ]
  full.behave = (call) => call.fail('upstream_failed')
  const rungs = [
    { kind: 'primary', name: 'full', quality: 1 },
    {
      kind: 'version',
      name: 'light',
      quality: 0.9,
      version: 'v2',
      trigger: { on: ['error', 'timeout', 'rate-limited', 'unready', 'overloaded'] },
    },
    { kind: 'version', name: 'plain', quality: 0.5, version: 'v3' },
  ]
  const world = await openTextWorld({
    upstreams: [full, light, plain],
    models: [
      scriptedModel(
        'chat',
        {
          v1: { provider: 'full', guardrails: own },
          v2: { provider: 'light', guardrails: ofLight },
          v3: { provider: 'plain' },
        },
        {
          serving: servingPolicy.parse({ ladder: ladder.parse({ monthlyDegradedShare: 1, rungs }) }),
        },
      ),
    ],
    options: {
      ladders: policyLadders(() => false),
      guards: versionGuards({ post: hook, moderate: async () => ({}) }, systemClock, silentLogger()),
    },
  })
  worlds.push(world)
  return { world, full, light, plain }
}

const askedOf = (upstream: ScriptedUpstream) => JSON.stringify(upstream.last.request.messages)

describe('a lower rung', () => {
  test('is asked what both let pass, and its answer is read by both', async () => {
    const { full, light, world } = await open(
      [words('own-in', 'secret', 'input'), words('own-out', 'world', 'output')],
      [words('light-in', 'parcel', 'input'), words('light-out', 'Hello', 'output')],
    )
    const answer = await world.send(asking('a secret parcel'))
    expect(answer.headers['x-slipway-fallback']).toBe('light')
    expect(askedOf(full)).toContain('parcel')
    for (const word of ['secret', 'parcel']) expect(askedOf(light)).not.toContain(word)
    for (const word of ['Hello', 'world']) expect(answer.body.toString()).not.toContain(word)
    const [record] = await world.records(1)
    expect(record?.text?.guardrails.map(({ rule }) => rule).sort()).toEqual([
      'light-in',
      'light-out',
      'own-in',
      'own-out',
    ])
  })

  test('has its stream read by both', async () => {
    const { world } = await open([words('own', 'world', 'stream')], [words('light', 'Hello', 'stream')])
    const answer = await world.send(asking('Hi', { stream: true }))
    expect(eventsIn(answer.body).at(-1)).toBe('[DONE]')
    for (const word of ['Hello', 'world']) expect(answer.body.toString()).not.toContain(word)
  })

  test('without rules of the version that was meant has its own all the same', async () => {
    const { light, world } = await open([], [words('light', 'parcel', 'input')])
    await world.send(asking('a parcel'))
    expect(askedOf(light)).not.toContain('parcel')
  })

  test('that its rules keep from being asked is passed over, and what it redacted is there again', async () => {
    const { light, plain, world } = await open(
      [words('own', 'secret', 'input')],
      [words('light-a', 'parcel', 'input'), words('light-b', 'forbidden', 'input', 'block')],
    )
    light.behave = (call) => call.fail('upstream_failed')
    await world.send(asking('a secret parcel'))
    expect(askedOf(light)).not.toContain('parcel')
    expect(askedOf(plain)).toContain('parcel')
    expect(askedOf(plain)).not.toContain('secret')
    const blocked = await world.send(asking('a forbidden parcel'))
    expect(light.calls).toHaveLength(1)
    // The first failure is what is told.
    expect([blocked.status, blocked.body.toString()]).toEqual([
      502,
      expect.stringContaining('upstream_failed'),
    ])
  })

  test('waits for a hook that judges', async () => {
    const url = 'https://hook.example/judge'
    const hook = guardrail.parse({ kind: 'http', name: 'hook', checkpoints: ['input'], url })
    let asked = 0
    const { light, world } = await open([], [hook], async () => {
      asked++
      return { verdict: 'pass' }
    })
    const answer = await world.send(asking('Hi'))
    expect([answer.status, asked, light.calls.length]).toEqual([200, 1, 1])
  })
})

test('the upstream is held while either window is full', async () => {
  const outs: GuardOut[] = []
  const run = (): GuardRun => ({
    verdicts: [],
    input: (value) => ({ verdict: 'pass', value }),
    output: (value) => ({ verdict: 'pass', value }),
    stream(out) {
      outs.push(out)
      return { push: (event) => out.event(event) }
    },
    abandon: () => undefined,
  })
  const subject = { neutral: () => ({ messages: [] }), replace: () => undefined }
  const stack = new RuleStack()
  await stack.begin({ begin: run }, subject as never)
  await stack.enter({ begin: run }, subject as never)
  const told: string[] = []
  stack
    .stream({
      event: ({ type }) => told.push(type),
      pause: () => told.push('pause'),
      resume: () => told.push('resume'),
    })
    .push({ type: 'ended' })
  const [first, second] = outs as [GuardOut, GuardOut]
  first.pause()
  second.pause()
  second.pause()
  first.resume()
  first.resume()
  second.resume()
  expect(told).toEqual(['ended', 'pause', 'resume'])
})
