import { test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { GenerateEvent } from '../../contracts/index.ts'
import {
  anthropicProvider,
  collect,
  type DialectRelay,
  dialectRelay,
  type ProviderDialect,
  responsesProvider,
  UpstreamBroken,
} from '../index.ts'
import {
  ended as responseEnded,
  stream as responseStream,
  responsesAnswers,
  searched,
} from '../responses/responses.fixtures.ts'
import { anyCuts, chunksOf } from '../testing/arbitraries.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'
import { anthropicAnswers, say, streamPieces } from './anthropic.fixtures.ts'

/** Of dialects whose events have names; chat completions have theirs beside their own row. */
const relayed: readonly (readonly [string, ProviderDialect, readonly AnswerFixture[]])[] = [
  ['anthropic', anthropicProvider, anthropicAnswers],
  ['openai-responses', responsesProvider, responsesAnswers],
]
const relayOf = (name: string) => dialectRelay(name as 'anthropic') as DialectRelay

function scan(name: string, chunks: readonly Buffer[]) {
  const pieces: { text: string; hasContent: boolean }[] = []
  const scanner = relayOf(name).scanner({
    hideUsage: true,
    relayed: (bytes, { hasContent }) => pieces.push({ text: bytes.toString(), hasContent }),
  })
  for (const chunk of chunks) scanner.push(chunk)
  scanner.end()
  return { scanner, pieces }
}

describe.each(relayed)('%s as bytes', (name, provider, fixtures) => {
  for (const { name: told, stream, whole } of fixtures) {
    const bytes = Buffer.from(stream as string)

    property.prop([anyCuts])(`relayed and translated are the same: ${told}`, (cuts) => {
      const { pieces, scanner } = scan(
        name,
        chunksOf(bytes, cuts).filter((chunk) => chunk.length > 0),
      )
      const events: GenerateEvent[] = []
      const reader = provider.streamReader((event) => events.push(event))
      reader.push(bytes)
      reader.end()
      const { choices, providerModel, usage } = collect(events, 0)
      expect(scanner).toMatchObject({ isTerminated: true, problem: undefined })
      expect(scanner.found).toMatchObject({ usage, providerModel, finishReason: choices[0]?.finishReason })
      expect(pieces.map(({ text }) => text).join('')).toBe(stream)
      expect(relayOf(name).readWhole(Buffer.from(JSON.stringify(whole)))).toEqual(scanner.found)
    })
  }

  test('without its last event it has not ended', () => {
    const text = fixtures[0]?.stream as string
    const cut = text.slice(0, text.lastIndexOf('event: '))
    expect(scan(name, [Buffer.from(cut)]).scanner.isTerminated).toBe(false)
  })

  test.each([[{}], [{ error: { type: 'overloaded_error', message: 'Full' } }]])('%j is no answer', (body) => {
    expect(() => relayOf(name).readWhole(Buffer.from(JSON.stringify(body)))).toThrow(UpstreamBroken)
  })
})

const { begin, delta, start, text } = streamPieces

test('content begins where a user would see something', () => {
  const claude = [start(), begin(0, text('')), say('ping'), delta(0, { type: 'text_delta', text: 'a' })]
  expect(scan('anthropic', claude.map(Buffer.from)).pieces.map(({ hasContent }) => hasContent)).toEqual([
    false,
    false,
    false,
    true,
  ])
  const item = { type: 'message', content: [] }
  const response = responseStream(
    [
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_text.delta', output_index: 0, delta: 'a' },
    ],
    responseEnded({ output: [item] }),
  )
  const events = response.split(/(?<=\n\n)/).map(Buffer.from)
  expect(scan('openai-responses', events).pieces.map(({ hasContent }) => hasContent)).toEqual([
    false,
    false,
    false,
    true,
    false,
  ])
})

test.each([
  [
    'anthropic',
    start() + say('error', { error: { type: 'overloaded_error', message: 'Full' } }),
    'overloaded',
  ],
  [
    'anthropic',
    `${start()}${begin(0, text('a'))}${delta(0, { text: 'a' })}event: content_block_delta\ndata: {"type":"con\n\n`,
    'error',
  ],
  [
    'openai-responses',
    responseStream([], { type: 'error', code: 'rate_limit_exceeded', message: 'Slow' }),
    'rate-limited',
  ],
  [
    'openai-responses',
    responseStream([], {
      type: 'response.failed',
      response: { error: { code: 'server_error', message: 'No' } },
    }),
    'error',
  ],
])('%s tells a problem, which is not passed on', (name, told, problem) => {
  const { pieces, scanner } = scan(name, [Buffer.from(told)])
  expect(scanner.problem?.class).toBe(problem)
  expect(scanner.isTerminated).toBe(false)
  expect(told.startsWith(pieces.map((piece) => piece.text).join(''))).toBe(true)
  expect(pieces.map((piece) => piece.text).join('').length).toBeLessThan(told.length)
})

test('a response in the background is passed on without a reason', () => {
  const body = Buffer.from(JSON.stringify({ ...searched, status: 'queued', usage: null }))
  expect(relayOf('openai-responses').readWhole(body)).toMatchObject({
    finishReason: null,
    providerModel: 'gpt-x',
  })
})
