import { expect, test } from 'vitest'
import { NO_USAGE } from '../../contracts/index.ts'
import { callOf, Listening } from '../text/text-upstream.conformance.ts'
import { kinds } from './kinds.ts'
import { prepare } from './prepared.ts'
import { standardCodecs } from './standard-codecs.ts'

const row = { kind: 'openrouter' as const, ...kinds.openrouter }
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, cost: 0.00014 }
const delta = { index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }

test.each([
  ['whole', false, JSON.stringify({ choices: [{ message: { content: 'Hello' } }], usage })],
  ['streamed', true, `data: ${JSON.stringify({ id: 'a', choices: [delta], usage })}\n\ndata: [DONE]\n\n`],
])('a sum that the provider names is the outcome’s and not the client’s: %s', (_, stream, body) => {
  const sink = new Listening()
  const reading = prepare(callOf({ stream }), row, standardCodecs, 1000).reading(sink)
  reading.push(Buffer.from(body))
  reading.end()
  expect(reading.found).toMatchObject({
    usage: { ...NO_USAGE, input: 3, output: 2 },
    reportedCostUsd: '0.00014',
  })
  expect(sink.answers.length + sink.events.length).toBeGreaterThan(0)
  expect(JSON.stringify([sink.answers, sink.events])).not.toContain('0.00014')
})

test('vectors have their sum too', () => {
  const sink = new Listening()
  const work = { kind: 'embed' as const, request: { inputs: ['a'] } }
  const reading = prepare(callOf({ work, stream: false }), row, standardCodecs, 1000).reading(sink)
  reading.push(Buffer.from(JSON.stringify({ data: [{ embedding: [1] }], usage })))
  reading.end()
  expect(reading.found.reportedCostUsd).toBe('0.00014')
  expect(sink.answers).toMatchObject([{ vectors: [[1]] }])
})
