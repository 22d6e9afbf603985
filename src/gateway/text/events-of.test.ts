import { expect, test } from 'vitest'
import type { GenerateAnswer } from '../../contracts/index.ts'
import { AnswerCollector } from '../../dialects/index.ts'
import { HELLO_ANSWER } from '../testing/scripted-upstream.ts'
import { eventsOf } from './events-of.ts'

test('the events of an answer tell all of it', () => {
  const answer: GenerateAnswer = {
    ...HELLO_ANSWER,
    systemFingerprint: 'fp_1',
    serviceTier: 'priority',
    choices: [
      {
        index: 0,
        content: [
          { type: 'reasoning', text: 'Hm', signature: 'c2ln' },
          { type: 'text', text: 'Hello', annotations: [{ url: 'https://example.org' }] },
          { type: 'tool-call', id: 'c1', name: 'time', arguments: '{}' },
        ],
        finishReason: 'stop',
        rawFinishReason: 'end_turn',
        stopText: 'END',
        logprobs: [{ token: 'Hello', logprob: -0.1, bytes: null }],
      },
    ],
  }
  const collector = new AnswerCollector()
  for (const event of [...eventsOf(answer), { type: 'ended' as const }]) collector.push(event)
  expect(collector.answer(answer.createdAt)).toEqual(answer)
})
