import { describe, expect, test } from 'vitest'
import type { GenerateEvent, GenerateRequest } from '../../contracts/index.ts'
import {
  chatProvider,
  chatQuirks,
  chatSurface,
  collect,
  type JsonObject,
  UnsupportedFeature,
} from '../index.ts'
import {
  conformsToProviderDialect,
  conformsToSurfaceDialect,
  dialectsAgree,
  sampleContext,
} from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { chatAnswers, chatErrorsInside, chunk, DONE, deltaChunk, usageOf } from './chat.fixtures.ts'
import { chatProblems } from './problems.fixtures.ts'
import { chatRequests, invalidChats } from './requests.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'image.file',
  'file.url',
  'reasoning',
  'reasoning.signature',
  'reasoning.redacted',
  'toolResult.isError',
  'toolResult.image',
  'cache',
  'cache.ttl',
  'topK',
  'minP',
  'repetitionPenalty',
  'reasoning.budgetTokens',
  'reasoning.summary',
]
const said = (...more: RequestFeature[]) =>
  allRequestFeatures.filter((feature) => !UNSAID.includes(feature) || more.includes(feature))

const hello: GenerateRequest = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] }

conformsToProviderDialect('OpenAI chat completions', {
  dialect: chatProvider(),
  requests: said(),
  answers: chatAnswers,
  written: [
    ['a plain question', hello, { model: 'a-model', messages: [{ role: 'user', content: 'Hello' }] }],
    [
      'a stream whose usage is asked for',
      { ...hello, stream: true, includeUsage: true, maxOutputTokens: 5 },
      {
        model: 'a-model',
        messages: [{ role: 'user', content: 'Hello' }],
        max_completion_tokens: 5,
        stream: true,
        stream_options: { include_usage: true },
      },
    ],
  ],
  problems: chatProblems,
  errorsInside: chatErrorsInside,
})

conformsToSurfaceDialect('OpenAI chat completions', {
  dialect: chatSurface,
  minimal: { model: 'a-model', messages: [{ role: 'user', content: 'Hello' }] },
  requests: chatRequests,
  invalid: invalidChats,
  successMarker: /\[DONE\]/,
  errorWords: (body) => (body.error as JsonObject).message,
  fields: [
    ['maxOutputTokens', 'max_tokens'],
    ['output', 'response_format'],
    ['seed', 'seed'],
    ['reasoning.budgetTokens', 'reasoning_effort'],
    ['extras.store', 'store'],
    ['extras.chat.messages.-1.x', 'messages.-1.x'],
    ['messages.0.content.1', 'messages.0.content.1'],
  ],
})

dialectsAgree('OpenAI chat completions', {
  surface: chatSurface,
  provider: chatProvider({ ...chatQuirks.vllm, lacks: [], hasDeveloperRole: true }),
  requests: said('reasoning', 'topK', 'minP', 'repetitionPenalty'),
  answers: [
    'reasoning',
    'refusal',
    'tool-calls',
    'choices',
    'logprobs',
    'providerModel',
    'usage.cacheRead',
    'usage.cacheWrite',
    'usage.reasoning',
    'usage.audio',
    'usage.none',
  ],
  finishReasons: ['stop', 'length', 'content-filter'],
})

describe('quirks of compatible servers', () => {
  const asked = (request: Partial<GenerateRequest>, kind: keyof typeof chatQuirks) =>
    chatProvider(chatQuirks[kind]).writeRequest({ ...hello, ...request }, 'm')
  const tools = [{ name: 'f' }]
  const called: GenerateRequest['messages'] = [
    { role: 'assistant', content: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
  ]

  test.each<[keyof typeof chatQuirks, Partial<GenerateRequest>, JsonObject]>([
    ['openai', { maxOutputTokens: 5 }, { max_completion_tokens: 5 }],
    ['vllm', { maxOutputTokens: 5 }, { max_tokens: 5 }],
    [
      'vllm',
      { topK: 4, minP: 0.1, repetitionPenalty: 1.1 },
      { top_k: 4, min_p: 0.1, repetition_penalty: 1.1 },
    ],
    ['llama-cpp', { repetitionPenalty: 1.1 }, { repeat_penalty: 1.1 }],
    ['mistral', { seed: 3, tools, toolChoice: 'required' }, { random_seed: 3, tool_choice: 'any' }],
    [
      'openrouter',
      { reasoning: { effort: 'high', budgetTokens: 9, summary: 'none' } },
      { reasoning: { effort: 'high', max_tokens: 9, exclude: true } },
    ],
    ['openai', { reasoning: { effort: 'low' } }, { reasoning_effort: 'low' }],
    ['openai', { messages: called }, { messages: [expect.objectContaining({ content: null })] }],
    ['mistral', { messages: called }, { messages: [expect.objectContaining({ content: '' })] }],
    [
      'vllm',
      { messages: [{ role: 'developer', content: [] }] },
      { messages: [{ role: 'system', content: [] }] },
    ],
    [
      'groq',
      { messages: [{ role: 'assistant', content: [{ type: 'reasoning', text: 'Hm' }] }] },
      { messages: [{ role: 'assistant', reasoning: 'Hm', content: '' }] },
    ],
  ])('%s writes %j', (kind, request, expected) => expect(asked(request, kind)).toMatchObject(expected))

  test('a server without stream_options is not sent them', () => {
    expect(asked({ stream: true, includeUsage: true }, 'mistral')).not.toHaveProperty('stream_options')
  })

  test.each<[keyof typeof chatQuirks, Partial<GenerateRequest>, string]>([
    ['deepseek', { output: { format: 'schema', schema: {} } }, 'output'],
    ['deepseek', { seed: 1 }, 'seed'],
    ['tgi', { tools: [{ name: 'f', strict: true }] }, 'tools.0.strict'],
    ['ollama', { tools, toolChoice: 'auto' }, 'toolChoice'],
    ['openai', { topK: 4 }, 'topK'],
    ['openai', { stream: true, extras: { audio: { voice: 'x' } } }, 'extras.audio'],
  ])('%s cannot say %j', (kind, request, feature) => {
    expect(() => asked(request, kind)).toThrow(
      expect.objectContaining({ name: 'UnsupportedFeature', feature }),
    )
  })
})

describe('what the neutral form has no place for goes back to where it was', () => {
  const body = {
    model: 'm',
    messages: [
      {
        role: 'user',
        content: [{ type: 'text', text: 'See', prompt_cache_breakpoint: { mode: 'explicit' } }],
        x: 1,
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'a', type: 'custom', custom: { name: 'sh', input: 'ls' } },
          { id: 'b', type: 'function', function: { name: 'f', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'b', content: 'ok' },
      {
        role: 'user',
        content: [
          { type: 'video_url', video_url: { url: 'https://example.org/a.mp4' } },
          { type: 'text', text: 'Go' },
        ],
      },
    ],
    tools: [
      { type: 'function', function: { name: 'f' } },
      { type: 'custom', custom: { name: 'sh' } },
    ],
    tool_choice: { type: 'custom', custom: { name: 'sh' } },
    response_format: { type: 'grammar', grammar: 'root ::= "a"' },
    stream: true,
    stream_options: { include_usage: true, include_obfuscation: false },
    store: true,
  }

  test('to a server of the same dialect', () => {
    expect(chatProvider().writeRequest(chatSurface.readRequest(body), 'm')).toEqual(body)
  })

  test('also where a version puts words before', () => {
    const request = chatSurface.readRequest(body)
    const system = { role: 'system', content: [{ type: 'text', text: 'Be brief' }] } as const
    const written = chatProvider().writeRequest(
      { ...request, messages: [{ ...system, content: [...system.content] }, ...request.messages] },
      'm',
    )
    expect(written.messages).toEqual([{ role: 'system', content: 'Be brief' }, ...body.messages])
  })

  test('where its place is gone, it is refused by name', () => {
    const { extras } = chatSurface.readRequest(body)
    const request = { ...hello, extras: { 'chat.messages.-4.x': extras?.['chat.messages.-4.x'] } }
    expect(() => chatProvider().writeRequest(request, 'm')).toThrow(UnsupportedFeature)
  })
})

describe('streams', () => {
  const written = (events: GenerateEvent[], context = {}) => {
    const writer = chatSurface.streamWriter({ ...sampleContext, ...context })
    return events.map((event) => writer.write(event))
  }
  const chunksOf = (texts: string[]) =>
    texts
      .join('')
      .split('\n\n')
      .filter((text) => text.startsWith('data: {'))
      .map((text) => JSON.parse(text.slice(6)))
  const whole: GenerateEvent[] = [
    { type: 'started', id: 'chatcmpl-1', providerModel: 'gpt-x' },
    { type: 'text', choice: 0, text: 'Hi' },
    { type: 'usage', usage: usageOf({ input: 3 }) },
    { type: 'finished', choice: 0, reason: 'stop' },
    { type: 'usage', usage: usageOf({ output: 4 }) },
    { type: 'ended' },
  ]

  test('keep the role-only first delta', () => {
    expect(chunksOf(written(whole))[0]).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'a-model',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
      usage: null,
    })
  })

  test('usage late and in pieces is told once, after the finish reason, with no choices', () => {
    const chunks = chunksOf(written(whole))
    expect(chunks.filter(({ usage }) => usage !== null)).toEqual([
      expect.objectContaining({
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      }),
    ])
    expect(chunks.at(-1).choices).toEqual([])
  })

  test('usage is not told to whom did not ask', () => {
    for (const told of chunksOf(written(whole, { includeUsage: false })))
      expect(told).not.toHaveProperty('usage')
  })

  test('a client of functions gets its own words', () => {
    const events: GenerateEvent[] = [
      { type: 'started', id: 'x' },
      { type: 'tool-call-started', choice: 0, call: 0, id: 'a', name: 'f' },
      { type: 'tool-call-arguments', choice: 0, call: 0, text: '{}' },
      { type: 'finished', choice: 0, reason: 'tool-calls' },
      { type: 'ended' },
    ]
    const deltas = chunksOf(written(events, { usesFunctions: true })).flatMap(({ choices }) => choices)
    expect(deltas.slice(1, 4)).toMatchObject([
      { delta: { function_call: { name: 'f', arguments: '' } } },
      { delta: { function_call: { arguments: '{}' } } },
      { finish_reason: 'function_call' },
    ])
    const answer = chatSurface.writeAnswer(collect(events, 0), { ...sampleContext, usesFunctions: true })
    expect(answer.choices).toMatchObject([
      { message: { function_call: { name: 'f', arguments: '{}' } }, finish_reason: 'function_call' },
    ])
    expect(chatSurface.glance({ functions: [{ name: 'f' }] }).usesFunctions).toBe(true)
  })

  const read = (text: string, quirks = chatQuirks.openai as Parameters<typeof chatProvider>[0]) => {
    const events: GenerateEvent[] = []
    const reader = chatProvider(quirks).streamReader((event) => events.push(event))
    reader.push(Buffer.from(text))
    reader.end()
    return events
  }

  test('an empty finish reason is not terminal, and a stream without [DONE] is truncated', () => {
    const text = deltaChunk({ content: 'a' }, { finish_reason: '' })
    expect(read(text).at(-1)).toMatchObject({ type: 'failed', code: 'upstream_truncated' })
    expect(read(text, { ...chatQuirks.openai, doneIsOptional: true }).at(-1)?.type).toBe('failed')
  })

  test('a server that leaves [DONE] out has ended when its choices have', () => {
    const text = deltaChunk({ content: 'a' }, { finish_reason: 'stop' })
    expect(read(text).at(-1)).toMatchObject({ type: 'failed', code: 'upstream_truncated' })
    expect(read(text, { ...chatQuirks.openai, doneIsOptional: true }).slice(-2)).toEqual([
      { type: 'finished', choice: 0, reason: 'stop' },
      { type: 'ended' },
    ])
  })

  test('usage told before a failure is kept', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 }
    const events = read(chunk({ choices: [{ index: 0, delta: { content: 'a' } }], usage }))
    expect(events).toContainEqual({ type: 'usage', usage: usageOf({ input: 9, output: 2 }) })
    expect(events.at(-1)?.type).toBe('failed')
  })

  test('choices without end are refused', () => {
    const many = Array.from({ length: 129 }, (_, index) =>
      chunk({ choices: [{ index, delta: { content: 'a' } }] }),
    )
    expect(read(many.join('') + DONE).at(-1)).toMatchObject({ type: 'failed', code: 'upstream_failed' })
  })
})
