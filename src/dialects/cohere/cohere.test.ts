import { describe, expect, test } from 'vitest'
import type { GenerateRequest, Message } from '../../contracts/index.ts'
import { cohereProvider } from '../index.ts'
import { conformsToProviderDialect } from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { call, cohereAnswers, delta, end, say, start } from './cohere.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'image.file',
  'audio',
  'file.base64',
  'file.url',
  'file.file',
  'reasoning.signature',
  'reasoning.redacted',
  'toolResult.isError',
  'toolResult.image',
  'cache',
  'cache.ttl',
  'toolChoice.name',
  'parallelToolCalls',
  'minP',
  'repetitionPenalty',
  'logitBias',
  'choices',
  'logprobs',
  'reasoning.effort',
  'serviceTier',
  'user',
  'metadata',
]
const hello: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] }
const messages = [{ role: 'user', content: 'Hello' }]
const error = (message: string) => JSON.stringify({ id: 'e1', message })

conformsToProviderDialect('Cohere', {
  dialect: cohereProvider,
  requests: allRequestFeatures.filter((feature) => !UNSAID.includes(feature)),
  answers: cohereAnswers,
  written: [
    [
      'a question',
      { messages: [hello], stream: true, includeUsage: true, choices: 1 },
      { model: 'a-model', messages, stream: true },
    ],
    [
      'instructions anywhere, images by value and by place',
      {
        messages: [
          { role: 'developer', content: [{ type: 'text', text: 'Be brief' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'See' },
              { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'iVBORw==' } },
              { type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' }, detail: 'low' },
            ],
          },
          { role: 'system', content: [{ type: 'text', text: 'Be kind' }] },
        ],
      },
      {
        model: 'a-model',
        messages: [
          { role: 'system', content: 'Be brief' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'See' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
              { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } },
            ],
          },
          { role: 'system', content: 'Be kind' },
        ],
      },
    ],
    [
      'thinking as a block, and before calls as their plan; each result a message',
      {
        messages: [
          hello,
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'Hm' },
              { type: 'text', text: 'Yes' },
            ],
          },
          hello,
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'Look' },
              { type: 'tool-call', id: 'a', name: 'weather', arguments: '{"place":' },
              { type: 'tool-call', id: 'b', name: 'weather', arguments: '{}' },
            ],
          },
          {
            role: 'tool',
            content: [
              { type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'Rain' }] },
              { type: 'tool-result', callId: 'b', content: [], isError: false },
            ],
          },
        ],
        tools: [{ name: 'weather', description: 'Of a place', parameters: { type: 'object' }, strict: true }],
        toolChoice: 'required',
      },
      {
        model: 'a-model',
        messages: [
          ...messages,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm' },
              { type: 'text', text: 'Yes' },
            ],
          },
          ...messages,
          {
            role: 'assistant',
            tool_plan: 'Look',
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"place":' } },
              { id: 'b', type: 'function', function: { name: 'weather', arguments: '{}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'a', content: 'Rain' },
          { role: 'tool', tool_call_id: 'b', content: [] },
        ],
        tools: [
          {
            type: 'function',
            function: { name: 'weather', description: 'Of a place', parameters: { type: 'object' } },
          },
        ],
        strict_tools: true,
        tool_choice: 'REQUIRED',
      },
    ],
    [
      'how tokens are drawn, a schema, a budget, extras',
      {
        messages: [hello],
        maxOutputTokens: 9,
        temperature: 0,
        topP: 0.9,
        topK: 3,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        seed: 0,
        stop: ['.'],
        output: { format: 'schema', name: 'x', description: 'A place', schema: { type: 'object' } },
        reasoning: { budgetTokens: 100, summary: 'auto' },
        extras: { safety_mode: 'STRICT' },
      },
      {
        model: 'a-model',
        messages,
        max_tokens: 9,
        temperature: 0,
        p: 0.9,
        k: 3,
        frequency_penalty: 0.1,
        presence_penalty: 0.2,
        seed: 0,
        stop_sequences: ['.'],
        response_format: { type: 'json_object', json_schema: { description: 'A place', type: 'object' } },
        thinking: { type: 'enabled', token_budget: 100 },
        safety_mode: 'STRICT',
      },
    ],
    [
      'no thinking',
      { messages: [hello], reasoning: { effort: 'none' } },
      { model: 'a-model', messages, thinking: { type: 'disabled' } },
    ],
  ],
  problems: [
    ['invalid', 400, error('invalid request: message must be at least 1 token long'), { class: 'invalid' }],
    [
      'too long',
      400,
      error('too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.'),
      { class: 'context-length' },
    ],
    ['key', 401, error('invalid api token'), { class: 'auth' }],
    ['no credit', 402, error('Please add or update your payment method'), { class: 'quota' }],
    ['model', 404, error("model 'x' not found"), { class: 'not-found' }],
    ['not processable', 422, error('all elements in history must have a message'), { class: 'invalid' }],
    [
      'rate',
      429,
      error('You are using a Trial key, limited to 20 API calls / minute.'),
      { class: 'rate-limited' },
    ],
    [
      'month',
      429,
      error('You are using a Trial key, limited to 1000 API calls / month.'),
      { class: 'quota' },
    ],
    ['blocked', 498, error('blocked output'), { class: 'content-filter' }],
    ['broken', 500, error('internal server error'), { class: 'error' }],
    ['overloaded', 503, error('service unavailable'), { class: 'overloaded' }],
    ['slow', 504, error('timed out'), { class: 'timeout' }],
    ['a proxy', 502, '<html>Bad gateway</html>', { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'an answer that ended with an error',
      whole: { id: 'c1', finish_reason: 'ERROR', message: { role: 'assistant', content: [] } },
      stream: start + delta(0, { text: 'He' }) + end('ERROR'),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'an answer that took too long',
      whole: { id: 'c1', finish_reason: 'TIMEOUT', message: { role: 'assistant', content: [] } },
      stream: start + end('TIMEOUT'),
      class: 'timeout',
      code: 'upstream_failed',
    },
    {
      name: 'an error instead of an answer',
      whole: { message: 'internal server error' },
      stream: `data: ${error('internal server error')}\n\n`,
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'a call without a name',
      whole: { message: { tool_calls: [{ id: 'a', function: {} }] } },
      stream: start + call('tool-call-start', 0, { id: 'a', function: {} }),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'arguments of a call that did not begin',
      stream: start + call('tool-call-delta', 0, { function: { arguments: '{' } }),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'an end that does not say why',
      stream: start + say('message-end', { delta: {} }),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

test('what was read and written counts where nothing says what is paid for', () => {
  const { usage } = cohereProvider.readAnswer({
    message: { content: [] },
    usage: { tokens: { input_tokens: 7, output_tokens: 3 }, cached_tokens: 7 },
  })
  expect(usage).toMatchObject({ input: 0, cacheRead: 7, output: 3, providerToolCalls: null })
})

describe('refused by its place', () => {
  const strict = { name: 'a', strict: true }
  test.each<[string, Partial<GenerateRequest>, string]>([
    ['a strict tool among others', { tools: [{ name: 'b' }, strict] }, 'tools.1.strict'],
    ['a mark at a tool', { tools: [{ ...strict, cache: {} }] }, 'tools.0.cache'],
    ['thinking that is not shown', { reasoning: { summary: 'none' } }, 'reasoning.summary'],
    [
      'an image in instructions',
      {
        messages: [
          {
            role: 'system',
            content: [{ type: 'image', source: { kind: 'url', url: 'https://example.org/a.png' } }],
          },
        ],
      },
      'messages.0.content.0',
    ],
  ])('%s', (_, fields, feature) =>
    expect(() => cohereProvider.writeRequest({ messages: [hello], ...fields }, 'm')).toThrow(
      expect.objectContaining({ feature }),
    ),
  )
})
