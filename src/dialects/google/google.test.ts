import { describe, expect, test } from 'vitest'
import type { GenerateEvent, GenerateRequest, Message } from '../../contracts/index.ts'
import { geminiProvider, type JsonObject } from '../index.ts'
import { conformsToProviderDialect } from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { candidate, googleAnswers, say } from './google.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'image.detail',
  'reasoning.redacted',
  'cache',
  'cache.ttl',
  'tools.strict',
  'parallelToolCalls',
  'minP',
  'repetitionPenalty',
  'logitBias',
  'serviceTier',
  'user',
  'metadata',
]
const hello: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] }
const contents = [{ role: 'user', parts: [{ text: 'Hello' }] }]
const config = (
  fields: Partial<GenerateRequest>,
  generationConfig: JsonObject,
): [GenerateRequest, JsonObject] => [
  { messages: [hello], ...fields },
  { contents, generationConfig },
]
const error = (code: number, status: string, message: string) =>
  JSON.stringify({ error: { code, message, status } })

const call = (id: string, name: string, args = '{}') =>
  ({ type: 'tool-call', id, name, arguments: args }) as const
const result = (callId: string, text: string, isError = false): Message => ({
  role: 'tool',
  content: [
    { type: 'tool-result', callId, content: [{ type: 'text', text }], ...(isError ? { isError } : {}) },
  ],
})

conformsToProviderDialect('Gemini', {
  dialect: geminiProvider,
  requests: allRequestFeatures.filter((feature) => !UNSAID.includes(feature)),
  answers: googleAnswers,
  written: [
    ['a question', { messages: [hello], stream: true, includeUsage: true }, { contents }],
    [
      'instructions, media by value and by place',
      {
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'Be brief' }] },
          {
            role: 'user',
            content: [
              { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' } },
              {
                type: 'file',
                source: { kind: 'url', url: 'https://example.org/a.pdf?x=1' },
                filename: 'a.pdf',
              },
              { type: 'file', source: { kind: 'file', fileId: 'https://example.org/v1beta/files/abc' } },
            ],
          },
        ],
      },
      {
        systemInstruction: { parts: [{ text: 'Be brief' }] },
        contents: [
          {
            role: 'user',
            parts: [
              { inlineData: { mimeType: 'image/png', data: 'iVBORw==' } },
              { fileData: { mimeType: 'application/pdf', fileUri: 'https://example.org/a.pdf?x=1' } },
              { fileData: { fileUri: 'https://example.org/v1beta/files/abc' } },
            ],
          },
        ],
      },
    ],
    [
      'signed calls; their results in the order of the calls, in one turn',
      {
        messages: [
          hello,
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
              call('a', 'weather', '{"place":"Ulm"}'),
              call('b', 'weather', '{"place":'),
            ],
          },
          result('b', 'No such place', true),
          result('a', 'Rain'),
          { role: 'assistant', content: [{ type: 'reasoning', signature: 'ZW5k' }] },
          hello,
        ],
        toolChoice: { name: 'weather' },
        tools: [{ name: 'weather', parameters: { type: 'object' } }],
      },
      {
        contents: [
          ...contents,
          {
            role: 'model',
            parts: [
              { text: 'Hm', thought: true },
              { functionCall: { name: 'weather', args: { place: 'Ulm' } }, thoughtSignature: 'c2ln' },
              { functionCall: { name: 'weather', args: { INVALID_JSON: '{"place":' } } },
            ],
          },
          {
            role: 'user',
            parts: [
              { functionResponse: { name: 'weather', response: { output: 'Rain' } } },
              { functionResponse: { name: 'weather', response: { error: 'No such place' } } },
            ],
          },
          { role: 'model', parts: [{ text: '', thoughtSignature: 'ZW5k' }] },
          ...contents,
        ],
        tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: { type: 'object' } }] }],
        toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } },
      },
    ],
    [
      'how tokens are drawn',
      ...config(
        {
          maxOutputTokens: 9,
          temperature: 0,
          topP: 1,
          topK: 3,
          seed: 0,
          stop: ['.'],
          choices: 2,
          presencePenalty: 1,
          frequencyPenalty: -1,
          logprobs: { top: 2 },
        },
        {
          maxOutputTokens: 9,
          temperature: 0,
          topP: 1,
          topK: 3,
          seed: 0,
          stopSequences: ['.'],
          candidateCount: 2,
          presencePenalty: 1,
          frequencyPenalty: -1,
          responseLogprobs: true,
          logprobs: 2,
        },
      ),
    ],
    [
      'a schema',
      ...config(
        { output: { format: 'schema', name: 'x', description: 'A place', schema: { type: 'object' } } },
        {
          responseMimeType: 'application/json',
          responseJsonSchema: { description: 'A place', type: 'object' },
        },
      ),
    ],
    [
      'its own extras, ours put into them',
      ...config(
        {
          temperature: 1,
          reasoning: { effort: 'low', summary: 'auto' },
          extras: { generationConfig: { speechConfig: {} } },
        },
        { speechConfig: {}, temperature: 1, thinkingConfig: { thinkingLevel: 'low', includeThoughts: true } },
      ),
    ],
  ],
  problems: [
    ['invalid', 400, error(400, 'INVALID_ARGUMENT', 'Bad'), { class: 'invalid', code: 'INVALID_ARGUMENT' }],
    ['key', 400, error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass one.'), { class: 'auth' }],
    [
      'too long',
      400,
      error(
        400,
        'INVALID_ARGUMENT',
        'The input token count (9) exceeds the maximum number of tokens allowed (8).',
      ),
      { class: 'context-length' },
    ],
    ['billing', 400, error(400, 'FAILED_PRECONDITION', 'Please enable billing'), { class: 'quota' }],
    ['permission', 403, error(403, 'PERMISSION_DENIED', 'No'), { class: 'auth' }],
    ['model', 404, error(404, 'NOT_FOUND', 'models/x is not found'), { class: 'not-found' }],
    ['rate, in a list', 429, `[${error(429, 'RESOURCE_EXHAUSTED', 'Slow')}]`, { class: 'rate-limited' }],
    ['broken', 500, error(500, 'INTERNAL', 'Oh'), { class: 'error' }],
    ['overloaded', 503, error(503, 'UNAVAILABLE', 'The model is overloaded.'), { class: 'overloaded' }],
    ['slow', 504, error(504, 'DEADLINE_EXCEEDED', 'Too slow'), { class: 'timeout' }],
    ['a proxy', 502, '<html>Bad gateway</html>', { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'a blocked prompt',
      whole: { promptFeedback: { blockReason: 'SAFETY' } },
      stream: say({ promptFeedback: { blockReason: 'SAFETY' } }),
      class: 'content-filter',
      code: 'content_filtered',
    },
    {
      name: 'overloaded, after content',
      whole: JSON.parse(error(503, 'UNAVAILABLE', 'Overloaded')),
      stream: `${say({ candidates: [candidate([{ text: 'He' }])] })}data: ${error(503, 'UNAVAILABLE', 'Overloaded')}\n\n`,
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'a call without all its arguments',
      whole: { candidates: [candidate([{ functionCall: { name: 'f', willContinue: true } }])] },
      stream: say({ candidates: [candidate([{ functionCall: { name: 'f', willContinue: true } }])] }),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

describe('a stream is whole when each candidate had its finish reason', () => {
  const open = say({ candidates: [candidate([{ text: 'a' }], { index: 1 })] })
  const done = (index: number) =>
    say({ candidates: [candidate([{ text: 'b' }], { index, finishReason: 'STOP' })] })
  test.each([
    ['one of two had none', open + done(0), 'failed'],
    ['both had one', open + done(0) + done(1), 'ended'],
    ['unspecified is none', say({ candidates: [{ finishReason: 'FINISH_REASON_UNSPECIFIED' }] }), 'failed'],
    ['usage may come after', done(0) + say({ usageMetadata: { promptTokenCount: 1 } }), 'ended'],
    ['no candidate at all', say({ usageMetadata: { promptTokenCount: 1 } }), 'failed'],
  ])('%s', (_, stream, last) => {
    const events: GenerateEvent[] = []
    const reader = geminiProvider.streamReader((event) => events.push(event))
    reader.push(Buffer.from(stream))
    reader.end()
    expect(events.at(-1)?.type).toBe(last)
  })
})

test('a later figure of the usage erases nothing, and what is read from the cache is told late', () => {
  const { usage } = geminiProvider.readAnswer({
    candidates: [candidate([], { finishReason: 'STOP' })],
    usageMetadata: { promptTokenCount: 10, cachedContentTokenCount: 10, thoughtsTokenCount: 3 },
  })
  expect(usage).toMatchObject({ input: 0, cacheRead: 10, output: 3, reasoning: 3 })
})

describe('an effort is a level, for 2.5 a budget', () => {
  const asked = (model: string, effort: 'none' | 'low' | 'xhigh') =>
    geminiProvider.writeRequest({ messages: [hello], reasoning: { effort } }, model).generationConfig
  test.each([
    ['gemini-3-pro', 'low', { thinkingLevel: 'low' }],
    ['gemini-2.5-flash', 'low', { thinkingBudget: 1024 }],
    ['gemini-2.5-flash', 'none', { thinkingBudget: 0 }],
  ] as const)('%s %s', (model, effort, thinkingConfig) =>
    expect(asked(model, effort)).toEqual({ thinkingConfig }),
  )
  test.each([
    ['gemini-3-pro', 'none'],
    ['gemini-2.5-pro', 'xhigh'],
  ] as const)('%s has no %s', (model, effort) =>
    expect(() => asked(model, effort)).toThrow(expect.objectContaining({ feature: 'reasoning.effort' })),
  )
})

describe('refused by its place', () => {
  test.each<[string, Message[], string]>([
    ['instructions later', [hello, { role: 'system', content: [] }], 'messages.1'],
    ['a result of no call', [result('x', '')], 'messages.0.content.0'],
  ])('%s', (_, messages, feature) =>
    expect(() => geminiProvider.writeRequest({ messages }, 'm')).toThrow(
      expect.objectContaining({ feature }),
    ),
  )
})
