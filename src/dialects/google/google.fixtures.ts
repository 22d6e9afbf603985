import { type GenerateAnswer, NO_USAGE } from '../../contracts/index.ts'
import type { AnswerFixture } from '../testing/dialect.conformance.ts'

/** Answers in the form of ai.google.dev/api/generate-content and its guides on thinking, functions and grounding. */

export const say = (chunk: object) => `data: ${JSON.stringify({ ...head, ...chunk })}\r\n\r\n`
const head = { modelVersion: 'gemini-2.5-flash', responseId: 'r1' }
export const candidate = (parts: object[], more: object = {}) => ({
  content: { role: 'model', parts },
  index: 0,
  ...more,
})
const usage = { promptTokenCount: 8, candidatesTokenCount: 4, totalTokenCount: 12 }
const STOP = { finishReason: 'STOP' }

const answer = (
  choice: Partial<GenerateAnswer['choices'][number]>,
  known: Partial<GenerateAnswer['usage']> = {},
): GenerateAnswer => ({
  id: 'r1',
  providerModel: 'gemini-2.5-flash',
  createdAt: 0,
  choices: [{ index: 0, content: [], finishReason: 'stop', rawFinishReason: 'STOP', ...choice }],
  usage: { ...NO_USAGE, input: 8, output: 4, ...known },
})

const plain: AnswerFixture = {
  name: 'a text',
  whole: { ...head, candidates: [candidate([{ text: 'Hello there!' }], STOP)], usageMetadata: usage },
  stream:
    say({
      candidates: [candidate([{ text: 'Hello ' }])],
      usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
    }) +
    say({ candidates: [candidate([{ text: 'there!' }], { finishReason: '' })] }) +
    say({ candidates: [candidate([{ text: '' }], STOP)], usageMetadata: usage }),
  answer: answer({ content: [{ type: 'text', text: 'Hello there!' }] }),
}

const thinking: AnswerFixture = {
  name: 'shown and signed thinking, two calls without ids, a cache read',
  whole: {
    ...head,
    candidates: [
      candidate(
        [
          { text: 'Which place?', thought: true },
          { functionCall: { name: 'weather', args: { place: 'Ulm' } }, thoughtSignature: 'c2ln' },
          { functionCall: { name: 'time' } },
        ],
        STOP,
      ),
    ],
    usageMetadata: {
      ...usage,
      cachedContentTokenCount: 5,
      thoughtsTokenCount: 9,
      toolUsePromptTokenCount: 2,
    },
  },
  stream:
    say({ candidates: [candidate([{ text: 'Which ', thought: true }])], usageMetadata: usage }) +
    say({
      candidates: [
        candidate([
          { text: 'place?', thought: true },
          { functionCall: { name: 'weather', args: { place: 'Ulm' } }, thoughtSignature: 'c2ln' },
        ]),
      ],
    }) +
    say({
      candidates: [candidate([{ functionCall: { name: 'time' } }], STOP)],
      usageMetadata: {
        ...usage,
        cachedContentTokenCount: 5,
        thoughtsTokenCount: 9,
        toolUsePromptTokenCount: 2,
      },
    }),
  answer: answer(
    {
      content: [
        { type: 'reasoning', text: 'Which place?', signature: 'c2ln' },
        { type: 'tool-call', id: 'call_r1_0_0', name: 'weather', arguments: '{"place":"Ulm"}' },
        { type: 'tool-call', id: 'call_r1_0_1', name: 'time', arguments: '{}' },
      ],
      finishReason: 'tool-calls',
    },
    { input: 5, cacheRead: 5, output: 13, reasoning: 9 },
  ),
}

const chosen = {
  chosenCandidates: [{ token: 'Yes', tokenId: 3553, logProbability: -0.25 }, { token: '.' }],
  topCandidates: [{ candidates: [{ token: 'Yes', logProbability: -0.25 }] }, {}],
}
const several: AnswerFixture = {
  name: 'two candidates, one with log-probabilities and one cut off',
  whole: {
    ...head,
    candidates: [
      candidate([{ text: 'Yes.' }], { ...STOP, logprobsResult: chosen }),
      candidate([{ text: 'No' }], { index: 1, finishReason: 'MAX_TOKENS' }),
    ],
    usageMetadata: usage,
  },
  stream:
    say({ candidates: [candidate([{ text: 'N' }], { index: 1 })] }) +
    say({ candidates: [candidate([{ text: 'Yes.' }], { ...STOP, logprobsResult: chosen })] }) +
    say({
      candidates: [candidate([{ text: 'o' }], { index: 1, finishReason: 'MAX_TOKENS' })],
      usageMetadata: usage,
    }),
  answer: {
    ...answer({}),
    choices: [
      {
        index: 0,
        content: [{ type: 'text', text: 'Yes.' }],
        finishReason: 'stop',
        rawFinishReason: 'STOP',
        logprobs: [
          { token: 'Yes', logprob: -0.25, top: [{ token: 'Yes', logprob: -0.25 }] },
          { token: '.', logprob: 0 },
        ],
      },
      {
        index: 1,
        content: [{ type: 'text', text: 'No' }],
        finishReason: 'length',
        rawFinishReason: 'MAX_TOKENS',
      },
    ],
  },
}

const grounding = { groundingMetadata: { webSearchQueries: ['ulm'] } }
const image = { inlineData: { mimeType: 'image/png', data: 'iVBORw==' } }
const audio = [
  { modality: 'AUDIO', tokenCount: 3 },
  { modality: 'TEXT', tokenCount: 5 },
]
const native: AnswerFixture = {
  name: 'an image, grounding, a signature at the end, sound in the prompt',
  whole: {
    ...head,
    candidates: [
      candidate([{ text: 'See' }, image, { text: '', thoughtSignature: 'ZW5k' }], {
        finishReason: 'SAFETY',
        ...grounding,
      }),
    ],
    usageMetadata: { ...usage, promptTokensDetails: audio },
  },
  stream:
    say({ candidates: [candidate([{ text: 'Se' }])] }) +
    say({ candidates: [candidate([{ text: 'e' }, image])] }) +
    say({
      candidates: [
        candidate([{ text: '', thoughtSignature: 'ZW5k' }], { finishReason: 'SAFETY', ...grounding }),
      ],
      usageMetadata: { ...usage, promptTokensDetails: audio },
    }),
  answer: answer(
    {
      content: [
        { type: 'text', text: 'See', annotations: [image] },
        { type: 'reasoning', signature: 'ZW5k' },
        { type: 'text', text: '', annotations: [grounding] },
      ],
      finishReason: 'content-filter',
      rawFinishReason: 'SAFETY',
    },
    { inputAudio: 3 },
  ),
}

export const googleAnswers: readonly AnswerFixture[] = [plain, thinking, several, native]
