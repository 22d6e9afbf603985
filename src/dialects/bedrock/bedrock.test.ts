import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { GenerateEvent, GenerateRequest, Message } from '../../contracts/index.ts'
import { converseProvider, type JsonObject } from '../index.ts'
import { conformsToProviderDialect } from '../testing/dialect.conformance.ts'
import { allRequestFeatures, type RequestFeature } from '../testing/features.ts'
import {
  begin,
  converseAnswers,
  delta,
  except,
  frame,
  halt,
  metadata,
  say,
  start,
  textHeader,
} from './bedrock.fixtures.ts'

const UNSAID: readonly RequestFeature[] = [
  'name',
  'image.url',
  'image.file',
  'image.detail',
  'audio',
  'file.url',
  'file.file',
  'toolChoice.none',
  'parallelToolCalls',
  'output.json',
  'topK',
  'minP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'seed',
  'logitBias',
  'choices',
  'logprobs',
  'reasoning.effort',
  'reasoning.budgetTokens',
  'reasoning.summary',
  'user',
]
const hello: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] }
const messages = [{ role: 'user', content: [{ text: 'Hello' }] }]
const error = (message: string, __type?: string) => JSON.stringify({ message, __type })
const file = (filename: string): Message['content'][number] => ({
  type: 'file',
  source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
  filename,
})

/** A message that announces two mebibytes. */
const oversized = Buffer.alloc(1000)
oversized.writeUInt32BE(2 * 1024 * 1024, 0)
oversized.writeUInt32BE(crc32(oversized.subarray(0, 8)), 8)

conformsToProviderDialect('Bedrock Converse', {
  dialect: converseProvider,
  requests: allRequestFeatures.filter((feature) => !UNSAID.includes(feature)),
  answers: converseAnswers,
  oversized,
  written: [
    ['a question', { messages: [hello], stream: true, includeUsage: true, choices: 1 }, { messages }],
    [
      'instructions with a mark, media, documents each with a name of its own',
      {
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'Be brief', cache: { ttl: '1h' } }] },
          {
            role: 'user',
            content: [
              { type: 'image', source: { kind: 'url', url: 's3://bucket/a.jpg' } },
              file('my_report.v2.pdf'),
              file('my.report-v2.pdf'),
              file('my_report.v2.pdf'),
            ],
          },
          hello,
        ],
      },
      {
        system: [{ text: 'Be brief' }, { cachePoint: { type: 'default', ttl: '1h' } }],
        messages: [
          {
            role: 'user',
            content: [
              { image: { format: 'jpeg', source: { s3Location: { uri: 's3://bucket/a.jpg' } } } },
              { document: { format: 'pdf', name: 'my-report-v2', source: { bytes: 'JVBERg==' } } },
              { document: { format: 'pdf', name: 'my-report-v2 (2)', source: { bytes: 'JVBERg==' } } },
              { document: { format: 'pdf', name: 'my-report-v2 (3)', source: { bytes: 'JVBERg==' } } },
              { text: 'Hello' },
            ],
          },
        ],
      },
    ],
    [
      'thinking, calls, and their results with what the user says then',
      {
        messages: [
          hello,
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
              { type: 'reasoning', redacted: 'eA==' },
              { type: 'text', text: '' },
              { type: 'tool-call', id: 'a', name: 'weather', arguments: '{"place":"Ulm"}' },
              { type: 'tool-call', id: 'b', name: 'weather', arguments: '' },
            ],
          },
          {
            role: 'tool',
            content: [
              { type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'Rain' }], cache: {} },
            ],
          },
          { role: 'tool', content: [{ type: 'tool-result', callId: 'b', content: [], isError: true }] },
          hello,
        ],
        tools: [{ name: 'weather', description: 'Of a place', strict: true, cache: {} }],
        toolChoice: 'required',
      },
      {
        messages: [
          ...messages,
          {
            role: 'assistant',
            content: [
              { reasoningContent: { reasoningText: { text: 'Hm', signature: 'c2ln' } } },
              { reasoningContent: { redactedContent: 'eA==' } },
              { toolUse: { toolUseId: 'a', name: 'weather', input: { place: 'Ulm' } } },
              { toolUse: { toolUseId: 'b', name: 'weather', input: {} } },
            ],
          },
          {
            role: 'user',
            content: [
              { toolResult: { toolUseId: 'a', content: [{ text: 'Rain' }] } },
              { cachePoint: { type: 'default' } },
              { toolResult: { toolUseId: 'b', content: [], status: 'error' } },
              { text: 'Hello' },
            ],
          },
        ],
        toolConfig: {
          tools: [
            {
              toolSpec: {
                name: 'weather',
                description: 'Of a place',
                inputSchema: { json: { type: 'object', properties: {} } },
                strict: true,
              },
            },
            { cachePoint: { type: 'default' } },
          ],
          toolChoice: { any: {} },
        },
      },
    ],
    [
      'how tokens are drawn, a schema, a tier, metadata, extras',
      {
        messages: [hello],
        maxOutputTokens: 9,
        temperature: 0,
        topP: 1,
        stop: ['.'],
        output: { format: 'schema', name: 'place', schema: { type: 'object' } },
        serviceTier: 'priority',
        metadata: { team: 'a' },
        extras: { guardrailConfig: { guardrailIdentifier: 'g' }, additionalModelRequestFields: { x: 1 } },
      },
      {
        messages,
        inferenceConfig: { maxTokens: 9, temperature: 0, topP: 1, stopSequences: ['.'] },
        outputConfig: {
          textFormat: {
            type: 'json_schema',
            structure: { jsonSchema: { schema: '{"type":"object"}', name: 'place' } },
          },
        },
        serviceTier: { type: 'priority' },
        requestMetadata: { team: 'a' },
        guardrailConfig: { guardrailIdentifier: 'g' },
        additionalModelRequestFields: { x: 1 },
      },
    ],
  ],
  problems: [
    ['invalid', 400, error('Malformed input request'), { class: 'invalid' }],
    ['too long', 400, error('Input is too long for requested model.'), { class: 'context-length' }],
    ['no such model', 400, error('The provided model identifier is invalid.'), { class: 'not-found' }],
    [
      'quota, by its type',
      400,
      error('Enough', 'com.amazon.coral.service#ServiceQuotaExceededException:http://internal/'),
      { class: 'quota', code: 'ServiceQuotaExceededException' },
    ],
    ['key', 403, JSON.stringify({ Message: 'The security token is expired' }), { class: 'auth' }],
    ['model', 404, error('Could not resolve the foundation model'), { class: 'not-found' }],
    ['slow', 408, error('Model has timed out'), { class: 'timeout' }],
    ['rate', 429, error('Too many requests, please wait before trying again.'), { class: 'rate-limited' }],
    ['loading', 429, error('Model is not ready for inference.'), { class: 'overloaded' }],
    ['broken', 500, error('Oh'), { class: 'error' }],
    ['overloaded', 503, error('Bedrock is unable to process your request.'), { class: 'overloaded' }],
    ['a type without words', 400, '{"__type":"ThrottlingException"}', { class: 'rate-limited' }],
    ['a proxy', 502, '<html>Bad gateway</html>', { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'throttled, after content',
      whole: { __type: 'ThrottlingException', message: 'Slow' },
      stream: Buffer.concat([start, delta(0, { text: 'He' }), except('throttlingException', 'Slow')]),
      class: 'rate-limited',
      code: 'upstream_rate_limited',
    },
    {
      name: 'overloaded, before content',
      stream: except('serviceUnavailableException', 'Busy'),
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
    {
      name: 'too long',
      stream: except('validationException', 'Input is too long for requested model.'),
      class: 'context-length',
      code: 'context_too_long',
    },
    {
      name: 'an error of the framing',
      stream: frame(
        Buffer.concat([
          textHeader(':message-type', 'error'),
          textHeader(':error-code', 'InternalServerException'),
          textHeader(':error-message', 'Oh'),
        ]),
        Buffer.alloc(0),
      ),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'arguments of a call that did not begin',
      stream: Buffer.concat([start, delta(0, { toolUse: { input: '{}' } })]),
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'a call without a name',
      whole: { output: { message: { content: [{ toolUse: { toolUseId: 'a' } }] } } },
      stream: Buffer.concat([start, begin(0, { toolUse: { toolUseId: 'a' } })]),
      class: 'error',
      code: 'upstream_failed',
    },
  ],
})

function read(...chunks: Buffer[]): GenerateEvent[] {
  const events: GenerateEvent[] = []
  const reader = converseProvider.streamReader((event) => events.push(event))
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

describe('the end of a stream', () => {
  const said = Buffer.concat([start, delta(0, { text: 'a' })])
  test.each([
    ['its metadata is missing', [said, halt('end_turn')], 'ended'],
    ['its metadata is cut off', [said, halt('end_turn'), metadata().subarray(0, 20)], 'failed'],
    ['it does not say why it stopped', [said, say('messageStop', {}), metadata()], 'failed'],
    ['metadata without a stop', [said, metadata()], 'failed'],
    [
      'bytes that are none of its own after the end',
      [said, halt('end_turn'), metadata(), oversized],
      'ended',
    ],
    ['the same, in one piece', [Buffer.concat([said, halt('end_turn'), metadata(), oversized])], 'ended'],
  ])('%s', (_, chunks, last) => {
    const events = read(...chunks)
    expect(events.at(-1)?.type).toBe(last)
    expect(events.filter(({ type }) => type === 'ended' || type === 'failed')).toHaveLength(1)
  })
})

describe('what only Anthropic has here goes where its models look for it', () => {
  const asked = (fields: Partial<GenerateRequest>, model: string) =>
    converseProvider.writeRequest({ messages: [hello], ...fields }, model)
  test.each<[string, Partial<GenerateRequest>, JsonObject]>([
    ['us.anthropic.claude-sonnet-4-6', { topK: 3 }, { top_k: 3 }],
    [
      'anthropic.claude-sonnet-4-5-20250929-v1:0',
      { reasoning: { budgetTokens: 2048 }, extras: { additionalModelRequestFields: { x: 1 } } },
      { x: 1, thinking: { type: 'enabled', budget_tokens: 2048 } },
    ],
    [
      'anthropic.claude-opus-4-6-v1',
      { reasoning: { effort: 'low' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    ],
  ])('%s %j', (model, fields, ofModel) =>
    expect(asked(fields, model).additionalModelRequestFields).toEqual(ofModel),
  )

  test('an effort that it does not have is refused in the name of this dialect', () =>
    expect(() => asked({ reasoning: { effort: 'minimal' } }, 'anthropic.claude-opus-4-6-v1')).toThrow(
      expect.objectContaining({ feature: 'reasoning.effort', dialect: 'bedrock-converse' }),
    ))
})

describe('refused by its place', () => {
  const says = (part: Message['content'][number]): Message => ({ role: 'user', content: [part] })
  test.each<[string, GenerateRequest, string]>([
    ['instructions later', { messages: [hello, { role: 'system', content: [] }] }, 'messages.1'],
    ['a tier that is none', { messages: [hello], serviceTier: 'auto' }, 'serviceTier'],
    ['a tool where there is none', { messages: [hello], toolChoice: 'required' }, 'toolChoice'],
    [
      'an image of another type',
      { messages: [says({ type: 'image', source: { kind: 'base64', mediaType: 'image/tiff', data: '' } })] },
      'messages.0.content.0',
    ],
    [
      'a file in S3 without an ending',
      { messages: [says({ type: 'file', source: { kind: 'url', url: 's3://bucket/a' } })] },
      'messages.0.content.0',
    ],
    [
      'thinking that another signed',
      {
        messages: [
          hello,
          { role: 'assistant', content: [{ type: 'reasoning', signature: 'openai-responses:x' }] },
        ],
      },
      'messages.1.content.0',
    ],
  ])('%s', (_, request, feature) =>
    expect(() => converseProvider.writeRequest(request, 'm')).toThrow(expect.objectContaining({ feature })),
  )
})
