import { crc32 } from 'node:zlib'
import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of docs.aws.amazon.com/bedrock/latest/APIReference, framed as smithy.io describes it. */

/** One header of text. */
export function textHeader(name: string, value: string): Buffer {
  const key = Buffer.from(name)
  const text = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([Buffer.from([key.length]), key, Buffer.from([7]), length, text])
}

export function frame(headers: Buffer, payload: Buffer): Buffer {
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + headers.length + payload.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const before = Buffer.concat([prelude, headers, payload])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(before))
  return Buffer.concat([before, checksum])
}

export function say(event: string, payload: object): Buffer {
  const headers = Buffer.concat([
    textHeader(':event-type', event),
    textHeader(':content-type', 'application/json'),
    textHeader(':message-type', 'event'),
  ])
  return frame(headers, Buffer.from(JSON.stringify(payload)))
}

export function except(name: string, message: string): Buffer {
  const headers = Buffer.concat([
    textHeader(':exception-type', name),
    textHeader(':content-type', 'application/json'),
    textHeader(':message-type', 'exception'),
  ])
  return frame(headers, Buffer.from(JSON.stringify({ message })))
}

export const start = say('messageStart', { role: 'assistant', p: 'abcd' })
export const begin = (contentBlockIndex: number, block: object) =>
  say('contentBlockStart', { contentBlockIndex, start: block })
export const delta = (contentBlockIndex: number, change: object) =>
  say('contentBlockDelta', { contentBlockIndex, delta: change })
const stop = (contentBlockIndex: number) => say('contentBlockStop', { contentBlockIndex })
export const halt = (stopReason: string) => say('messageStop', { stopReason })
const usage = { inputTokens: 25, outputTokens: 15, totalTokens: 40 }
export const metadata = (more: object = {}) =>
  say('metadata', { usage: { ...usage, ...more }, metrics: { latencyMs: 1275 } })

const whole = (content: object[], stopReason: string, more: object = {}) => ({
  output: { message: { role: 'assistant', content } },
  stopReason,
  usage: { ...usage, ...more },
  metrics: { latencyMs: 1275 },
})

const answer = (
  choice: Partial<GenerateAnswer['choices'][number]>,
  known: Partial<GenerateAnswer['usage']> = {},
): GenerateAnswer => ({
  id: '',
  createdAt: 0,
  choices: [{ index: 0, content: [], finishReason: 'stop', rawFinishReason: 'end_turn', ...choice }],
  usage: { ...NO_USAGE, input: 25, output: 15, ...known },
})

function fixture(
  name: string,
  body: object,
  content: readonly Buffer[],
  end: readonly [stop: Buffer, metadata: Buffer],
  expected: GenerateAnswer,
): AnswerFixture {
  const before = Buffer.concat([start, ...content])
  return {
    name,
    whole: body,
    stream: Buffer.concat([before, ...end]),
    terminalFrom: before.length,
    answer: expected,
  }
}

const plain = fixture(
  'a text in two blocks, and an event nobody knows',
  whole([{ text: 'Hello ' }, { text: 'there 😀' }], 'end_turn'),
  [
    delta(0, { text: 'Hello ' }),
    say('somethingNew', { x: 1 }),
    stop(0),
    delta(1, { text: 'there ' }),
    delta(1, { text: '😀' }),
    stop(1),
  ],
  [halt('end_turn'), metadata()],
  answer({ content: [{ type: 'text', text: 'Hello there 😀' }] }),
)

const tools = fixture(
  'thinking, hidden thinking, two calls, one without arguments',
  whole(
    [
      { reasoningContent: { reasoningText: { text: 'Which place?', signature: 'c2ln' } } },
      { reasoningContent: { redactedContent: 'eA==' } },
      { toolUse: { toolUseId: 't1', name: 'weather', input: { place: 'Ulm' } } },
      { toolUse: { toolUseId: 't2', name: 'time', input: {} } },
    ],
    'tool_use',
  ),
  [
    delta(0, { reasoningContent: { text: 'Which ' } }),
    delta(0, { reasoningContent: { text: 'place?' } }),
    delta(0, { reasoningContent: { signature: 'c2ln' } }),
    stop(0),
    delta(1, { reasoningContent: { redactedContent: 'eA==' } }),
    stop(1),
    begin(2, { toolUse: { toolUseId: 't1', name: 'weather' } }),
    delta(2, { toolUse: { input: '' } }),
    delta(2, { toolUse: { input: '{"place":' } }),
    delta(2, { toolUse: { input: '"Ulm"}' } }),
    stop(2),
    begin(3, { toolUse: { toolUseId: 't2', name: 'time' } }),
    stop(3),
  ],
  [halt('tool_use'), metadata()],
  answer({
    content: [
      { type: 'reasoning', text: 'Which place?', signature: 'c2ln' },
      { type: 'reasoning', redacted: 'eA==' },
      { type: 'tool-call', id: 't1', name: 'weather', arguments: '{"place":"Ulm"}' },
      { type: 'tool-call', id: 't2', name: 'time', arguments: '{}' },
    ],
    finishReason: 'tool-calls',
    rawFinishReason: 'tool_use',
  }),
)

const caches = {
  cacheReadInputTokens: 7,
  cacheWriteInputTokens: 9,
  cacheDetails: [
    { ttl: '1h', inputTokens: 5 },
    { ttl: '5m', inputTokens: 4 },
  ],
}
const cached = fixture(
  'caches read and written, cut off by its bound',
  whole([{ text: 'Hello' }], 'max_tokens', caches),
  [delta(0, { text: 'Hello' }), stop(0)],
  [halt('max_tokens'), metadata(caches)],
  answer(
    { content: [{ type: 'text', text: 'Hello' }], finishReason: 'length', rawFinishReason: 'max_tokens' },
    { cacheRead: 7, cacheWrite: 4, cacheWriteHour: 5 },
  ),
)

const citation = { title: 'a', location: { documentChar: { documentIndex: 0, start: 0, end: 3 } } }
const citing = fixture(
  'a citation, stopped by a guardrail',
  whole(
    [{ citationsContent: { content: [{ text: 'Rain' }], citations: [citation] } }],
    'guardrail_intervened',
  ),
  [delta(0, { text: 'Rain' }), delta(0, { citation }), stop(0)],
  [halt('guardrail_intervened'), metadata()],
  answer({
    content: [{ type: 'text', text: 'Rain', annotations: [{ citation }] }],
    finishReason: 'content-filter',
    rawFinishReason: 'guardrail_intervened',
  }),
)

export const converseAnswers: readonly AnswerFixture[] = [plain, tools, cached, citing]
