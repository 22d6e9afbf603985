import Anthropic from '@anthropic-ai/sdk'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type GenerateEvent, NO_USAGE } from '../../contracts/index.ts'
import { anthropicProvider, anthropicSurface, type JsonObject } from '../index.ts'
import { anyAnswer, eventsOf } from '../testing/arbitraries.ts'
import { sampleContext } from '../testing/dialect.conformance.ts'
import { citation, searchedAnswer } from './anthropic.fixtures.ts'

describe('a stream as the official client reads it', () => {
  const clientOf = (stream: string) =>
    new Anthropic({
      apiKey: 'none',
      baseURL: 'http://127.0.0.1:9',
      maxRetries: 0,
      fetch: async () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } }),
    })
  const asked = { model: 'm', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hello' }] }

  property.prop([
    anyAnswer(['reasoning', 'reasoning.signature', 'tool-calls', 'usage.cacheRead'], ['stop', 'length']),
    fc.integer({ min: 1, max: 9 }),
  ])('it puts together what was answered', async (answer, length) => {
    // The client parses input itself, and has only objects there.
    const content = (answer.choices[0]?.content ?? []).map((part) =>
      part.type === 'tool-call' ? { ...part, arguments: JSON.stringify({ a: part.arguments }) } : part,
    )
    const choices = answer.choices.map((choice) => ({ ...choice, content }))
    const writer = anthropicSurface.streamWriter(sampleContext)
    const stream = eventsOf({ ...answer, choices }, length)
      .map((event) => writer.write(event))
      .join('')
    const message = await clientOf(stream).messages.stream(asked).finalMessage()
    const read = anthropicProvider.readAnswer(JSON.parse(JSON.stringify(message)))
    expect(read.choices[0]?.content).toEqual(content)
    expect(read.choices[0]?.finishReason).toBe(choices[0]?.finishReason)
    expect(read.usage).toMatchObject({ input: answer.usage.input, output: answer.usage.output })
  })

  test('it throws what went wrong', async () => {
    const writer = anthropicSurface.streamWriter(sampleContext)
    const events: GenerateEvent[] = [
      { type: 'started', id: 'm' },
      { type: 'text', choice: 0, text: 'A' },
      { type: 'failed', code: 'upstream_overloaded', detail: 'Full', status: 503 },
    ]
    const stream = clientOf(events.map((event) => writer.write(event)).join('')).messages.stream(asked)
    await expect(stream.finalMessage()).rejects.toThrow(/overloaded_error.*Full/)
  })
})

describe('what the provider did by itself keeps its place', () => {
  test('whole', () => {
    const answer = anthropicProvider.readAnswer(searchedAnswer.whole)
    const body = anthropicSurface.writeAnswer(answer, sampleContext)
    expect(body.content).toEqual((searchedAnswer.whole as JsonObject).content)
    expect((body.usage as JsonObject).server_tool_use).toEqual({
      web_search_requests: 1,
      web_fetch_requests: 0,
    })
  })

  test('streamed', () => {
    const blocks = blocksOf(rewritten(searchedAnswer.stream as string))
    expect(blocks).toEqual((searchedAnswer.whole as JsonObject).content)
  })

  test('a text said after a citation is another text', () => {
    const events: GenerateEvent[] = [
      { type: 'text', choice: 0, text: 'A' },
      { type: 'annotation', choice: 0, annotation: citation },
      { type: 'text', choice: 0, text: 'B' },
      { type: 'annotation', choice: 0, annotation: { type: 'url_citation', url: 'https://example.org' } },
    ]
    expect(blocksOf(writtenBy(events))).toEqual([
      { type: 'text', text: 'A', citations: [citation] },
      { type: 'text', text: 'B', citations: null },
    ])
  })
})

describe('blocks come one after the other, whatever the order of the events', () => {
  const call = (index: number): GenerateEvent => ({
    type: 'tool-call-started',
    choice: 0,
    call: index,
    id: `t${index}`,
    name: 'f',
  })
  const args = (index: number, words: string): GenerateEvent => ({
    type: 'tool-call-arguments',
    choice: 0,
    call: index,
    text: words,
  })
  const words = (one: string): GenerateEvent => ({ type: 'text', choice: 0, text: one })
  const done: GenerateEvent = { type: 'finished', choice: 0, reason: 'tool-calls' }
  const use = (index: number, input: unknown) => ({ type: 'tool_use', id: `t${index}`, name: 'f', input })

  test.each<[string, GenerateEvent[], unknown[]]>([
    [
      'text, call, text',
      [words('A'), call(0), args(0, '{}'), words('B'), done],
      [textBlock('A'), use(0, {}), textBlock('B')],
    ],
    [
      'calls interleaved',
      [call(0), args(0, '{"a"'), call(1), args(1, '{"b"'), args(0, ':1}'), args(1, ':2}'), done],
      [use(0, { a: 1 }), use(1, { b: 2 })],
    ],
    [
      'a text amid a call',
      [call(0), args(0, '{"a"'), words('A'), args(0, ':1}'), words('B'), done],
      [use(0, { a: 1 }), textBlock('AB')],
    ],
    [
      'a call that never was whole',
      [call(0), args(0, '{"a'), call(1), args(1, '{}'), words('A'), done],
      [use(0, '{"a'), use(1, {}), textBlock('A')],
    ],
    [
      'a call without arguments, then another',
      [call(0), call(1), args(1, '{"b":2}'), done],
      [use(0, ''), use(1, { b: 2 })],
    ],
  ])('%s', (_, events, blocks) => expect(blocksOf(writtenBy(events))).toEqual(blocks))
})

test('a signature closes its thought', () => {
  const thinks = (text: string, signature: string): GenerateEvent[] => [
    { type: 'reasoning', choice: 0, text },
    { type: 'reasoning', choice: 0, signature },
  ]
  expect(blocksOf(writtenBy([...thinks('A', 'a'), ...thinks('B', 'b')]))).toEqual([
    { type: 'thinking', thinking: 'A', signature: 'a' },
    { type: 'thinking', thinking: 'B', signature: 'b' },
  ])
})

test('usage told before the content stands in message_start, and all of it in message_delta', () => {
  const usage = { ...NO_USAGE, input: 7, cacheRead: 5 }
  const events = eventsIn(
    writtenBy([
      { type: 'usage', usage },
      { type: 'text', choice: 0, text: 'A' },
      { type: 'usage', usage: { ...NO_USAGE, output: 3 } },
    ]),
  )
  expect(events[0]).toMatchObject({ message: { usage: { input_tokens: 7, cache_read_input_tokens: 5 } } })
  expect(events.at(-2)).toMatchObject({
    type: 'message_delta',
    usage: { input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 3 },
  })
})

function textBlock(words: string) {
  return { type: 'text', text: words, citations: null }
}

function writtenBy(events: readonly GenerateEvent[]): string {
  const writer = anthropicSurface.streamWriter(sampleContext)
  const all: GenerateEvent[] = [{ type: 'started', id: 'm' }, ...events, { type: 'ended' }]
  return all.map((event) => writer.write(event)).join('')
}

function rewritten(stream: string): string {
  const writer = anthropicSurface.streamWriter(sampleContext)
  let written = ''
  const reader = anthropicProvider.streamReader((event) => {
    written += writer.write(event)
  })
  reader.push(Buffer.from(stream))
  reader.end()
  return written
}

function eventsIn(stream: string): JsonObject[] {
  return stream
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one.split('\ndata: ')[1] as string))
}

/** As clients put them together, which know one open block at a time. Input that is no JSON stays a text. */
function blocksOf(stream: string): unknown[] {
  const blocks: JsonObject[] = []
  let isOpen = false
  for (const { content_block: block, delta: change, index, type } of eventsIn(stream) as {
    content_block: JsonObject
    delta: JsonObject
    index: number
    type: string
  }[]) {
    const last = blocks.at(-1) as JsonObject
    if (type === 'content_block_start') {
      expect([isOpen, index]).toEqual([false, blocks.length])
      isOpen = true
      blocks.push({ ...block, ...(block.input === undefined ? {} : { input: '' }) })
    } else if (type === 'content_block_stop') {
      expect([isOpen, index]).toEqual([true, blocks.length - 1])
      isOpen = false
      if (last.input !== undefined) last.input = parsed(last.input as string)
    } else if (type === 'content_block_delta') {
      expect([isOpen, index]).toEqual([true, blocks.length - 1])
      if (change.type === 'text_delta') last.text = `${last.text}${change.text}`
      if (change.type === 'thinking_delta') last.thinking = `${last.thinking}${change.thinking}`
      if (change.type === 'signature_delta') last.signature = `${last.signature}${change.signature}`
      if (change.type === 'input_json_delta') last.input = `${last.input}${change.partial_json}`
      if (change.type === 'citations_delta')
        last.citations = [...((last.citations as unknown[] | null) ?? []), change.citation]
    }
  }
  expect(isOpen).toBe(false)
  return blocks
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}
