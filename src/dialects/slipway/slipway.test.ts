import { describe, expect, test } from 'vitest'
import {
  type GenerateAnswer,
  type GenerateEvent,
  type GenerateRequest,
  NO_USAGE,
} from '../../contracts/index.ts'
import { slipwayProvider, slipwaySurface } from '../index.ts'
import {
  conformsToProviderDialect,
  conformsToSurfaceDialect,
  dialectsAgree,
  sampleContext,
} from '../testing/dialect.conformance.ts'
import { allRequestFeatures, requestFeatures } from '../testing/features.ts'

const hello: GenerateRequest = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] }
const answer: GenerateAnswer = {
  id: 'a1',
  providerModel: 'm',
  createdAt: 5,
  choices: [
    {
      index: 0,
      content: [
        { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
        { type: 'text', text: 'Hello there' },
        { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
      ],
      finishReason: 'tool-calls',
    },
  ],
  usage: { ...NO_USAGE, input: 3, output: 4 },
}
const events: GenerateEvent[] = [
  { type: 'started', id: 'a1', providerModel: 'm' },
  { type: 'reasoning', choice: 0, text: 'Hm' },
  { type: 'reasoning', choice: 0, signature: 'c2ln' },
  { type: 'text', choice: 0, text: 'Hello ' },
  { type: 'text', choice: 0, text: 'there' },
  { type: 'tool-call-started', choice: 0, call: 0, id: 'c1', name: 'f' },
  { type: 'tool-call-arguments', choice: 0, call: 0, text: '{"a":1}' },
  { type: 'finished', choice: 0, reason: 'tool-calls' },
  { type: 'usage', usage: answer.usage },
  { type: 'ended' },
]
const streamOf = (told: readonly object[]) =>
  told
    .map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')
const problem = (code: string, status: number) =>
  JSON.stringify({ type: 'x', title: 'No', status, code, detail: 'It did not go well', requestId: 'r' })
const failed = (code: string, status: number): GenerateEvent => ({
  type: 'failed',
  code,
  detail: 'No',
  status,
})

conformsToProviderDialect('Slipway', {
  dialect: slipwayProvider,
  requests: allRequestFeatures,
  extrasAt: 'extras',
  answers: [
    { name: 'an answer', whole: { ...answer, model: 'x', version: 'v1' }, stream: streamOf(events), answer },
    {
      name: 'an answer with an event nobody knows yet',
      whole: answer,
      stream: streamOf(events.toSpliced(3, 0, { type: 'hologram' } as never)),
      answer,
    },
  ],
  written: [
    [
      'a request, but for what is about this gateway',
      { ...hello, seed: 3, params: { version: 'v1', drop: ['seed'] } },
      { ...hello, seed: 3 },
    ],
  ],
  problems: [
    ['a limit', 429, problem('limit_reached', 429), { class: 'rate-limited', code: 'limit_reached' }],
    ['no room', 503, problem('overloaded', 503), { class: 'overloaded' }],
    ['a replica that is not ready', 503, problem('replica_unready', 503), { class: 'overloaded' }],
    ['length', 400, problem('context_too_long', 400), { class: 'context-length' }],
    ['a rule', 400, problem('guardrail_blocked', 400), { class: 'content-filter' }],
    ['a deadline', 504, problem('deadline_exceeded', 504), { class: 'timeout' }],
    ['a model', 404, problem('unknown_model', 404), { class: 'not-found' }],
    ['a form', 422, problem('invalid_request', 422), { class: 'invalid' }],
    ['a key', 401, problem('unauthenticated', 401), { class: 'auth' }],
  ],
  errorsInside: [
    {
      name: 'overloaded',
      whole: JSON.parse(problem('overloaded', 503)),
      stream: streamOf([...events.slice(0, 4), failed('upstream_overloaded', 503)]),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'limited',
      stream: streamOf([failed('upstream_rate_limited', 429)]),
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: 'an event not of the form',
      stream: streamOf([{ type: 'text', choice: 'first' }]),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

conformsToSurfaceDialect('Slipway', {
  dialect: slipwaySurface,
  minimal: { prompt: 'Hello' },
  refusesUnknown: 'the form is ours: a name that nobody knows is a mistake, and `extras` is for the rest',
  requests: [
    ['a prompt', { prompt: 'Hello', seed: 3 }, { ...hello, seed: 3 }],
    ['a content of text', { messages: [{ role: 'user', content: 'Hello' }] }, hello],
    [
      'a result of text',
      { messages: [{ role: 'tool', content: [{ type: 'tool-result', callId: 'a', content: 'Rain' }] }] },
      {
        messages: [
          {
            role: 'tool',
            content: [{ type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'Rain' }] }],
          },
        ],
      },
    ],
    ...allRequestFeatures.map(
      (feature) => [feature, requestFeatures[feature], requestFeatures[feature]] as const,
    ),
  ],
  invalid: [
    ['nothing to ask', {}, '/messages'],
    ['a prompt and messages', { prompt: 'Hello', ...hello }, ''],
    ['a prompt that is no text', { prompt: 3 }, '/messages'],
    ['a role nobody has', { messages: [{ role: 'robot', content: 'x' }] }, '/messages/0/role'],
    [
      'a part nobody has',
      { messages: [{ role: 'user', content: [{ type: 'hologram' }] }] },
      '/messages/0/content/0/type',
    ],
    ['heat', { prompt: 'x', temperature: 9 }, '/temperature'],
    ['a stop of nothing', { prompt: 'x', stop: ['a', ''] }, '/stop/1'],
    ['params of nobody', { prompt: 'x', params: { verson: 'v1' } }, '/params'],
  ],
  successMarker: /event: ended/,
  errorWords: (body) => body.detail,
  fields: [
    ['maxOutputTokens', 'maxOutputTokens'],
    ['extras.store', 'extras.store'],
  ],
})

dialectsAgree('Slipway', {
  surface: slipwaySurface,
  provider: slipwayProvider,
  requests: allRequestFeatures,
  answers: [
    'reasoning',
    'reasoning.signature',
    'refusal',
    'tool-calls',
    'choices',
    'logprobs',
    'providerModel',
    'usage.cacheRead',
    'usage.cacheWrite',
    'usage.cacheWriteHour',
    'usage.reasoning',
    'usage.audio',
    'usage.none',
  ],
  finishReasons: ['stop', 'length', 'content-filter', 'refusal', 'pause', 'other'],
})

describe('which model and version answered', () => {
  const context = { ...sampleContext, version: 'v3' }

  test('stands in an answer', () => {
    expect(slipwaySurface.writeAnswer(answer, context)).toEqual({
      ...answer,
      model: 'a-model',
      version: 'v3',
    })
    expect(slipwaySurface.writeAnswer({ ...answer, id: '' }, sampleContext)).toEqual({
      ...answer,
      id: 'req-1',
      model: 'a-model',
    })
  })

  test('stands in the first event of a stream', () => {
    expect(slipwaySurface.streamWriter(context).write({ type: 'started', id: '' })).toBe(
      'event: started\ndata: {"type":"started","id":"req-1","model":"a-model","version":"v3"}\n\n',
    )
  })

  test('a failure says which request it was', () => {
    expect(slipwaySurface.streamWriter(context).write(failed('internal', 500))).toContain(
      '"requestId":"req-1"',
    )
  })
})

test('a glance counts what is read', () => {
  expect(
    slipwaySurface.glance({
      prompt: 'Hello',
      stream: true,
      temperature: 0.5,
      seed: 1,
      user: 'u',
      maxOutputTokens: 3,
    }),
  ).toEqual({
    model: undefined,
    stream: true,
    includeUsage: true,
    user: 'u',
    maxOutputTokens: 3,
    promptCharacters: 5,
    isSampled: false,
  })
})
