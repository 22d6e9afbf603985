import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of platform.openai.com/docs/api-reference/responses and /responses-streaming. */

const CREATED = 1_700_000_000
const base = {
  id: 'resp_1',
  object: 'response',
  created_at: CREATED,
  model: 'gpt-x',
  error: null,
  incomplete_details: null,
}
const usage = {
  input_tokens: 36,
  input_tokens_details: { cached_tokens: 10, cache_write_tokens: 6 },
  output_tokens: 87,
  output_tokens_details: { reasoning_tokens: 50 },
  total_tokens: 123,
}

/** Events with their numbers, between `response.created` and the last. */
export function stream(events: readonly object[], last: object): string {
  const all: readonly object[] = [
    { type: 'response.created', response: { ...base, status: 'in_progress', output: [] } },
    { type: 'response.in_progress', response: { ...base, status: 'in_progress', output: [] } },
    ...events,
    last,
  ]
  return all
    .map((event, at) => {
      const { type } = event as { type: string }
      return `event: ${type}\ndata: ${JSON.stringify({ ...event, sequence_number: at, obfuscation: 'x7' })}\n\n`
    })
    .join('')
}

export const ended = (fields: object, status = 'completed') => ({
  type: `response.${status}`,
  response: { ...base, status, ...fields },
})

const answer = (choice: Partial<GenerateAnswer['choices'][number]>): GenerateAnswer => ({
  id: 'resp_1',
  providerModel: 'gpt-x',
  createdAt: CREATED * 1000,
  choices: [{ index: 0, content: [], finishReason: 'stop', ...choice }],
  usage: { ...NO_USAGE, input: 20, cacheRead: 10, cacheWrite: 6, output: 87, reasoning: 50 },
})

const at = (index: number, id: string, content = 0) => ({
  output_index: index,
  item_id: id,
  content_index: content,
})
const added = (index: number, item: object) => ({
  type: 'response.output_item.added',
  output_index: index,
  item,
})
const done = (index: number, item: object) => ({
  type: 'response.output_item.done',
  output_index: index,
  item,
})
const said = (text: string, more: object = {}) => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [],
  ...more,
})
const message = (id: string, ...content: object[]) => ({
  id,
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content,
})
const citation = {
  type: 'url_citation',
  start_index: 0,
  end_index: 2,
  title: 'T',
  url: 'https://example.org',
}
const logprob = {
  token: 'Hi',
  bytes: [72, 105],
  logprob: -0.1,
  top_logprobs: [{ token: 'Ho', bytes: [72, 111], logprob: -3 }],
}

const hi = message('msg_1', said('Hi there', { annotations: [citation], logprobs: [logprob] }))
const plain: AnswerFixture = {
  name: 'a text with a citation and log-probabilities',
  whole: { ...base, status: 'completed', output: [hi], usage, service_tier: 'default' },
  stream: stream(
    [
      added(0, message('msg_1')),
      { type: 'response.content_part.added', ...at(0, 'msg_1'), part: said('') },
      { type: 'response.output_text.delta', ...at(0, 'msg_1'), delta: 'Hi', logprobs: [logprob] },
      { type: 'response.something_new', ...at(0, 'msg_1') },
      { type: 'response.output_text.delta', ...at(0, 'msg_1'), delta: ' there', logprobs: [] },
      {
        type: 'response.output_text.annotation.added',
        ...at(0, 'msg_1'),
        annotation_index: 0,
        annotation: citation,
      },
      { type: 'response.output_text.done', ...at(0, 'msg_1'), text: 'Hi there', logprobs: [logprob] },
      { type: 'response.content_part.done', ...at(0, 'msg_1'), part: said('Hi there') },
      done(0, hi),
    ],
    ended({ output: [hi], usage, service_tier: 'default' }),
  ),
  answer: {
    ...answer({
      content: [{ type: 'text', text: 'Hi there', annotations: [citation] }],
      logprobs: [
        {
          token: 'Hi',
          bytes: [72, 105],
          logprob: -0.1,
          top: [{ token: 'Ho', bytes: [72, 111], logprob: -3 }],
        },
      ],
    }),
    serviceTier: 'default',
  },
}

const thought = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Hm, yes' }],
  encrypted_content: 'gAAA',
}
const call = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'weather',
  arguments: '{"place":"Ulm"}',
  status: 'completed',
}
const silent = {
  id: 'fc_2',
  type: 'function_call',
  call_id: 'call_2',
  name: 'time',
  arguments: '{}',
  status: 'completed',
}
const output = [thought, call, silent]
const tools: AnswerFixture = {
  name: 'thinking, a call, and a call that only its end tells',
  whole: { ...base, status: 'completed', output, usage },
  stream: stream(
    [
      added(0, { ...thought, summary: [], encrypted_content: '' }),
      {
        type: 'response.reasoning_summary_part.added',
        output_index: 0,
        item_id: 'rs_1',
        summary_index: 0,
        part: { type: 'summary_text', text: '' },
      },
      {
        type: 'response.reasoning_summary_text.delta',
        output_index: 0,
        item_id: 'rs_1',
        summary_index: 0,
        delta: 'Hm,',
      },
      {
        type: 'response.reasoning_summary_text.delta',
        output_index: 0,
        item_id: 'rs_1',
        summary_index: 0,
        delta: ' yes',
      },
      {
        type: 'response.reasoning_summary_text.done',
        output_index: 0,
        item_id: 'rs_1',
        summary_index: 0,
        text: 'Hm, yes',
      },
      done(0, thought),
      added(1, { ...call, arguments: '', status: 'in_progress' }),
      {
        type: 'response.function_call_arguments.delta',
        output_index: 1,
        item_id: 'fc_1',
        delta: '{"place":',
      },
      { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'fc_1', delta: '"Ulm"}' },
      {
        type: 'response.function_call_arguments.done',
        output_index: 1,
        item_id: 'fc_1',
        arguments: '{"place":"Ulm"}',
      },
      done(1, call),
      added(2, { ...silent, arguments: '', status: 'in_progress' }),
      done(2, silent),
    ],
    ended({ output, usage }),
  ),
  answer: answer({
    content: [
      { type: 'reasoning', text: 'Hm, yes', signature: 'openai-responses:rs_1:gAAA' },
      { type: 'tool-call', id: 'call_1', name: 'weather', arguments: '{"place":"Ulm"}' },
      { type: 'tool-call', id: 'call_2', name: 'time', arguments: '{}' },
    ],
    finishReason: 'tool-calls',
  }),
}

const cutMessage = { ...message('msg_1', said('Long')), status: 'incomplete' }
const cut: AnswerFixture = {
  name: 'an answer cut by its bound, which is billed, told by its end only',
  whole: {
    ...base,
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [cutMessage],
    usage,
  },
  stream: stream(
    [
      added(0, message('msg_1')),
      { type: 'response.output_text.done', ...at(0, 'msg_1'), text: 'Long' },
      done(0, cutMessage),
    ],
    ended({ incomplete_details: { reason: 'max_output_tokens' }, output: [cutMessage], usage }, 'incomplete'),
  ),
  answer: answer({ content: [{ type: 'text', text: 'Long' }], finishReason: 'length' }),
}

const no = message('msg_1', { type: 'refusal', refusal: 'I will not' })
const refused: AnswerFixture = {
  name: 'a refusal',
  whole: { ...base, status: 'completed', output: [no], usage },
  stream: stream(
    [
      added(0, message('msg_1')),
      { type: 'response.refusal.delta', ...at(0, 'msg_1'), delta: 'I will' },
      { type: 'response.refusal.delta', ...at(0, 'msg_1'), delta: ' not' },
      { type: 'response.refusal.done', ...at(0, 'msg_1'), refusal: 'I will not' },
      done(0, no),
    ],
    ended({ output: [no], usage }),
  ),
  answer: answer({ content: [{ type: 'refusal', text: 'I will not' }], finishReason: 'refusal' }),
}

export const responsesAnswers: readonly AnswerFixture[] = [plain, tools, cut, refused]

export const searchItem = {
  id: 'ws_1',
  type: 'web_search_call',
  status: 'completed',
  action: { type: 'search', query: 'rain' },
}
export const searched = {
  ...base,
  status: 'completed',
  output: [searchItem, message('msg_1', said('Rain'))],
  usage,
}
