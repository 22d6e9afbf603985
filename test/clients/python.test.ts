/** OpenAI's and Anthropic's clients for Python: the current and two earlier majors of each. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { openaiChat, openScriptedServer, type ScriptedServer } from '../wall/index.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'
import { python, pythonPackages } from './python.ts'

const { text, tools } = openaiChat.fixtures
const [call] = tools.truth.toolCalls
const MODELS = ['chat', 'calls', 'breaks']
let provider: ScriptedServer
let world: World

beforeAll(async () => {
  provider = await openScriptedServer(openaiChat)
  provider.choose(({ body }) => {
    const { model } = JSON.parse(body.toString()) as { model: string }
    if (model === 'calls') return { fixture: 'tools' }
    return model === 'breaks' ? { fault: { kind: 'cut', afterEvents: 6 } } : undefined
  })
  world = await openRemoteWorld(
    { house: provider.origin },
    MODELS.map((model) => scriptedModel(model, { v1: { provider: 'house', modelName: model } })),
    5000,
  )
})
afterAll(async () => {
  await world.close()
  await provider.close()
})

type Told = Record<'openai' | 'anthropic', Record<string, unknown>>

describe.each([
  ['openai~=3.57', 'anthropic~=2.14'],
  ['openai~=2.54', 'anthropic~=1.17'],
  ['openai~=1.109', 'anthropic~=0.75'],
])('%s and %s', (...packages) => {
  let told: Told
  beforeAll(async () => {
    const folder = await pythonPackages(...packages)
    const out = await python(['-s', join(import.meta.dirname, 'clients.py')], {
      PYTHONPATH: folder,
      ORIGIN: `http://127.0.0.1:${world.port}`,
      KEY: world.key,
      TOOL: call?.name ?? '',
    })
    told = JSON.parse(out) as Told
  }, 180_000)

  test('are of the versions that were wanted', () => {
    for (const wanted of packages) {
      const [name, version] = wanted.split('~=') as ['openai' | 'anthropic', string]
      expect(String(told[name].version).split('.')[0]).toBe(version.split('.')[0])
    }
  })

  test('get answers with their usage, whole and streamed', () => {
    const answer = {
      whole: text.truth.text,
      streamed: text.truth.text,
      output: text.truth.usage.output,
      streamedOutput: text.truth.usage.output,
    }
    expect(told.openai).toMatchObject({ ...answer, finish: 'stop', response: text.truth.text })
    expect(told.anthropic).toMatchObject({ ...answer, finish: 'end_turn' })
  })

  test('are told the calls of tools', () => {
    expect(told.openai.call).toEqual([call?.id, call?.name, call?.arguments])
    expect(told.anthropic.call).toEqual([call?.id, call?.name, JSON.parse(call?.arguments ?? '')])
  })

  test('raise for a stream that breaks, and tell errors apart', () => {
    for (const { broken, stranger, unknown } of [told.openai, told.anthropic]) {
      expect(broken).toBe(true)
      expect(unknown).toEqual(['NotFoundError', 404])
      expect(stranger).toEqual(['AuthenticationError', 401])
    }
  })

  test('list the models', () => {
    for (const { models } of [told.openai, told.anthropic]) expect(models).toEqual(MODELS.toSorted())
  })
})
