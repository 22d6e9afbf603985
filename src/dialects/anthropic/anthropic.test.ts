import { expect, test } from 'vitest'
import { type GenerateAnswer, type GenerateRequest, NO_USAGE } from '../../contracts/index.ts'
import { anthropicProvider, anthropicSurface, anthropicTokenCount, type JsonObject } from '../index.ts'
import {
  conformsToProviderDialect,
  conformsToSurfaceDialect,
  dialectsAgree,
  sampleContext,
} from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { anthropicAnswers, say, streamPieces } from './anthropic.fixtures.ts'
import { anthropicRequests, invalidMessages } from './requests.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'image.detail',
  'audio',
  'reasoning',
  'output.json',
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'logitBias',
  'choices',
  'logprobs',
  'serviceTier',
  'metadata',
]
const said = allRequestFeatures.filter((feature) => !UNSAID.includes(feature))
const hello: GenerateRequest = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] }
const error = (type: string, words: string) =>
  JSON.stringify({ type: 'error', error: { type, message: words }, request_id: 'req_1' })
const { begin, delta, start, stop, text } = streamPieces

conformsToProviderDialect('Anthropic messages', {
  dialect: anthropicProvider,
  requests: said,
  answers: anthropicAnswers,
  written: [
    [
      'a question, with the bound that the API wants',
      hello,
      { model: 'a-model', max_tokens: 4096, messages: [{ role: 'user', content: 'Hello' }] },
    ],
    ...anthropicRequests.map(
      ([name, { params: _, ...body }, { params: __, ...request }]) =>
        [name, request, { ...body, model: 'a-model' }] as const,
    ),
  ],
  problems: [
    [
      'invalid',
      400,
      error('invalid_request_error', 'max_tokens: Field required'),
      { class: 'invalid', code: 'invalid_request_error' },
    ],
    [
      'too long',
      400,
      error('invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'),
      { class: 'context-length' },
    ],
    [
      'no credit',
      400,
      error('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
      { class: 'quota' },
    ],
    [
      'filtered',
      400,
      error('invalid_request_error', 'Output blocked by content filtering policy'),
      { class: 'content-filter' },
    ],
    ['key', 401, error('authentication_error', 'invalid x-api-key'), { class: 'auth' }],
    ['permission', 403, error('permission_error', 'No'), { class: 'auth' }],
    ['model', 404, error('not_found_error', 'model: claude-9'), { class: 'not-found' }],
    ['size', 413, error('request_too_large', 'Request exceeds the maximum size'), { class: 'invalid' }],
    [
      'rate',
      429,
      error('rate_limit_error', 'Number of request tokens has exceeded your rate limit'),
      { class: 'rate-limited' },
    ],
    ['broken', 500, error('api_error', 'Internal server error'), { class: 'error' }],
    ['slow', 504, error('timeout_error', 'It took too long'), { class: 'timeout' }],
    [
      'overloaded',
      529,
      error('overloaded_error', 'Overloaded'),
      { class: 'overloaded', code: 'overloaded_error' },
    ],
    ['a proxy', 502, '<html>Bad gateway</html>', { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'overloaded, after content',
      whole: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      stream:
        start() +
        begin(0, text('')) +
        delta(0, { type: 'text_delta', text: 'He' }) +
        `event: error\ndata: ${error('overloaded_error', 'Overloaded')}\n\n` +
        stop(0),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'rate limited, before content',
      stream: `event: error\ndata: ${error('rate_limit_error', 'Slow down')}\n\n`,
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: 'a delta of a block that is not open',
      stream: start() + delta(3, { type: 'text_delta', text: 'x' }),
      class: 'error',
      code: 'upstream_failed',
    },
    { name: 'no JSON', stream: `${start()}data: {"type\n\n`, class: 'error', code: 'upstream_failed' },
  ],
})

conformsToSurfaceDialect('Anthropic messages', {
  dialect: anthropicSurface,
  minimal: { model: 'a-model', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] },
  requests: anthropicRequests,
  invalid: invalidMessages,
  successMarker: /event: message_stop/,
  errorWords: (body) => (body.error as JsonObject).message,
  fields: [
    ['maxOutputTokens', 'max_tokens'],
    ['stop', 'stop_sequences'],
    ['output', 'output_config.format'],
    ['reasoning.effort', 'thinking'],
    ['extras.container', 'container'],
    ['seed', 'seed'],
  ],
})

dialectsAgree('Anthropic messages', {
  surface: anthropicSurface,
  provider: anthropicProvider,
  // A developer is the system there, a refusal a text, and a schema has neither name nor choice of strictness.
  requests: said.filter(
    (feature) => !['developer', 'output.text', 'output.strict', 'output.schema', 'refusal'].includes(feature),
  ),
  answers: [
    'reasoning',
    'reasoning.signature',
    'tool-calls',
    'providerModel',
    'usage.cacheRead',
    'usage.cacheWrite',
    'usage.cacheWriteHour',
    'usage.reasoning',
  ],
  finishReasons: ['stop', 'length', 'refusal', 'pause'],
  // The bound is always said there, and whether calls are parallel only together with the choice.
  sameRequest: ({ parallelToolCalls: parallel, toolChoice = 'auto', ...request }) => ({
    maxOutputTokens: 4096 + (request.reasoning?.budgetTokens ?? 0),
    ...request,
    toolChoice,
    ...(parallel === undefined || toolChoice === 'none' ? {} : { parallelToolCalls: parallel }),
  }),
  sameAnswer: (answer) => ({
    ...answer,
    createdAt: 0,
    choices: answer.choices.map(({ rawFinishReason: _, ...choice }) => choice),
    // An hour's share is only told with the rest.
    usage:
      answer.usage.cacheWriteHour === null
        ? answer.usage
        : { ...answer.usage, cacheWrite: answer.usage.cacheWrite ?? 0 },
  }),
})

test.each([
  [
    'claude-3-7-sonnet-20250219',
    { effort: 'high' },
    { thinking: { type: 'enabled', budget_tokens: 8192 }, max_tokens: 12_288 },
  ],
  [
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    { effort: 'low' },
    { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 5120 },
  ],
  ['claude-opus-4-20250514', { effort: 'low' }, { thinking: { type: 'enabled', budget_tokens: 1024 } }],
  [
    'claude-opus-4-6',
    { effort: 'high' },
    { thinking: { type: 'adaptive' }, output_config: { effort: 'high' }, max_tokens: 4096 },
  ],
  [
    'claude-sonnet-5-5',
    { effort: 'xhigh', summary: 'none' },
    { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'xhigh' } },
  ],
  [
    'claude-sonnet-5-5',
    { budgetTokens: 2000, effort: 'low' },
    { thinking: { type: 'enabled', budget_tokens: 2000 }, output_config: { effort: 'low' } },
  ],
  ['claude-haiku-4-5', { effort: 'none' }, { thinking: { type: 'disabled' } }],
] as const)('%s thinks by %j', (model, reasoning, body) => {
  expect(anthropicProvider.writeRequest({ ...hello, reasoning }, model)).toMatchObject(body)
})

test.each<[Partial<GenerateRequest>, string]>([
  [{ temperature: 1.5 }, 'temperature'],
  [{ reasoning: { effort: 'minimal' } }, 'reasoning.effort'],
  [{ extras: { store: true } }, 'extras.store'],
  [{ extras: { 'input.item_reference': ['/input/0'] } }, 'extras.input.item_reference'],
  [{ extras: { 'tools.web_search': [{ type: 'web_search' }] } }, 'extras.tools.web_search'],
  [
    {
      messages: [
        {
          role: 'assistant',
          content: [{ type: 'reasoning', text: 'Hm', signature: 'openai-responses:rs_1:eA' }],
        },
      ],
    },
    'messages.0.content.0',
  ],
  [
    {
      messages: [
        {
          role: 'user',
          content: [{ type: 'file', source: { kind: 'base64', mediaType: 'text/csv', data: '' } }],
        },
      ],
    },
    'messages.0.content.0',
  ],
])('%j cannot be said', (request, feature) => {
  expect(() => anthropicProvider.writeRequest({ ...hello, ...request }, 'm')).toThrow(
    expect.objectContaining({ name: 'UnsupportedFeature', feature }),
  )
})

test('arguments that are no object reach the other side as they were', () => {
  const content = ['{"a', '[1]', '"x"'].map((words, at) => ({
    type: 'tool-call' as const,
    id: `t${at}`,
    name: 'f',
    arguments: words,
  }))
  const answer: GenerateAnswer = {
    id: 'm',
    createdAt: 0,
    choices: [{ index: 0, content, finishReason: 'tool-calls' }],
    usage: NO_USAGE,
  }
  const body = anthropicSurface.writeAnswer(answer, sampleContext)
  expect(body.content).toContainEqual(expect.objectContaining({ input: { INVALID_JSON: '{"a' } }))
  expect(anthropicProvider.readAnswer(body).choices[0]?.content).toEqual(content)
})

test.each([
  [503, 'overloaded', 'overloaded_error'],
  [503, 'upstream_overloaded', 'overloaded_error'],
  [429, 'limit_reached', 'rate_limit_error'],
  [422, 'invalid_request', 'invalid_request_error'],
  [404, 'unknown_model', 'not_found_error'],
  [502, 'upstream_failed', 'api_error'],
  [504, 'deadline_exceeded', 'timeout_error'],
])('an error of status %d, %s, is %s', (status, code, type) => {
  const body = anthropicSurface.writeError({ code, status, title: 'No.', hint: '', requestId: 'r' })
  expect(body).toEqual({ type: 'error', error: { type, message: 'No.' }, request_id: 'r' })
})

test('a count of tokens asks without what is about the answer', () => {
  const request: GenerateRequest = {
    ...hello,
    maxOutputTokens: 1,
    temperature: 0.5,
    user: 'u',
    stop: ['x'],
    tools: [{ name: 'f' }],
  }
  expect(Object.keys(anthropicTokenCount.writeRequest(request, 'm')).sort()).toEqual([
    'messages',
    'model',
    'tools',
  ])
  expect(anthropicTokenCount.readAnswer({ input_tokens: 14 })).toEqual({ input_tokens: 14 })
  expect(() => anthropicTokenCount.readAnswer({})).toThrow(
    expect.objectContaining({ name: 'UpstreamBroken' }),
  )
})

test('a glance counts text, and bytes as one medium', () => {
  const data = 'A'.repeat(1_000_000)
  const glance = anthropicSurface.glance({
    model: 'm',
    stream: true,
    max_tokens: 5,
    metadata: { user_id: 'u' },
    temperature: 0,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hello' },
          { type: 'image', source: { data } },
        ],
      },
    ],
  })
  expect(glance).toMatchObject({ model: 'm', stream: true, user: 'u', maxOutputTokens: 5, isSampled: false })
  expect(glance.promptCharacters).toBeGreaterThan(8000)
  expect(glance.promptCharacters).toBeLessThan(8200)
})

test('the fixtures are of the form that is written', () =>
  expect(say('ping')).toBe('event: ping\ndata: {"type":"ping"}\n\n'))
