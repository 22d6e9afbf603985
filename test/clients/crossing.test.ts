/** Every surface in, every dialect of a provider out, by official clients and over HTTP on both sides. */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'
import { openProviderDouble, type ProviderDouble } from './provider-double.ts'

const key = '$' + '{env:KEY}'
const secret = '$' + '{env:SECRET}'
const plain = { accounts: [{ name: 'main', key }] }
const aws = { accounts: [{ name: 'main', region: 'us-east-1', key, secret }] }

/** By the provider's name: what it is, the model there, and the path that its whole answers come from. */
const PROVIDERS: Readonly<Record<string, readonly [wish: object, modelName: string, path: RegExp]>> = {
  compatible: [{}, 'any', /\/v1\/chat\/completions$/],
  anthropic: [{ kind: 'anthropic', baseUrl: '', ...plain }, 'claude-sonnet-4-5', /\/v1\/messages$/],
  converse: [{ kind: 'bedrock', baseUrl: '', ...aws }, 'amazon.nova-pro-v1:0', /\/converse$/],
  invoke: [
    { kind: 'bedrock', api: 'invoke', baseUrl: '', ...aws },
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    /\/invoke$/,
  ],
  gemini: [{ kind: 'gemini', baseUrl: '', ...plain }, 'gemini-2.5-pro', /:generateContent$/],
  cohere: [{ kind: 'cohere', baseUrl: '', ...plain }, 'command-a-03-2025', /\/v2\/chat$/],
  tgi: [{ kind: 'tgi', api: 'generate', baseUrl: '' }, 'tgi', /\/generate$/],
}
const names = Object.keys(PROVIDERS)

let double: ProviderDouble
let world: World
let openai: OpenAI
let anthropic: Anthropic

beforeAll(async () => {
  double = await openProviderDouble()
  const wishes = Object.entries(PROVIDERS).map(
    ([name, [wish]]) => [name, 'baseUrl' in wish ? { ...wish, baseUrl: double.origin } : wish] as const,
  )
  world = await openRemoteWorld(
    Object.fromEntries(names.map((name) => [name, double.origin])),
    names.map((name) =>
      scriptedModel(name, { v1: { provider: name, modelName: PROVIDERS[name]?.[1] ?? '' } }),
    ),
    5000,
    Object.fromEntries(wishes),
  )
  const origin = `http://127.0.0.1:${world.port}`
  openai = new OpenAI({ apiKey: world.key, baseURL: `${origin}/v1`, maxRetries: 0 })
  anthropic = new Anthropic({ apiKey: world.key, baseURL: origin, maxRetries: 0 })
})
afterAll(async () => {
  await world.close()
  await double.close()
})

const messages = [{ role: 'user' as const, content: 'Why?' }]

describe.each(names)('before %s', (model) => {
  const [, modelName, path] = PROVIDERS[model] as (typeof PROVIDERS)[string]

  test('chat completions', async () => {
    const answer = await openai.chat.completions.create({ model, messages })
    expect(answer.choices[0]?.message.content).toContain('Hello')
    const call = double.calls.at(-1)
    expect(call?.path).toMatch(path)
    if (model !== 'tgi') expect(`${call?.path} ${String(call?.body.model)}`).toContain(modelName)
    let said = ''
    for await (const chunk of await openai.chat.completions.create({ model, messages, stream: true }))
      said += chunk.choices[0]?.delta.content ?? ''
    expect(said).toBe(answer.choices[0]?.message.content)
  })

  test('responses', async () => {
    const answer = await openai.responses.create({ model, input: 'Why?' })
    expect(answer.output_text).toContain('Hello')
    let said = ''
    for await (const event of await openai.responses.create({ model, input: 'Why?', stream: true }))
      if (event.type === 'response.output_text.delta') said += event.delta
    expect(said).toBe(answer.output_text)
  })

  test('messages', async () => {
    const asked = { model, max_tokens: 100, messages }
    const said = (content: readonly { type: string; text?: string }[]) =>
      content.map(({ text = '' }) => text).join('')
    const answer = await anthropic.messages.create(asked)
    expect(said(answer.content)).toContain('Hello')
    const streamed = await anthropic.messages.stream(asked).finalMessage()
    expect(said(streamed.content)).toBe(said(answer.content))
  })

  test('a field that it does not have is refused by its name', async () => {
    const refused = openai.chat.completions.create({ model, messages, logit_bias: { '5': 1 } })
    if (model === 'compatible') await refused
    else
      await expect(refused).rejects.toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param: 'logit_bias',
      })
  })
})

test.each(['cohere', 'gemini'])(
  'vectors of %s in the form that the client asks for by itself',
  async (model) => {
    const answer = await openai.embeddings.create({ model, input: 'a' })
    expect(answer.data).toMatchObject([{ index: 0, embedding: [0.5, 1] }])
  },
)
