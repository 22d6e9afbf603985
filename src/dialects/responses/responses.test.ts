import { fc, test as property } from '@fast-check/vitest'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import {
  type GenerateAnswer,
  type GenerateEvent,
  type GenerateRequest,
  NO_USAGE,
} from '../../contracts/index.ts'
import { collect, type JsonObject, responsesProvider, responsesSurface } from '../index.ts'
import { anyAnswer, eventsOf } from '../testing/arbitraries.ts'
import {
  conformsToProviderDialect,
  conformsToSurfaceDialect,
  dialectsAgree,
  sampleContext,
} from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { invalidResponses, responsesRequests, shortResponses } from './requests.fixtures.ts'
import { ended, responsesAnswers, searched, searchItem, stream } from './responses.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'audio',
  'reasoning',
  'reasoning.signature',
  'reasoning.redacted',
  'toolResult.isError',
  'cache',
  'cache.ttl',
  'topK',
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'stop',
  'logitBias',
  'choices',
  'reasoning.budgetTokens',
]
const said = allRequestFeatures.filter((feature) => !UNSAID.includes(feature))
const hello: GenerateRequest = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] }
const error = (fields: object) =>
  JSON.stringify({ error: { message: 'No', type: 'x', param: null, code: null, ...fields } })
const failed = (code: string) => ended({ output: [], error: { code, message: 'It failed' } }, 'failed')

conformsToProviderDialect('OpenAI responses', {
  dialect: responsesProvider,
  requests: said,
  answers: responsesAnswers,
  written: responsesRequests.map(
    ([name, body, request]) => [name, request, { ...body, model: 'a-model' }] as const,
  ),
  problems: [
    [
      'a parameter',
      400,
      error({ type: 'invalid_request_error', code: 'unsupported_parameter' }),
      { class: 'invalid', code: 'unsupported_parameter' },
    ],
    ['length', 400, error({ code: 'context_length_exceeded' }), { class: 'context-length' }],
    ['quota', 429, error({ code: 'insufficient_quota' }), { class: 'quota' }],
    ['rate', 429, error({ code: 'rate_limit_exceeded' }), { class: 'rate-limited' }],
    ['broken', 500, error({ type: 'server_error' }), { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'a response that failed',
      whole: { ...(failed('server_error') as { response: object }).response },
      stream: stream([], failed('server_error')),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'a response that failed for its rate',
      whole: { ...(failed('rate_limit_exceeded') as { response: object }).response },
      stream: stream([], failed('rate_limit_exceeded')),
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: 'an error event',
      stream: stream([], { type: 'error', code: 'server_overloaded', message: 'Overloaded', param: null }),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'an error without an event',
      stream: `data: ${error({ code: 'rate_limit_exceeded' })}\n\n`,
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: 'arguments of no call',
      stream: stream([{ type: 'response.function_call_arguments.delta', output_index: 4, delta: '{' }], {}),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

test.each(['in_progress', 'queued', 'cancelled'])('a response that is %s is no answer', (status) => {
  expect(() => responsesProvider.readAnswer({ ...searched, status })).toThrow(
    expect.objectContaining({ name: 'UpstreamBroken' }),
  )
})

conformsToSurfaceDialect('OpenAI responses', {
  dialect: responsesSurface,
  minimal: { model: 'a-model', input: 'Hello' },
  requests: [...responsesRequests, ...shortResponses],
  invalid: invalidResponses,
  successMarker: /event: response\.(completed|incomplete)/,
  errorWords: (body) => (body.error as JsonObject).message,
  fields: [
    ['maxOutputTokens', 'max_output_tokens'],
    ['output', 'text.format'],
    ['extras.verbosity', 'text.verbosity'],
    ['extras.previous_response_id', 'previous_response_id'],
    ['stop', 'stop'],
    ['reasoning.budgetTokens', 'reasoning'],
    ['messages.0.content.1', 'input.0.content.1'],
  ],
})

/** Ours, for a thought that nobody signed; figures that are not known are 0 there. */
const sameAnswer = (answer: GenerateAnswer): GenerateAnswer => ({
  ...answer,
  usage: {
    ...answer.usage,
    cacheRead: answer.usage.cacheRead ?? 0,
    cacheWrite: answer.usage.cacheWrite ?? 0,
    reasoning: answer.usage.reasoning ?? 0,
  },
})

dialectsAgree('OpenAI responses', {
  surface: responsesSurface,
  provider: responsesProvider,
  requests: said,
  answers: [
    'reasoning',
    'reasoning.signature',
    'tool-calls',
    'logprobs',
    'providerModel',
    'usage.cacheRead',
    'usage.cacheWrite',
    'usage.reasoning',
  ],
  finishReasons: ['stop', 'length', 'content-filter'],
  // Whether functions are strict is always said there, and a detail of an image.
  sameRequest: (request) => ({
    ...request,
    ...(request.tools === undefined
      ? {}
      : { tools: request.tools.map((tool) => ({ strict: false, ...tool })) }),
    messages: request.messages.map((message) => ({
      ...message,
      content: message.content.map((part) =>
        part.type === 'image'
          ? { detail: 'auto' as const, ...part }
          : part.type === 'tool-result'
            ? {
                ...part,
                content: part.content.map((one) =>
                  one.type === 'image' ? { detail: 'auto' as const, ...one } : one,
                ),
              }
            : part,
      ),
    })),
  }),
  sameAnswer,
})

test.each<[Partial<GenerateRequest>, string]>([
  [{ extras: { container: 'c' } }, 'extras.container'],
  [{ extras: { 'content.document': ['/messages/0'] } }, 'extras.content.document'],
  [{ extras: { 'tools.web_search_20250305': [] } }, 'extras.tools.web_search_20250305'],
  [{ reasoning: { budgetTokens: 9 } }, 'reasoning.budgetTokens'],
  [{ tools: [{ name: 'f', cache: {} }] }, 'tools.0.cache'],
])('%j cannot be said', (request, feature) => {
  expect(() => responsesProvider.writeRequest({ ...hello, ...request }, 'm')).toThrow(
    expect.objectContaining({ name: 'UnsupportedFeature', feature }),
  )
})

test('what the provider did by itself keeps its place', () => {
  const answer = responsesProvider.readAnswer(searched)
  const body = responsesSurface.writeAnswer(answer, sampleContext)
  expect((body.output as JsonObject[])[0]).toEqual(searchItem)
  const events: GenerateEvent[] = [
    { type: 'annotation', choice: 0, annotation: searchItem },
    { type: 'text', choice: 0, text: 'Rain' },
  ]
  const [, , added, done] = eventsIn(writtenBy(events))
  expect([added, done]).toMatchObject([
    { item: searchItem, output_index: 0 },
    { item: searchItem, output_index: 0 },
  ])
})

describe('thoughts come back to whom they are of', () => {
  const parts = [
    { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
    { type: 'reasoning', redacted: 'eA==' },
    { type: 'reasoning', text: 'Hm', signature: 'openai-responses:rs_9:gAAA' },
    { type: 'reasoning', text: 'Hm' },
    { type: 'reasoning', text: 'A\n\nB', summary: ['A', 'B'], signature: 'openai-responses:rs_9:gAAA' },
  ] as const

  test.each(parts)('%j, whole', (part) => {
    const answer: GenerateAnswer = {
      id: 'r',
      createdAt: 0,
      choices: [{ index: 0, content: [{ ...part } as never], finishReason: 'stop' }],
      usage: NO_USAGE,
    }
    const { output } = responsesSurface.writeAnswer(answer, sampleContext)
    expect(responsesSurface.readRequest({ input: output }).messages).toEqual([
      { role: 'assistant', content: [part] },
    ])
  })

  test.each(parts.slice(0, 4))('%j, streamed', (part) => {
    const { type: _, ...told } = part
    const { response } = eventsIn(writtenBy([{ type: 'reasoning', choice: 0, ...told }])).at(-1) as {
      response: JsonObject
    }
    expect(responsesSurface.readRequest({ input: response.output }).messages).toEqual([
      { role: 'assistant', content: [part] },
    ])
  })

  test('OpenAI gets its own item again', () => {
    const body = responsesProvider.writeRequest(
      { messages: [{ role: 'assistant', content: [{ ...parts[2] }] }] },
      'm',
    )
    expect(body.input).toEqual([
      {
        id: 'rs_9',
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'Hm' }],
        encrypted_content: 'gAAA',
      },
    ])
  })
})

describe('a stream as official clients read it', () => {
  property.prop([
    anyAnswer(['reasoning', 'reasoning.signature', 'refusal', 'tool-calls'], ['stop', 'length']),
    fc.integer({ min: 1, max: 9 }),
  ])('the openai client puts together what was answered', async (answer, length) => {
    const events = eventsOf(answer, length)
    const text = written(events)
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: 'http://127.0.0.1:9',
      maxRetries: 0,
      fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
    })
    const response = await client.responses.stream({ model: 'm', input: 'Hello' }).finalResponse()
    const read = responsesProvider.readAnswer(JSON.parse(JSON.stringify(response)))
    const { choices } = sameAnswer(collect(events, 0))
    const hasRefused =
      choices[0]?.content.some(({ type }) => type === 'refusal') && choices[0].finishReason === 'stop'
    expect(read.choices).toEqual(
      choices.map((choice) => (hasRefused ? { ...choice, finishReason: 'refusal' } : choice)),
    )
  })

  test('numbers grow by one, and there is no [DONE]', () => {
    const text = writtenBy([
      { type: 'text', choice: 0, text: 'A' },
      { type: 'refusal', choice: 0, text: 'B' },
      { type: 'finished', choice: 0, reason: 'stop' },
    ])
    const events = eventsIn(text)
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, at) => at))
    expect(events.map((event) => event.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.content_part.added',
      'response.refusal.delta',
      'response.refusal.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(text).not.toContain('[DONE]')
  })

  test('a failure before anything is an error event, which the client throws', async () => {
    const text = written([{ type: 'failed', code: 'upstream_overloaded', detail: 'Full', status: 503 }])
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: 'http://127.0.0.1:9',
      maxRetries: 0,
      fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
    })
    await expect(client.responses.stream({ model: 'm', input: 'Hello' }).finalResponse()).rejects.toThrow(
      'Full',
    )
  })

  test('a failure after content is a response that failed, with what was said', () => {
    const last = eventsIn(
      written([
        { type: 'started', id: 'r' },
        { type: 'text', choice: 0, text: 'A' },
        { type: 'failed', code: 'guardrail_blocked', detail: 'No', status: 400 },
      ]),
    ).at(-1)
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { id: 'r', status: 'failed', error: { code: 'guardrail_blocked', message: 'No' } },
    })
  })

  test('calls may come interleaved', () => {
    const text = writtenBy([
      { type: 'tool-call-started', choice: 0, call: 0, id: 'a', name: 'f' },
      { type: 'tool-call-started', choice: 0, call: 1, id: 'b', name: 'g' },
      { type: 'tool-call-arguments', choice: 0, call: 1, text: '{"b"' },
      { type: 'tool-call-arguments', choice: 0, call: 0, text: '{}' },
      { type: 'tool-call-arguments', choice: 0, call: 1, text: ':1}' },
    ])
    const { response } = eventsIn(text).at(-1) as { response: JsonObject }
    expect(response.output).toMatchObject([
      { call_id: 'a', arguments: '{}' },
      { call_id: 'b', arguments: '{"b":1}' },
    ])
  })
})

test('a glance knows what routing and limits ask', () => {
  expect(
    responsesSurface.glance({
      model: 'm',
      input: 'Hello',
      instructions: 'Be',
      stream: true,
      max_output_tokens: 5,
      temperature: 0,
    }),
  ).toEqual({
    model: 'm',
    stream: true,
    includeUsage: true,
    user: undefined,
    maxOutputTokens: 5,
    promptCharacters: 7,
    isSampled: false,
  })
})

function written(events: readonly GenerateEvent[]): string {
  const writer = responsesSurface.streamWriter(sampleContext)
  return events.map((event) => writer.write(event)).join('')
}

function writtenBy(events: readonly GenerateEvent[]): string {
  return written([{ type: 'started', id: 'r' }, ...events, { type: 'ended' }])
}

function eventsIn(text: string): JsonObject[] {
  return text
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one.split('\ndata: ')[1] as string))
}
