import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type GenerateEvent, NO_USAGE } from '../../contracts/index.ts'
import { chatProvider, collect, type DialectRelay, dialectRelay, UpstreamBroken } from '../index.ts'
import { chatAnswers, chatErrorsInside, chunk, DONE, deltaChunk, usageOf } from '../openai/chat.fixtures.ts'
import { anyCuts, chunksOf } from '../testing/arbitraries.ts'

const relay = dialectRelay('openai-chat') as DialectRelay
const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 }
const role = deltaChunk({ role: 'assistant', content: '' })
const finish = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null })
const usageChunk = chunk({ choices: [], usage })

function scan(chunks: readonly Buffer[], hideUsage = false, limits = {}) {
  const relayed: { text: string; hasContent: boolean; events: number }[] = []
  const bytes: Buffer[] = []
  const scanner = relay.scanner({
    hideUsage,
    limits,
    relayed(piece, seen) {
      bytes.push(Buffer.from(piece))
      relayed.push({ text: piece.toString(), ...seen })
    },
  })
  for (const one of chunks) scanner.push(Buffer.from(one))
  scanner.end()
  return { scanner, relayed, text: Buffer.concat(bytes).toString() }
}

const scanText = (text: string, hideUsage = false) => scan([Buffer.from(text)], hideUsage)

describe('the same fixture, relayed and translated, yields the same', () => {
  for (const { name, stream, whole } of chatAnswers)
    property.prop([anyCuts])(name, (cuts) => {
      const bytes = Buffer.from(stream as string)
      const { scanner, text } = scan(chunksOf(bytes, cuts))
      const events: GenerateEvent[] = []
      const reader = chatProvider().streamReader((event) => events.push(event))
      reader.push(bytes)
      reader.end()
      const answer = collect(events, 0)
      expect(scanner.isTerminated).toBe(true)
      expect(scanner.problem).toBeUndefined()
      const finished = events.find(({ type }) => type === 'finished')
      expect(scanner.found).toMatchObject({
        usage: answer.usage,
        providerModel: answer.providerModel,
        finishReason: finished?.type === 'finished' ? finished.reason : 'none',
      })
      // Every byte is there; only a blank line that was missing at the end was added.
      expect(text.trimEnd()).toBe((stream as string).trimEnd())
      expect(text).toMatch(/(\n\n|\r\r|\r\n\r\n?)$/)
      expect(relay.readWhole(Buffer.from(JSON.stringify(whole)))).toMatchObject({
        usage: scanner.found.usage,
        providerModel: 'gpt-x',
      })
    })
})

describe('what is found', () => {
  test('content begins where a user would see something', () => {
    const { relayed } = scan(
      [role, deltaChunk({ content: 'a' }), deltaChunk({ content: 'b' }), finish].map(Buffer.from),
    )
    expect(relayed.map(({ hasContent }) => hasContent)).toEqual([false, true, true, false])
  })

  test.each([
    [{ reasoning_content: 'Hm' }],
    [{ reasoning: 'Hm' }],
    [{ refusal: 'No' }],
    [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }],
    [{ function_call: { name: 'f' } }],
    [{ audio: { id: 'a' } }],
    [{ content: [{ type: 'text', text: 'a' }] }],
  ])('%j is content', (delta) => {
    expect(scanText(role + deltaChunk(delta)).relayed[0]).toMatchObject({ hasContent: true, events: 2 })
  })

  test('finish reason, model of the first event, and the sum that a provider names', () => {
    const named = chunk({ choices: [], usage: { ...usage, cost: 0.000_012_5 } })
    const { found } = scanText(role + deltaChunk({ content: 'a' }) + finish + named + DONE).scanner
    expect(found).toEqual({
      usage: usageOf({ input: 9, output: 2 }),
      finishReason: 'stop',
      providerModel: 'gpt-x',
      reportedCostUsd: '0.0000125',
    })
  })

  test('an empty finish reason and a usage of null tell nothing', () => {
    const text =
      deltaChunk({ content: 'a' }) +
      chunk({ choices: [{ delta: { content: 'b' }, finish_reason: '' }], usage: null })
    expect(scanText(text).scanner.found).toMatchObject({ finishReason: null, usage: NO_USAGE })
  })

  test('usage late, with choices and cumulative, is merged without erasing', () => {
    const text = [
      chunk({ choices: [{ delta: { content: 'a' } }], usage: { prompt_tokens: 9, completion_tokens: 1 } }),
      chunk({ choices: [{ delta: { content: 'b' } }], usage: { completion_tokens: 2 } }),
      finish,
      chunk({
        choices: [],
        usage: { completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 1 } },
      }),
      DONE,
    ].join('')
    expect(scanText(text).scanner.found.usage).toEqual(usageOf({ input: 9, output: 3, reasoning: 1 }))
  })

  test('words in a text are no fields', () => {
    const text = '"usage": {"prompt_tokens": 5}, "error": {"message": "x"}, "finish_reason": "stop", [DONE]'
    const { scanner } = scanText(
      role + deltaChunk({ content: 'a' }) + deltaChunk({ content: text }) + deltaChunk({ content: 'error' }),
    )
    expect(scanner).toMatchObject({ isTerminated: false, problem: undefined })
    expect(scanner.found).toMatchObject({ usage: NO_USAGE, finishReason: null })
  })
})

describe('the usage chunk is removed if the client did not ask for it', () => {
  property.prop([anyCuts])('and nothing else is', (cuts) => {
    const before = role + deltaChunk({ content: 'a' }) + finish
    const { scanner, text } = scan(chunksOf(Buffer.from(before + usageChunk + DONE), cuts), true)
    expect(text).toBe(before + DONE)
    expect(scanner.found.usage).toEqual(usageOf({ input: 9, output: 2 }))
  })

  test('a usage beside content stays where it is', () => {
    const text = chunk({ choices: [{ delta: { content: 'a' } }], usage }) + DONE
    expect(scanText(text, true).text).toBe(text)
  })
})

describe('unknown fields pass untouched', () => {
  test('obfuscation, spaces, numbers and comments are as they came', () => {
    const text = `: hello\n\ndata:  {"choices": [ {"delta":{"content":"a\\u0041"}} ], "n": 1.00, "obfuscation":"xyz"}\r\n\r\n: beat\n\n${DONE}`
    expect(scanText(text).text).toBe(text)
  })
})

describe('end of input without the terminal marker', () => {
  property.prop([anyCuts, fc.nat()])('is not terminated, and no half event is passed on', (cuts, place) => {
    const whole = role + deltaChunk({ content: 'a😀' }) + finish + usageChunk
    const bytes = Buffer.from(whole + DONE).subarray(0, place % (Buffer.byteLength(whole) + 6))
    const { scanner, text } = scan(chunksOf(bytes, cuts))
    expect(scanner.isTerminated).toBe(false)
    expect(scanner.problem).toBeUndefined()
    for (const event of text.split('\n\n').filter((one) => one !== '')) JSON.parse(event.slice(6))
    expect(text === '' || text.endsWith('\n\n')).toBe(true)
  })

  test('a marker without its blank line is one, and gets its line', () => {
    const { scanner, text } = scanText(`${role}data: [DONE]`)
    expect(scanner.isTerminated).toBe(true)
    expect(text).toBe(role + DONE)
  })

  test('what comes after the marker is nothing to anybody', () => {
    expect(scanText(role + DONE + deltaChunk({ content: 'more' })).text).toBe(role + DONE)
  })
})

describe('a 200 with an error inside is an error, and its event is not passed on', () => {
  test.each(chatErrorsInside.map((one) => [one.name, one] as const))('%s', (_, one) => {
    for (const before of ['', role + deltaChunk({ content: 'before' })]) {
      const { scanner, text } = scanText(before + one.stream)
      expect(scanner.problem?.class).toBe(one.class)
      expect(text.startsWith(before)).toBe(true)
      expect(text).not.toMatch(/error|overloaded|maximum context|\[DONE\]|\[1\]/)
    }
    if ('whole' in one) {
      const reading = () => relay.readWhole(Buffer.from(JSON.stringify(one.whole)))
      expect(reading).toThrow(UpstreamBroken)
    }
  })

  test.each(['', '{', 'null', '[]', '{}'])('%j is no whole answer', (body) => {
    expect(() => relay.readWhole(Buffer.from(body))).toThrow(UpstreamBroken)
  })
})

describe('bounded', () => {
  test('an event larger than the limit is a problem, and what came before is passed on', () => {
    const { scanner, text } = scan(
      [Buffer.from(role), Buffer.from(`data: {"x":"${'y'.repeat(500)}`)],
      false,
      { maxEventBytes: 400 },
    )
    expect(scanner.problem?.class).toBe('error')
    expect(text).toBe(role)
  })
})

test('a whole push is passed on in one piece, counted', () => {
  const { relayed } = scanText(role + deltaChunk({ content: 'a' }) + deltaChunk({ content: 'b' }))
  expect(relayed).toHaveLength(1)
  expect(relayed[0]?.events).toBe(3)
})

test('legacy completions have a row', () => {
  const completions = dialectRelay('openai-completions') as DialectRelay
  const seen: unknown[] = []
  const scanner = completions.scanner({ hideUsage: true, relayed: (_, one) => seen.push(one) })
  scanner.push(
    Buffer.from(
      `${chunk({ choices: [{ index: 0, text: 'a', finish_reason: 'length' }] })}${usageChunk}${DONE}`,
    ),
  )
  expect(seen).toEqual([{ hasContent: true, events: 2 }])
  expect(scanner.found).toMatchObject({ finishReason: 'length', usage: usageOf({ input: 9, output: 2 }) })
})
