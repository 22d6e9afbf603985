import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { NO_USAGE, type TokenUsage, tokenUsage } from '../../contracts/index.ts'
import { mergeUsage, readChatUsage, writeChatUsage } from '../index.ts'

describe('usage is normalised: no class is inside another, but thinking in the output', () => {
  test.each<[string, unknown, Partial<TokenUsage>]>([
    ['plain', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, { input: 10, output: 5 }],
    [
      'the prompt includes what was cached',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 8 } },
      { input: 2, cacheRead: 8, output: 5 },
    ],
    [
      'and what was written to the cache',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 4 },
      },
      { input: 3, cacheRead: 3, cacheWrite: 4, output: 5 },
    ],
    [
      'no cache is told as none',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 0 } },
      { input: 10, cacheRead: 0, output: 5 },
    ],
    [
      'thinking is inside the completion',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      { input: 10, output: 5, reasoning: 3 },
    ],
    [
      'xAI: thinking beside the completion, as its total shows',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 18,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      { input: 10, output: 8, reasoning: 3 },
    ],
    [
      'Gemini: a total with more in it than it tells: the output is not known',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 },
      { input: 10 },
    ],
    [
      'a total smaller than its parts: nothing is known',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 12 },
      {},
    ],
    [
      'a total of 0 is not told',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 0 },
      { input: 10, output: 5 },
    ],
    [
      'more cached than there was: the prompt is not known',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 11 } },
      { output: 5 },
    ],
    [
      'more thinking than output: the thinking is not known',
      { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 6 } },
      { input: 10, output: 5 },
    ],
    [
      'Moonshot: cached beside the counts',
      { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 4 },
      { input: 6, cacheRead: 4, output: 5 },
    ],
    [
      'searches',
      { prompt_tokens: 1, completion_tokens: 1, server_tool_use: { web_search_requests: 2 } },
      { input: 1, output: 1, providerToolCalls: 2 },
    ],
    ['figures that count nothing', { prompt_tokens: -1, completion_tokens: 1.5 }, {}],
    ['the completion alone', { completion_tokens: 5 }, { output: 5 }],
    ['null', null, {}],
    ['a text', 'many', {}],
  ])('%s', (_, told, expected) => expect(readChatUsage(told)).toEqual({ ...NO_USAGE, ...expected }))

  const figure = fc.oneof(fc.nat(50), fc.constantFrom(null, undefined, -1, 'x'))
  property.prop([
    fc.record({
      prompt_tokens: figure,
      completion_tokens: figure,
      total_tokens: figure,
      prompt_tokens_details: fc.record({
        cached_tokens: figure,
        cache_write_tokens: figure,
        audio_tokens: figure,
      }),
      completion_tokens_details: fc.record({ reasoning_tokens: figure, audio_tokens: figure }),
    }),
  ])('whatever is told, what comes out adds up and is never negative', (told) => {
    const usage = tokenUsage.parse(readChatUsage(told))
    expect(usage.reasoning ?? 0).toBeLessThanOrEqual(usage.output ?? 0)
    expect(usage.inputAudio ?? 0).toBeLessThanOrEqual(usage.input ?? 0)
    if (usage.input !== null)
      expect(usage.input + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0)).toBe(told.prompt_tokens)
  })
})

test('what is not known is not written as zero', () => {
  expect(writeChatUsage({ ...NO_USAGE, input: 3 })).toBeUndefined()
  expect(writeChatUsage({ ...NO_USAGE, input: 3, output: 4 })).toEqual({
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
  })
})

test('later figures win, silence erases nothing', () => {
  const first = { ...NO_USAGE, input: 3, cacheRead: 2, output: 1 }
  expect(mergeUsage(first, { ...NO_USAGE, output: 5 })).toEqual({ ...first, output: 5 })
  expect(mergeUsage(first, NO_USAGE)).toEqual(first)
})
