import { type GenerateAnswer, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of platform.openai.com/docs/api-reference/chat, and of the servers named, whole and streamed. */

const CREATED = 1_700_000_000
const base = { id: 'chatcmpl-1', created: CREATED, model: 'gpt-x' }

interface Pieces {
  /** Deltas of choice 0, or whole choices. */
  readonly deltas: readonly object[]
  readonly finish: string
  readonly usage?: object
  readonly message: object
  readonly choice?: object
}

/** The plain way to stream: role, deltas, finish reason, usage without choices, `[DONE]`. */
export function chunk(fields: object): string {
  return `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...fields })}\n\n`
}

export function deltaChunk(delta: object, fields: object = {}): string {
  return chunk({ choices: [{ index: 0, delta, finish_reason: null, ...fields }] })
}

export const DONE = 'data: [DONE]\n\n'

export const usageOf = (known: Partial<TokenUsage>): TokenUsage => ({ ...NO_USAGE, ...known })

const answer = (choice: Partial<GenerateAnswer['choices'][number]>, usage: TokenUsage): GenerateAnswer => ({
  id: 'chatcmpl-1',
  createdAt: CREATED * 1000,
  providerModel: 'gpt-x',
  choices: [{ index: 0, content: [], finishReason: 'stop', ...choice }],
  usage,
})

function both({
  choice = {},
  deltas,
  finish,
  message,
  usage,
}: Pieces): Pick<AnswerFixture, 'whole' | 'stream'> {
  return {
    whole: {
      ...base,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, ...message },
          finish_reason: finish,
          logprobs: null,
          ...choice,
        },
      ],
      ...(usage === undefined ? {} : { usage }),
    },
    stream: [
      deltaChunk({ role: 'assistant', content: '' }),
      ...deltas.map((delta) => deltaChunk(delta)),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: finish }] }),
      ...(usage === undefined ? [] : [chunk({ choices: [], usage })]),
      DONE,
    ].join(''),
  }
}

const plainUsage = { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 }
const weather = { name: 'weather', arguments: '{"place":"Ulm"}' }
const logprob = {
  token: 'Hi',
  logprob: -0.1,
  bytes: [72, 105],
  top_logprobs: [{ token: 'Ho', logprob: -2, bytes: null }],
}

export const chatAnswers: readonly AnswerFixture[] = [
  {
    name: 'text, with a cached prompt and hidden thinking',
    ...both({
      message: { content: 'Hello 😀 there', refusal: null, annotations: [] },
      deltas: [{ content: 'Hel' }, { content: 'lo 😀' }, { content: ' there' }],
      finish: 'stop',
      usage: {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 6, audio_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0, accepted_prediction_tokens: 0 },
      },
    }),
    answer: answer(
      { content: [{ type: 'text', text: 'Hello 😀 there' }] },
      usageOf({
        input: 30,
        cacheRead: 64,
        cacheWrite: 6,
        output: 50,
        reasoning: 20,
        inputAudio: 10,
        outputAudio: 0,
      }),
    ),
  },
  {
    name: 'calls of tools at the same time, their arguments in pieces and mixed',
    ...both({
      message: {
        tool_calls: [
          { id: 'call_a', type: 'function', function: weather },
          { id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } },
        ],
      },
      deltas: [
        {
          tool_calls: [
            { index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } },
          ],
        },
        {
          tool_calls: [
            { index: 1, id: 'call_b', type: 'function', function: { name: 'time', arguments: '' } },
          ],
        },
        {
          tool_calls: [
            { index: 0, function: { arguments: '{"place":' } },
            { index: 1, function: { arguments: '{' } },
          ],
        },
        {
          tool_calls: [
            { index: 1, function: { arguments: '}' } },
            { index: 0, function: { arguments: '"Ulm"}' } },
          ],
        },
      ],
      finish: 'tool_calls',
      usage: plainUsage,
    }),
    answer: answer(
      {
        finishReason: 'tool-calls',
        content: [
          { type: 'tool-call', id: 'call_a', ...weather },
          { type: 'tool-call', id: 'call_b', name: 'time', arguments: '{}' },
        ],
      },
      usageOf({ input: 9, output: 12 }),
    ),
  },
  {
    name: 'calls all with the index 0, as some servers number them, and `stop` for a reason',
    ...both({
      message: {
        content: 'One moment',
        tool_calls: [
          { id: 'call_a', type: 'function', function: weather },
          { id: 'call_b', type: 'function', function: weather },
        ],
      },
      deltas: [
        { content: 'One moment' },
        { tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: weather }] },
        { tool_calls: [{ index: 0, id: 'call_b', type: 'function', function: weather }] },
      ],
      finish: 'stop',
    }),
    answer: answer(
      {
        finishReason: 'tool-calls',
        rawFinishReason: 'stop',
        content: [
          { type: 'text', text: 'One moment' },
          { type: 'tool-call', id: 'call_a', ...weather },
          { type: 'tool-call', id: 'call_b', ...weather },
        ],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'calls without index, the id with each piece',
    ...both({
      message: {
        tool_calls: [
          { id: 'a', function: weather },
          { id: 'b', function: weather },
        ],
      },
      deltas: [
        { tool_calls: [{ id: 'a', function: { name: 'weather', arguments: '{"place"' } }] },
        { tool_calls: [{ id: 'a', function: { arguments: ':"Ulm"}' } }] },
        { tool_calls: [{ id: 'b', function: { name: 'weather' } }] },
        { tool_calls: [{ function: { arguments: '{"place":"Ulm"}' } }] },
      ],
      finish: 'tool_calls',
    }),
    answer: answer(
      {
        finishReason: 'tool-calls',
        content: [
          { type: 'tool-call', id: 'a', ...weather },
          { type: 'tool-call', id: 'b', ...weather },
        ],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'a function of the first form',
    ...both({
      message: { function_call: weather },
      deltas: [
        { function_call: { name: 'weather', arguments: '' } },
        { function_call: { arguments: weather.arguments } },
      ],
      finish: 'function_call',
    }),
    answer: answer(
      {
        finishReason: 'tool-calls',
        rawFinishReason: 'function_call',
        content: [{ type: 'tool-call', id: 'call_0_function', ...weather }],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'DeepSeek: thinking in reasoning_content, cache hits beside the counts',
    ...both({
      message: { reasoning_content: 'Let me see', content: 'Yes' },
      deltas: [
        { reasoning_content: 'Let me', content: null },
        { reasoning_content: ' see' },
        { content: 'Yes' },
      ],
      finish: 'stop',
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_cache_hit_tokens: 4,
        prompt_cache_miss_tokens: 6,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    }),
    answer: answer(
      {
        content: [
          { type: 'reasoning', text: 'Let me see' },
          { type: 'text', text: 'Yes' },
        ],
      },
      usageOf({ input: 6, cacheRead: 4, output: 5, reasoning: 3 }),
    ),
  },
  {
    name: 'OpenRouter and vLLM: thinking in reasoning, and the text it stopped at',
    ...both({
      message: { reasoning: 'Hm', content: 'Yes' },
      deltas: [{ reasoning: 'Hm' }, { content: 'Yes' }],
      finish: 'length',
      choice: {},
    }),
    answer: answer(
      {
        finishReason: 'length',
        content: [
          { type: 'reasoning', text: 'Hm' },
          { type: 'text', text: 'Yes' },
        ],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'Mistral: content as a list with thinking',
    ...both({
      message: {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
          { type: 'text', text: 'Yes' },
        ],
      },
      deltas: [
        { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] },
        { content: [{ type: 'text', text: 'Y' }] },
        { content: 'es' },
      ],
      finish: 'stop',
      usage: plainUsage,
    }),
    answer: answer(
      {
        content: [
          { type: 'reasoning', text: 'Hm' },
          { type: 'text', text: 'Yes' },
        ],
      },
      usageOf({ input: 9, output: 12 }),
    ),
  },
  {
    name: 'a refusal',
    ...both({
      message: { refusal: 'I will not' },
      deltas: [{ refusal: 'I will' }, { refusal: ' not' }],
      finish: 'stop',
    }),
    answer: answer({ content: [{ type: 'refusal', text: 'I will not' }] }, NO_USAGE),
  },
  {
    name: 'citations',
    ...both({
      message: {
        content: 'See there',
        annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.org' } }],
      },
      deltas: [
        { content: 'See there' },
        { annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.org' } }] },
      ],
      finish: 'content_filter',
    }),
    answer: answer(
      {
        finishReason: 'content-filter',
        content: [
          {
            type: 'text',
            text: 'See there',
            annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.org' } }],
          },
        ],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'probabilities of tokens',
    whole: {
      ...base,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi' },
          finish_reason: 'stop',
          logprobs: { content: [logprob], refusal: null },
        },
      ],
    },
    stream: [
      deltaChunk({ role: 'assistant' }),
      deltaChunk({ content: 'Hi' }, { logprobs: { content: [logprob] } }),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', logprobs: null }] }),
      DONE,
    ].join(''),
    answer: answer(
      {
        content: [{ type: 'text', text: 'Hi' }],
        logprobs: [
          {
            token: 'Hi',
            logprob: -0.1,
            bytes: [72, 105],
            top: [{ token: 'Ho', logprob: -2, bytes: null }],
          },
        ],
      },
      NO_USAGE,
    ),
  },
  {
    name: 'two choices, mixed; usage with the last content, and a finish reason before it',
    whole: {
      ...base,
      choices: [
        { index: 0, message: { content: 'One' }, finish_reason: 'stop' },
        { index: 1, message: { content: 'Two' }, finish_reason: 'length' },
      ],
      usage: plainUsage,
      system_fingerprint: 'fp_1',
      service_tier: 'default',
      x_vendor: { a: 1 },
    },
    stream: [
      chunk({
        choices: [{ index: 1, delta: { role: 'assistant', content: 'Tw' }, finish_reason: 'length' }],
        system_fingerprint: 'fp_1',
        service_tier: null,
      }),
      chunk({ choices: [{ index: 0, delta: { content: 'One' }, finish_reason: '' }] }),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }),
      chunk({ choices: [{ index: 1, delta: { content: 'o' } }], usage: plainUsage, service_tier: 'default' }),
      DONE,
    ].join(''),
    answer: {
      ...answer({}, usageOf({ input: 9, output: 12 })),
      choices: [
        { index: 0, content: [{ type: 'text', text: 'One' }], finishReason: 'stop' },
        { index: 1, content: [{ type: 'text', text: 'Two' }], finishReason: 'length' },
      ],
      systemFingerprint: 'fp_1',
      serviceTier: 'default',
      extras: { x_vendor: { a: 1 } },
    },
  },
  {
    name: 'Azure: a first event about the prompt, CRLF, comments between; usage in every event',
    whole: {
      ...base,
      choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }],
      usage: plainUsage,
    },
    stream: [
      ': OPENROUTER PROCESSING\r\n\r\n',
      'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}\r\n\r\n',
      deltaChunk({ role: 'assistant', content: '' }).replaceAll('\n', '\r\n'),
      chunk({
        choices: [{ index: 0, delta: { content: 'Hel' } }],
        usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
      }).replaceAll('\n', '\r'),
      ': PROCESSING\n\n',
      chunk({ choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: 'stop' }], usage: plainUsage }),
      'data:[DONE]',
    ].join(''),
    answer: answer({ content: [{ type: 'text', text: 'Hello' }] }, usageOf({ input: 9, output: 12 })),
  },
]

export const chatErrorsInside = [
  {
    name: 'OpenRouter: an error beside no choices, after content',
    whole: { error: { message: 'Provider disconnected', code: 502 } },
    stream: `${deltaChunk({ content: 'Hel' })}${chunk({ choices: [], error: { message: 'Provider disconnected', code: 502 } })}${DONE}`,
    class: 'error',
    code: 'upstream_failed',
  },
  {
    name: 'OpenRouter: an error in the choice',
    whole: {
      choices: [
        { message: { content: '' }, finish_reason: 'error', error: { code: 429, message: 'Slow down' } },
      ],
    },
    stream: chunk({
      choices: [{ delta: {}, finish_reason: 'error', error: { code: 429, message: 'Slow down' } }],
    }),
    class: 'rate-limited',
    code: 'upstream_rate_limited',
  },
  {
    name: 'TGI: words and a type',
    whole: { error: 'Model is overloaded', error_type: 'overloaded' },
    stream: 'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\n',
    class: 'overloaded',
    code: 'upstream_overloaded',
  },
  {
    name: 'vLLM: the error as the object itself',
    whole: { object: 'error', message: 'This model has a maximum context length of 4096 tokens.', code: 400 },
    stream:
      'data: {"object":"error","message":"This model has a maximum context length of 4096 tokens.","code":400}\n\n',
    class: 'context-length',
    code: 'context_too_long',
  },
  {
    name: 'an event named error',
    stream: `${deltaChunk({ content: 'a' })}event: error\ndata: {"message":"flagged by content policy","code":"content_filter"}\n\n`,
    class: 'content-filter',
    code: 'content_filtered',
  },
  {
    name: 'a key that was withdrawn',
    whole: { error: { message: 'No', type: 'authentication_error' } },
    stream: 'data: {"error":{"message":"No","type":"authentication_error"}}\n\n',
    class: 'auth',
    code: 'upstream_failed',
  },
  {
    name: 'an event that is no JSON',
    stream: `${deltaChunk({ content: 'a' })}data: {"choices":[{"delta":{"content":"b\n\n${DONE}`,
    class: 'error',
    code: 'upstream_failed',
  },
  {
    name: 'an event that is no object',
    stream: `data: [1]\n\n${DONE}`,
    class: 'error',
    code: 'upstream_failed',
  },
] as const
