import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import { tgiProvider } from '../index.ts'
import { type AnswerFixture, conformsToProviderDialect } from '../testing/dialect.conformance.ts'
import type { RequestFeature } from '../testing/features.ts'

const SAID: readonly RequestFeature[] = [
  'output.text',
  'output.schema',
  'output.strict',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'frequencyPenalty',
  'repetitionPenalty',
  'seed',
  'stop',
  'logprobs',
]
const hello = { messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }] }

/** As docs/openapi.json of huggingface/text-generation-inference has it. */
const token = (text: string, special = false) => ({ id: 9, text, logprob: -0.5, special })
const says = (one: object, more: object = {}) =>
  `data:${JSON.stringify({ index: 1, token: one, generated_text: null, details: null, ...more })}\n\n`
const error = (words: string, type: string) => JSON.stringify({ error: words, error_type: type })
const prefill = [1, 2, 3].map((id) => ({ id, text: 'x', logprob: null }))

const answer = (choice: Partial<GenerateAnswer['choices'][number]>): GenerateAnswer => ({
  id: '',
  createdAt: 0,
  choices: [
    {
      index: 0,
      content: [{ type: 'text', text: 'Hello there' }],
      finishReason: 'stop',
      rawFinishReason: 'eos_token',
      ...choice,
    },
  ],
  usage: { ...NO_USAGE, input: 3, output: 3 },
})

const plain: AnswerFixture = {
  name: 'a text and the sign of its end',
  whole: {
    generated_text: 'Hello there',
    details: {
      finish_reason: 'eos_token',
      generated_tokens: 3,
      prefill,
      tokens: [token('Hello'), token(' there'), token('</s>', true)],
    },
  },
  stream:
    says(token('Hello')) +
    says(token(' there')) +
    says(token('</s>', true), {
      generated_text: 'Hello there',
      details: { finish_reason: 'eos_token', generated_tokens: 3, input_length: 3, seed: null },
    }),
  answer: answer({}),
}

const beside = (text: string) => [token(text), token('?')]
const probable: AnswerFixture = {
  name: 'probabilities that were asked for, cut by its bound',
  whole: {
    generated_text: 'Hello there',
    details: {
      finish_reason: 'length',
      generated_tokens: 3,
      prefill,
      tokens: [token('Hello'), token(' there')],
      top_tokens: [beside('Hello'), beside(' there')],
    },
  },
  stream:
    says(token('Hello'), { top_tokens: beside('Hello') }) +
    says(token(' there'), {
      top_tokens: beside(' there'),
      generated_text: 'Hello there',
      details: { finish_reason: 'length', generated_tokens: 3, input_length: 3 },
    }),
  answer: answer({
    finishReason: 'length',
    rawFinishReason: undefined,
    logprobs: ['Hello', ' there'].map((text) => ({
      token: text,
      logprob: -0.5,
      bytes: null,
      top: [text, '?'].map((one) => ({ token: one, logprob: -0.5, bytes: null })),
    })),
  }),
}

conformsToProviderDialect('TGI', {
  dialect: tgiProvider,
  requests: SAID,
  answers: [plain, probable],
  written: [
    ['a prompt', { ...hello, stream: true, choices: 1 }, { inputs: 'Hello', parameters: { details: true } }],
    [
      'the likeliest token, all of them: what the server refuses as a number',
      { ...hello, temperature: 0, topP: 1 },
      { inputs: 'Hello', parameters: { details: true, do_sample: false } },
    ],
    [
      'how tokens are drawn, a schema, extras',
      {
        ...hello,
        maxOutputTokens: 9,
        temperature: 0.5,
        topK: 0,
        topP: 1,
        repetitionPenalty: 1.1,
        stop: ['.'],
        logprobs: { top: 0 },
        output: { format: 'schema', name: 'place', schema: { type: 'object' } },
        extras: { truncate: 100 },
      },
      {
        inputs: 'Hello',
        parameters: {
          details: true,
          truncate: 100,
          max_new_tokens: 9,
          temperature: 0.5,
          repetition_penalty: 1.1,
          stop: ['.'],
          grammar: { type: 'json', value: { type: 'object' } },
          top_n_tokens: 1,
        },
      },
    ],
  ],
  problems: [
    [
      'a wrong value',
      422,
      error('`temperature` must be strictly positive', 'validation'),
      { class: 'invalid' },
    ],
    [
      'too long',
      422,
      error('`inputs` must have less than 1024 tokens. Given: 2000', 'validation'),
      { class: 'context-length' },
    ],
    ['overloaded', 429, error('Model is overloaded', 'overloaded'), { class: 'overloaded' }],
    [
      'failed',
      424,
      error('Request failed during generation', 'generation'),
      { class: 'error', code: 'generation' },
    ],
    ['a proxy', 502, '<html>', { class: 'error' }],
  ],
  errorsInside: [
    {
      name: 'generation failed, after content',
      whole: { error: 'Request failed during generation', error_type: 'generation' },
      stream: `${says(token('Hello'))}data:${error('Request failed during generation', 'generation')}\n\n`,
      class: 'error',
      code: 'upstream_failed',
    },
    {
      name: 'overloaded, before content',
      stream: `data:${error('Model is overloaded', 'overloaded')}\n\n`,
      class: 'overloaded',
      code: 'upstream_overloaded',
    },
  ],
})
