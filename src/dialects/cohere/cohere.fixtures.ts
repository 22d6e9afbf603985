import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of docs.cohere.com/reference/chat and /reference/chat-stream. */

export const say = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const part = (type: string, message: object, index?: number) => say(type, { index, delta: { message } })
export const start = say('message-start', {
  id: 'c1',
  delta: { message: { role: 'assistant', content: [] } },
})
const begin = (index: number, content: object) => part('content-start', { content }, index)
export const delta = (index: number, content: object) => part('content-delta', { content }, index)
const stop = (index: number) => say('content-end', { index })
export const call = (type: 'tool-call-start' | 'tool-call-delta', index: number, toolCall: object) =>
  part(type, { tool_calls: toolCall }, index)
const usage = {
  billed_units: { input_tokens: 10, output_tokens: 5 },
  tokens: { input_tokens: 210, output_tokens: 6 },
}
export const end = (reason: string, more: object = {}) =>
  say('message-end', { id: 'c1', delta: { finish_reason: reason, usage: { ...usage, ...more } } })

const whole = (message: object, reason: string, more: object = {}) => ({
  id: 'c1',
  finish_reason: reason,
  message: { role: 'assistant', ...message },
  usage: { ...usage, ...more },
})

const answer = (
  choice: Partial<GenerateAnswer['choices'][number]>,
  known: Partial<GenerateAnswer['usage']> = {},
): GenerateAnswer => ({
  id: 'c1',
  createdAt: 0,
  choices: [{ index: 0, content: [], finishReason: 'stop', rawFinishReason: 'COMPLETE', ...choice }],
  usage: { ...NO_USAGE, input: 10, output: 5, ...known },
})

const plain: AnswerFixture = {
  name: 'thinking and a text, and an event nobody knows',
  whole: whole(
    {
      content: [
        { type: 'thinking', thinking: 'Greet.' },
        { type: 'text', text: 'Hello there!' },
      ],
    },
    'COMPLETE',
  ),
  stream:
    start +
    begin(0, { type: 'thinking', thinking: '' }) +
    delta(0, { thinking: 'Gre' }) +
    delta(0, { thinking: 'et.' }) +
    stop(0) +
    say('something-new', { index: 1 }) +
    begin(1, { type: 'text', text: '' }) +
    delta(1, { text: 'Hello ' }) +
    delta(1, { text: 'there!' }) +
    stop(1) +
    end('COMPLETE'),
  answer: answer({
    content: [
      { type: 'reasoning', text: 'Greet.' },
      { type: 'text', text: 'Hello there!' },
    ],
  }),
}

const tool = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
})
const tools: AnswerFixture = {
  name: 'a plan and two calls, numbered from anywhere',
  whole: whole(
    {
      tool_plan: 'I will look.',
      tool_calls: [tool('w1', 'weather', '{"place":"Ulm"}'), tool('t1', 'time', '{}')],
    },
    'TOOL_CALL',
    { cached_tokens: 4 },
  ),
  stream:
    start +
    part('tool-plan-delta', { tool_plan: 'I will ' }) +
    part('tool-plan-delta', { tool_plan: 'look.' }) +
    call('tool-call-start', 1, tool('w1', 'weather', '')) +
    call('tool-call-delta', 1, { function: { arguments: '{"place":' } }) +
    call('tool-call-delta', 1, { function: { arguments: '"Ulm"}' } }) +
    say('tool-call-end', { index: 1 }) +
    call('tool-call-start', 2, tool('t1', 'time', '{}')) +
    say('tool-call-end', { index: 2 }) +
    end('TOOL_CALL', { cached_tokens: 4 }),
  answer: answer(
    {
      content: [
        { type: 'reasoning', text: 'I will look.' },
        { type: 'tool-call', id: 'w1', name: 'weather', arguments: '{"place":"Ulm"}' },
        { type: 'tool-call', id: 't1', name: 'time', arguments: '{}' },
      ],
      finishReason: 'tool-calls',
      rawFinishReason: 'TOOL_CALL',
    },
    { input: 6, cacheRead: 4 },
  ),
}

const citation = { start: 0, end: 4, text: 'Rain', sources: [{ type: 'document', id: 'd1' }] }
const other = { ...citation, start: 5, end: 9, text: 'soon' }
const billed = { billed_units: { input_tokens: 10, output_tokens: 5, search_units: 1 } }
const citing: AnswerFixture = {
  name: 'citations, cut off by its bound',
  whole: whole(
    { content: [{ type: 'text', text: 'Rain soon' }], citations: [citation, other] },
    'MAX_TOKENS',
    billed,
  ),
  stream:
    start +
    begin(0, { type: 'text', text: '' }) +
    delta(0, { text: 'Rain' }) +
    part('citation-start', { citations: citation }, 0) +
    say('citation-end', { index: 0 }) +
    delta(0, { text: ' soon' }) +
    stop(0) +
    part('citation-start', { citations: other }, 1) +
    say('citation-end', { index: 1 }) +
    end('MAX_TOKENS', billed),
  answer: answer(
    {
      content: [{ type: 'text', text: 'Rain soon', annotations: [citation, other] }],
      finishReason: 'length',
      rawFinishReason: 'MAX_TOKENS',
    },
    { providerToolCalls: 1 },
  ),
}

export const cohereAnswers: readonly AnswerFixture[] = [plain, tools, citing]
