import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of docs.anthropic.com (Messages, Streaming messages, Extended thinking, Web search tool). */

export const say = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const start = (usage: object = { input_tokens: 25, output_tokens: 1 }) =>
  say('message_start', { message: { ...message, content: [], stop_reason: null, usage } })
const begin = (index: number, block: object) => say('content_block_start', { index, content_block: block })
const delta = (index: number, change: object) => say('content_block_delta', { index, delta: change })
const stop = (index: number) => say('content_block_stop', { index })
const end = (reason: string, usage: object = { output_tokens: 15 }, sequence: string | null = null) =>
  say('message_delta', { delta: { stop_reason: reason, stop_sequence: sequence }, usage }) +
  say('message_stop')

export const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  stop_reason: 'end_turn',
  stop_sequence: null as string | null,
}
const usage = { input_tokens: 25, output_tokens: 15 }

const answer = (
  choice: Partial<GenerateAnswer['choices'][number]>,
  known: Partial<GenerateAnswer['usage']> = {},
): GenerateAnswer => ({
  id: 'msg_1',
  providerModel: 'claude-sonnet-4-5',
  createdAt: 0,
  choices: [{ index: 0, content: [], finishReason: 'stop', rawFinishReason: 'end_turn', ...choice }],
  usage: { ...NO_USAGE, input: 25, output: 15, ...known },
})

const text = (words: string) => ({ type: 'text', text: words })

const plain: AnswerFixture = {
  name: 'a text, with pings and an event nobody knows',
  whole: { ...message, content: [text('Hello there!')], usage },
  stream:
    start() +
    begin(0, text('')) +
    say('ping') +
    delta(0, { type: 'text_delta', text: 'Hello ' }) +
    say('something_new', { index: 'x' }) +
    delta(0, { type: 'text_delta', text: 'there!' }) +
    stop(0) +
    say('ping') +
    end('end_turn'),
  answer: answer({ content: [{ type: 'text', text: 'Hello there!' }] }),
}

const tools: AnswerFixture = {
  name: 'text, two calls (one without arguments), text',
  whole: {
    ...message,
    stop_reason: 'tool_use',
    content: [
      text('Let me see.'),
      {
        type: 'tool_use',
        id: 'toolu_1',
        name: 'weather',
        input: { place: 'Ulm' },
        caller: { type: 'direct' },
      },
      { type: 'tool_use', id: 'toolu_2', name: 'time', input: {} },
      text('Wait.'),
    ],
    usage,
  },
  stream:
    start() +
    begin(0, text('')) +
    delta(0, { type: 'text_delta', text: 'Let me see.' }) +
    stop(0) +
    begin(1, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }) +
    delta(1, { type: 'input_json_delta', partial_json: '' }) +
    delta(1, { type: 'input_json_delta', partial_json: '{"place":' }) +
    delta(1, { type: 'input_json_delta', partial_json: '"Ulm"}' }) +
    stop(1) +
    begin(2, { type: 'tool_use', id: 'toolu_2', name: 'time', input: {} }) +
    stop(2) +
    begin(3, text('')) +
    delta(3, { type: 'text_delta', text: 'Wait.' }) +
    stop(3) +
    end('tool_use'),
  answer: answer({
    content: [
      { type: 'text', text: 'Let me see.' },
      { type: 'tool-call', id: 'toolu_1', name: 'weather', arguments: '{"place":"Ulm"}' },
      { type: 'tool-call', id: 'toolu_2', name: 'time', arguments: '{}' },
      { type: 'text', text: 'Wait.' },
    ],
    finishReason: 'tool-calls',
    rawFinishReason: 'tool_use',
  }),
}

const thinking: AnswerFixture = {
  name: 'thinking with its signature, thinking redacted, a stop text',
  whole: {
    ...message,
    stop_reason: 'stop_sequence',
    stop_sequence: 'END',
    content: [
      { type: 'thinking', thinking: 'Hm. Yes.', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'eA==' },
      { type: 'thinking', thinking: '', signature: 'b21pdHRlZA==' },
      text('Yes'),
    ],
    usage: { ...usage, output_tokens_details: { thinking_tokens: 9 } },
  },
  stream:
    start() +
    begin(0, { type: 'thinking', thinking: '', signature: '' }) +
    delta(0, { type: 'thinking_delta', thinking: 'Hm. ' }) +
    delta(0, { type: 'thinking_delta', thinking: 'Yes.' }) +
    delta(0, { type: 'signature_delta', signature: 'c2ln' }) +
    stop(0) +
    begin(1, { type: 'redacted_thinking', data: 'eA==' }) +
    stop(1) +
    begin(2, { type: 'thinking', thinking: '', signature: '' }) +
    delta(2, { type: 'signature_delta', signature: 'b21pdHRlZA==' }) +
    stop(2) +
    begin(3, text('')) +
    delta(3, { type: 'text_delta', text: 'Yes' }) +
    stop(3) +
    end('stop_sequence', { output_tokens: 15, output_tokens_details: { thinking_tokens: 9 } }, 'END'),
  answer: answer(
    {
      content: [
        { type: 'reasoning', text: 'Hm. Yes.', signature: 'c2ln' },
        { type: 'reasoning', redacted: 'eA==' },
        { type: 'reasoning', signature: 'b21pdHRlZA==' },
        { type: 'text', text: 'Yes' },
      ],
      rawFinishReason: 'stop_sequence',
      stopText: 'END',
    },
    { reasoning: 9 },
  ),
}

const cached: AnswerFixture = {
  name: 'a cache read and written for five minutes and an hour, told cumulatively',
  whole: {
    ...message,
    stop_reason: 'max_tokens',
    content: [text('Long')],
    usage: {
      input_tokens: 3,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 700,
      cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 200 },
      output_tokens: 15,
      service_tier: 'standard',
    },
  },
  stream:
    start({
      input_tokens: 3,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 600,
      cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 200 },
      output_tokens: 1,
      service_tier: 'standard',
    }) +
    begin(0, text('Long')) +
    stop(0) +
    end('max_tokens', {
      input_tokens: null,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 700,
      output_tokens: 15,
    }),
  answer: {
    ...answer(
      { content: [{ type: 'text', text: 'Long' }], finishReason: 'length', rawFinishReason: 'max_tokens' },
      { input: 3, cacheRead: 1000, cacheWrite: 500, cacheWriteHour: 200 },
    ),
    serviceTier: 'default',
  },
}

const search = { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'rain' } }
const found = {
  type: 'web_search_tool_result',
  tool_use_id: 'srvtoolu_1',
  content: [
    { type: 'web_search_result', url: 'https://example.org', title: 'Rain', encrypted_content: 'eA==' },
  ],
}
export const citation = {
  type: 'web_search_result_location',
  url: 'https://example.org',
  title: 'Rain',
  encrypted_index: 'eA==',
  cited_text: 'It rains.',
}

const searched: AnswerFixture = {
  name: 'a search of the provider, and what it cites',
  whole: {
    ...message,
    content: [search, found, { ...text('Rain.'), citations: [citation] }],
    usage: { ...usage, server_tool_use: { web_search_requests: 1 } },
  },
  stream:
    start() +
    begin(0, { ...search, input: {} }) +
    delta(0, { type: 'input_json_delta', partial_json: '{"query":"rain"}' }) +
    stop(0) +
    begin(1, found) +
    stop(1) +
    begin(2, { ...text(''), citations: [] }) +
    delta(2, { type: 'citations_delta', citation }) +
    delta(2, { type: 'text_delta', text: 'Rain.' }) +
    stop(2) +
    end('end_turn', { output_tokens: 15, server_tool_use: { web_search_requests: 1 } }),
  answer: answer({ content: [] }, { providerToolCalls: 1 }),
}

export const anthropicAnswers: readonly AnswerFixture[] = [plain, tools, thinking, cached]

/** Its parts are told apart where it is not streamed, and are one text where it is. */
export const searchedAnswer = searched

export const streamPieces = { start, begin, delta, stop, end, text }
