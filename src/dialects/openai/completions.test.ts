import { describe, expect, test } from 'vitest'
import type { GenerateRequest } from '../../contracts/index.ts'
import { completionsProvider, completionsSurface, type JsonObject } from '../index.ts'
import {
  conformsToProviderDialect,
  conformsToSurfaceDialect,
  dialectsAgree,
} from '../testing/dialect.conformance.ts'
import type { RequestFeature } from '../testing/features.ts'
import { chatErrorsInside, chunk, DONE, usageOf } from './chat.fixtures.ts'
import { chatProblems } from './problems.fixtures.ts'

const SAID: readonly RequestFeature[] = [
  'choices',
  'frequencyPenalty',
  'logitBias',
  'logprobs',
  'maxOutputTokens',
  'presencePenalty',
  'seed',
  'stop',
  'temperature',
  'topP',
  'user',
]
const ask = (fields: Partial<GenerateRequest>): GenerateRequest => ({
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Once' }] }],
  ...fields,
})
const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 }
const logprobs = {
  tokens: [' upon', '!'],
  token_logprobs: [-0.1, -2],
  top_logprobs: [{ ' upon': -0.1, ' more': -3 }, null],
  text_offset: [4, 9],
}
const choice = { index: 0, text: ' upon!', logprobs, finish_reason: 'stop', stop_reason: 'END' }

conformsToProviderDialect('OpenAI completions', {
  dialect: completionsProvider(),
  requests: SAID,
  answers: [
    {
      name: 'a text with probabilities',
      whole: { id: 'cmpl-1', object: 'text_completion', created: 5, model: 'm', choices: [choice], usage },
      stream: [
        chunk({ id: 'cmpl-1', model: 'm', choices: [{ index: 0, text: '', finish_reason: null }] }),
        chunk({ choices: [{ index: 0, text: ' up', logprobs, finish_reason: null }] }),
        chunk({ choices: [{ index: 0, text: 'on!', finish_reason: 'stop', stop_reason: 'END' }] }),
        chunk({ choices: [], usage }),
        DONE,
      ].join(''),
      answer: {
        id: 'cmpl-1',
        createdAt: 5000,
        providerModel: 'm',
        choices: [
          {
            index: 0,
            content: [{ type: 'text', text: ' upon!' }],
            finishReason: 'stop',
            stopText: 'END',
            logprobs: [
              {
                token: ' upon',
                logprob: -0.1,
                bytes: null,
                top: [
                  { token: ' upon', logprob: -0.1, bytes: null },
                  { token: ' more', logprob: -3, bytes: null },
                ],
              },
              { token: '!', logprob: -2, bytes: null, top: [] },
            ],
          },
        ],
        usage: usageOf({ input: 9, output: 2 }),
      },
    },
  ],
  written: [
    [
      'a prompt',
      ask({ maxOutputTokens: 5, logprobs: { top: 2 }, stream: true, includeUsage: true }),
      {
        model: 'a-model',
        prompt: 'Once',
        max_tokens: 5,
        logprobs: 2,
        stream: true,
        stream_options: { include_usage: true },
      },
    ],
  ],
  problems: chatProblems,
  errorsInside: chatErrorsInside,
})

conformsToSurfaceDialect('OpenAI completions', {
  dialect: completionsSurface,
  minimal: { model: 'a-model', prompt: 'Once' },
  requests: [
    [
      'a prompt',
      { prompt: 'Once', max_tokens: 5, echo: true, logprobs: 0 },
      ask({ maxOutputTokens: 5, logprobs: { top: 0 }, extras: { echo: true } }),
    ],
    [
      'a list of one',
      { prompt: ['Once'], stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
      ask({ stream: true, includeUsage: true, extras: { 'chat.stream_options.include_obfuscation': false } }),
    ],
  ],
  invalid: [
    ['no prompt', {}, '/prompt'],
    ['several prompts', { prompt: ['a', 'b'] }, '/prompt'],
    ['token ids', { prompt: [1, 2] }, '/prompt'],
    ['logprobs of chat', { prompt: 'a', logprobs: true }, '/logprobs'],
  ],
  successMarker: /\[DONE\]/,
  errorWords: (body) => (body.error as JsonObject).message,
  fields: [
    ['messages.0.content.0', 'prompt'],
    ['maxOutputTokens', 'max_tokens'],
  ],
})

dialectsAgree('OpenAI completions', {
  surface: completionsSurface,
  provider: completionsProvider(),
  requests: SAID,
  isOnePrompt: true,
  answers: ['choices', 'providerModel', 'usage.cacheRead', 'usage.none'],
  finishReasons: ['stop', 'length', 'content-filter'],
})

describe('a conversation is no prompt', () => {
  test.each<[GenerateRequest['messages'], string]>([
    [[...ask({}).messages, { role: 'assistant', content: [] }], 'messages.1'],
    [[{ role: 'system', content: [] }, ...ask({}).messages], 'messages.0'],
    [[{ role: 'user', name: 'ada', content: [] }], 'messages.0.name'],
  ])('%j', (messages, feature) => {
    expect(() => completionsProvider().writeRequest({ messages }, 'm')).toThrow(
      expect.objectContaining({ feature }),
    )
  })
})
