/** Clients that their makers wrote, unchanged, against the gateway before a provider that speaks chat completions. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic1 from '@anthropic-ai/sdk'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, jsonSchema, streamText, tool } from 'ai'
import Anthropic0 from 'anthropic-0'
import OpenAI7 from 'openai'
import OpenAI5 from 'openai-5'
import OpenAI6 from 'openai-6'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import type { World } from '../../src/gateway/testing/world.ts'
import { openaiChat, openScriptedServer, type ScriptedServer } from '../wall/index.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'

const { text, tools } = openaiChat.fixtures
const [call] = tools.truth.toolCalls
let provider: ScriptedServer
let world: World
let origin: string

beforeAll(async () => {
  provider = await openScriptedServer(openaiChat)
  world = await openRemoteWorld(
    { house: provider.origin },
    [scriptedModel('chat', { v1: { provider: 'house' } })],
    5000,
  )
  origin = `http://127.0.0.1:${world.port}`
})
afterAll(async () => {
  await world.close()
  await provider.close()
})

const question = { model: 'chat', messages: [{ role: 'user' as const, content: 'Why a gateway?' }] }
const weather = {
  type: 'function' as const,
  function: { name: call?.name ?? '', parameters: { type: 'object', properties: {} } },
}

describe.each([
  ['openai 7', OpenAI7],
  ['openai 6', OpenAI6],
  ['openai 5', OpenAI5],
] as unknown as readonly (readonly [string, typeof OpenAI7])[])('%s', (_, OpenAI) => {
  const client = () => new OpenAI({ apiKey: world.key, baseURL: `${origin}/v1`, maxRetries: 0 })

  test('gets an answer with its usage', async () => {
    const answer = await client().chat.completions.create(question)
    expect(answer.choices[0]?.message.content).toBe(text.truth.text)
    expect(answer.usage).toMatchObject({ completion_tokens: text.truth.usage.output })
  })

  test('reads a stream to its last event', async () => {
    let said = ''
    let finish: string | null = null
    let usage: unknown
    const stream = await client().chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const chunk of stream) {
      said += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      usage = chunk.usage ?? usage
    }
    expect([said, finish]).toEqual([text.truth.text, 'stop'])
    expect(usage).toMatchObject({ completion_tokens: text.truth.usage.output })
  })

  test('is told the calls of tools', async () => {
    provider.next({ fixture: 'tools' })
    const answer = await client().chat.completions.create({ ...question, tools: [weather] })
    expect(answer.choices[0]?.message.tool_calls).toMatchObject([
      { id: call?.id, function: { name: call?.name, arguments: call?.arguments } },
      ...tools.truth.toolCalls.slice(1).map(({ id }) => ({ id })),
    ])
  })

  test('throws for a stream that breaks, and does not take it for whole', async () => {
    provider.next({ fault: { kind: 'cut', afterEvents: 6 } })
    const stream = await client().chat.completions.create({ ...question, stream: true })
    const read = async () => {
      for await (const _ of stream);
    }
    await expect(read()).rejects.toThrow()
  })

  test('can tell the kinds of errors apart', async () => {
    await expect(client().chat.completions.create({ ...question, model: 'none' })).rejects.toMatchObject({
      status: 404,
    })
    const stranger = new OpenAI({ apiKey: 'sk-none', baseURL: `${origin}/v1`, maxRetries: 0 })
    await expect(stranger.chat.completions.create(question)).rejects.toMatchObject({ status: 401 })
  })

  test('lists the models', async () => {
    const ids: string[] = []
    for await (const { id } of client().models.list()) ids.push(id)
    expect(ids).toContain('chat')
  })

  test('speaks the Responses API, whole and streamed', async () => {
    const answer = await client().responses.create({ model: 'chat', input: 'Why a gateway?' })
    expect(answer.output_text).toBe(text.truth.text)
    expect(answer.status).toBe('completed')
    const types: string[] = []
    let said = ''
    for await (const event of await client().responses.create({
      model: 'chat',
      input: 'Why?',
      stream: true,
    })) {
      types.push(event.type)
      if (event.type === 'response.output_text.delta') said += event.delta
    }
    expect(said).toBe(text.truth.text)
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
  })
})

describe.each([
  ['@anthropic-ai/sdk 1', Anthropic1],
  ['@anthropic-ai/sdk 0', Anthropic0],
] as unknown as readonly (readonly [string, typeof Anthropic1])[])('%s', (_, Anthropic) => {
  const client = () => new Anthropic({ apiKey: world.key, baseURL: origin, maxRetries: 0 })
  const message = {
    model: 'chat',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content: 'Why a gateway?' }],
  }

  test('gets a message with its usage', async () => {
    const answer = await client().messages.create(message)
    expect(answer.content).toMatchObject([{ type: 'text', text: text.truth.text }])
    expect([answer.stop_reason, answer.usage.output_tokens]).toEqual(['end_turn', text.truth.usage.output])
    expect(answer.usage).toMatchObject({
      input_tokens: text.truth.usage.input,
      cache_read_input_tokens: text.truth.usage.cacheRead,
    })
  })

  test('reads a stream into the same message', async () => {
    const answer = await client().messages.stream(message).finalMessage()
    expect(answer.content).toMatchObject([{ type: 'text', text: text.truth.text }])
    expect([answer.stop_reason, answer.usage.output_tokens]).toEqual(['end_turn', text.truth.usage.output])
  })

  test('is told the calls of tools, in a stream too', async () => {
    provider.next({ fixture: 'tools' })
    const asked = {
      ...message,
      tools: [{ name: call?.name ?? '', input_schema: { type: 'object' as const } }],
    }
    const { content, stop_reason } = await client().messages.stream(asked).finalMessage()
    expect(stop_reason).toBe('tool_use')
    expect(content.filter(({ type }) => type === 'tool_use')).toMatchObject(
      tools.truth.toolCalls.map(({ arguments: written, id, name }) => ({
        id,
        name,
        input: JSON.parse(written),
      })),
    )
  })

  test('throws for a stream that breaks', async () => {
    provider.next({ fault: { kind: 'cut', afterEvents: 6 } })
    await expect(client().messages.stream(message).finalMessage()).rejects.toThrow()
  })

  test('can tell the kinds of errors apart', async () => {
    await expect(client().messages.create({ ...message, model: 'none' })).rejects.toMatchObject({
      status: 404,
      error: { type: 'error', error: { type: 'not_found_error' } },
    })
    const stranger = new Anthropic({ apiKey: 'none', baseURL: origin, maxRetries: 0 })
    await expect(stranger.messages.create(message)).rejects.toMatchObject({ status: 401 })
  })

  test('lists the models', async () => {
    const ids: string[] = []
    for await (const { id } of client().models.list()) ids.push(id)
    expect(ids).toContain('chat')
  })
})

describe('the AI SDK', () => {
  const model = () =>
    createOpenAICompatible({
      name: 'slipway',
      baseURL: `${origin}/v1`,
      apiKey: world.key,
      includeUsage: true,
    })('chat')
  const asked = { prompt: 'Why a gateway?', maxRetries: 0 }

  test('gets a text with its usage', async () => {
    const { finishReason, text: said, usage } = await generateText({ ...asked, model: model() })
    expect([said, finishReason]).toEqual([text.truth.text, 'stop'])
    expect(usage.outputTokens).toBe(text.truth.usage.output)
  })

  test('reads a stream to its last event', async () => {
    const stream = streamText({ ...asked, model: model() })
    let said = ''
    for await (const piece of stream.textStream) said += piece
    expect([said, await stream.finishReason]).toEqual([text.truth.text, 'stop'])
    expect((await stream.usage).outputTokens).toBe(text.truth.usage.output)
  })

  test('is told the calls of tools', async () => {
    provider.next({ fixture: 'tools' })
    const weatherTool = tool({
      inputSchema: jsonSchema<object>({ type: 'object' }),
      outputSchema: jsonSchema<object>({}),
    })
    const { toolCalls } = await generateText({
      ...asked,
      model: model(),
      tools: Object.fromEntries(tools.truth.toolCalls.map(({ name }) => [name, weatherTool])),
    })
    expect(toolCalls).toMatchObject(
      tools.truth.toolCalls.map(({ arguments: written, id, name }) => ({
        toolCallId: id,
        toolName: name,
        input: JSON.parse(written),
      })),
    )
  })

  test('tells errors apart', async () => {
    const none = createOpenAICompatible({ name: 'slipway', baseURL: `${origin}/v1`, apiKey: 'sk-none' })
    await expect(generateText({ ...asked, model: none('chat') })).rejects.toMatchObject({ statusCode: 401 })
  })
})

describe('LangChain', () => {
  const model = (apiKey = world.key) =>
    new ChatOpenAI({ model: 'chat', apiKey, maxRetries: 0, configuration: { baseURL: `${origin}/v1` } })

  test('gets a message with its usage', async () => {
    const answer = await model().invoke('Why a gateway?')
    expect(answer.content).toBe(text.truth.text)
    expect(answer.usage_metadata).toMatchObject({ output_tokens: text.truth.usage.output })
  })

  test('reads a stream to its last event', async () => {
    let said = ''
    for await (const { content } of await model().stream('Why a gateway?')) said += String(content)
    expect(said).toBe(text.truth.text)
  })

  test('is told the calls of tools', async () => {
    provider.next({ fixture: 'tools' })
    const answer = await model().bindTools([weather]).invoke('Why a gateway?')
    expect(answer.tool_calls).toMatchObject(
      tools.truth.toolCalls.map(({ arguments: written, id, name }) => ({
        id,
        name,
        args: JSON.parse(written),
      })),
    )
  })

  test('tells errors apart', async () => {
    await expect(model('sk-none').invoke('Why?')).rejects.toMatchObject({ status: 401 })
  })
})
