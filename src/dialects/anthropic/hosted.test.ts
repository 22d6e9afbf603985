import { crc32 } from 'node:zlib'
import { except, say } from '../bedrock/bedrock.fixtures.ts'
import { anthropicOnBedrock, anthropicOnVertex } from '../index.ts'
import {
  type AnswerFixture,
  conformsToProviderDialect,
  type ProviderSample,
} from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import { anthropicAnswers, say as sse, streamPieces } from './anthropic.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'image.detail',
  'image.file',
  'file.file',
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
const requests = allRequestFeatures.filter((feature) => !UNSAID.includes(feature))
const { begin, delta, start, text } = streamPieces
const hello = { messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }] }
const messages = [{ role: 'user', content: 'Hello' }]

/** As docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html has it. */
const chunk = (event: string) => {
  const [, data = ''] = event.split('data: ')
  return say('chunk', { bytes: Buffer.from(data.trim()).toString('base64'), p: 'abcd' })
}
const framed = (stream: string) =>
  Buffer.concat([
    say('somethingNew', {}),
    ...stream.split('\n\n').flatMap((event) => (event === '' ? [] : [chunk(event)])),
  ])

const answers: readonly AnswerFixture[] = anthropicAnswers.map((fixture) => {
  const stream = framed(String(fixture.stream))
  return { ...fixture, stream, terminalFrom: stream.length - chunk(sse('message_stop')).length }
})
const oversized = Buffer.alloc(1000)
oversized.writeUInt32BE(2 * 1024 * 1024, 0)
oversized.writeUInt32BE(crc32(oversized.subarray(0, 8)), 8)

conformsToProviderDialect('Anthropic by InvokeModel', {
  dialect: anthropicOnBedrock,
  requests,
  answers,
  oversized,
  written: [
    [
      'a question, streamed or not',
      { ...hello, stream: true, maxOutputTokens: 7, temperature: 0, extras: { anthropic_beta: ['x'] } },
      {
        anthropic_version: 'bedrock-2023-05-31',
        anthropic_beta: ['x'],
        max_tokens: 7,
        temperature: 0,
        messages,
      },
    ],
  ],
  problems: [
    [
      'throttled',
      429,
      JSON.stringify({ message: 'Too many requests', __type: 'ThrottlingException' }),
      { class: 'rate-limited' },
    ],
    [
      'too long',
      400,
      JSON.stringify({ message: 'Input is too long for model.' }),
      { class: 'context-length' },
    ],
  ],
  errorsInside: [
    {
      name: 'an exception, after content',
      whole: { message: 'Slow down', __type: 'com.amazon#ThrottlingException' },
      stream: Buffer.concat([
        framed(start() + begin(0, text('')) + delta(0, { type: 'text_delta', text: 'He' })),
        except('throttlingException', 'Slow down'),
      ]),
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: "the model's own error",
      stream: framed(start() + sse('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'a chunk without bytes',
      stream: Buffer.concat([framed(start()), say('chunk', {})]),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'bytes that are no event',
      stream: Buffer.concat([framed(start()), say('chunk', { bytes: 'e3t7' })]),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

const google = (code: number, status: string, message: string) =>
  JSON.stringify([{ error: { code, message, status } }])

const onVertex: ProviderSample = {
  dialect: anthropicOnVertex,
  requests,
  answers: anthropicAnswers,
  written: [
    [
      'a question, streamed',
      { ...hello, stream: true, maxOutputTokens: 7 },
      { anthropic_version: 'vertex-2023-10-16', max_tokens: 7, messages, stream: true },
    ],
  ],
  problems: [
    [
      'quota, in words of Google',
      429,
      google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded'),
      { class: 'rate-limited' },
    ],
    ['no such model', 404, google(404, 'NOT_FOUND', 'Publisher Model was not found'), { class: 'not-found' }],
    [
      'too long, in words of the model',
      400,
      JSON.stringify({
        type: 'error',
        error: { type: 'invalid_request_error', message: 'prompt is too long' },
      }),
      { class: 'context-length', code: 'invalid_request_error' },
    ],
  ],
  errorsInside: [
    {
      name: 'overloaded',
      whole: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      stream: start() + sse('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
  ],
}
conformsToProviderDialect('Anthropic on Vertex', onVertex)
