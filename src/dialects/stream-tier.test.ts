/** What a stream tells beside its content: tier, fingerprint, the provider's own sum, and where its numbers go on. */
import { describe, expect, test } from 'vitest'
import { type GenerateEvent, NO_USAGE } from '../contracts/index.ts'
import { halt, say, start } from './bedrock/bedrock.fixtures.ts'
import { collect } from './collect.ts'
import {
  anthropicSurface,
  chatProvider,
  chatSurface,
  completionsSurface,
  converseProvider,
  embeddingsProvider,
  responsesSurface,
  type SurfaceDialect,
} from './index.ts'
import { sampleContext } from './testing/dialect.conformance.ts'

const started: GenerateEvent = {
  type: 'started',
  id: 'a1',
  systemFingerprint: 'fp_1',
  serviceTier: 'priority',
}
const events = (later?: string): GenerateEvent[] => [
  started,
  { type: 'text', choice: 0, text: 'Hello' },
  { type: 'finished', choice: 0, reason: 'stop' },
  {
    type: 'usage',
    usage: { ...NO_USAGE, input: 1, output: 1 },
    ...(later === undefined ? {} : { serviceTier: later }),
  },
  { type: 'ended' },
]
const written = (surface: SurfaceDialect, told: readonly GenerateEvent[]) => {
  const writer = surface.streamWriter(sampleContext)
  return told
    .map((event) => writer.write(event))
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as Record<string, Record<string, unknown>>)
}

test('each chunk of chat completions has both', () => {
  const chunks = written(chatSurface, events())
  expect(chunks).toHaveLength(4)
  for (const chunk of chunks)
    expect(chunk).toMatchObject({ service_tier: 'priority', system_fingerprint: 'fp_1' })
  expect(written(completionsSurface, events())[0]).toMatchObject({ system_fingerprint: 'fp_1' })
})

test('a tier that is only known at the end is told by the last chunk', () => {
  const chunks = written(chatSurface, events('default'))
  expect(chunks.map((chunk) => chunk.service_tier)).toEqual(['priority', 'priority', 'priority', 'default'])
})

test('a message begins with its tier', () => {
  const [first] = written(anthropicSurface, events())
  expect(first?.message?.usage).toMatchObject({ service_tier: 'priority' })
})

test('a response has its tier from the start, and another one at its end', () => {
  const told = written(responsesSurface, events('default'))
  expect(told[0]?.response?.service_tier).toBe('priority')
  expect(told.at(-1)?.response?.service_tier).toBe('default')
})

test('an error of a response that somebody else began is numbered after it', () => {
  const writer = responsesSurface.streamWriter({ ...sampleContext, eventsBefore: 7 })
  const error = writer.write({ type: 'failed', code: 'upstream_truncated', detail: 'It broke.', status: 502 })
  expect(error).toContain('"sequence_number":7')
})

const read = (chunks: readonly object[]) => {
  const told: GenerateEvent[] = []
  const reader = chatProvider().streamReader((event) => told.push(event))
  for (const chunk of chunks) reader.push(Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`))
  reader.push(Buffer.from('data: [DONE]\n\n'))
  return collect(told, 0)
}
const choice = { index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }

describe('chat completions of a provider', () => {
  test('a tier in the last chunk, which tells nothing else', () => {
    const chunks = [
      { id: 'a', choices: [choice] },
      { id: 'a', choices: [], service_tier: 'flex' },
    ]
    expect(read(chunks)).toMatchObject({ serviceTier: 'flex', usage: NO_USAGE })
  })

  test.each([
    [0.00014, '0.00014'],
    [0, '0'],
    [-1, undefined],
    ['free', undefined],
  ])('the sum %j that OpenRouter names', (cost, told) => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, cost }
    const whole = chatProvider().readAnswer({ choices: [{ message: { content: 'Hello' } }], usage })
    expect(whole.reportedCostUsd).toBe(told)
    expect(read([{ id: 'a', choices: [choice], usage }]).reportedCostUsd).toBe(told)
    const vectors = embeddingsProvider.readAnswer({ data: [{ embedding: [1] }], usage }, { inputs: ['a'] })
    expect(vectors.reportedCostUsd).toBe(told)
  })
})

test('Bedrock tells the tier with the usage', () => {
  const told: GenerateEvent[] = []
  const reader = converseProvider.streamReader((event) => told.push(event))
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  reader.push(
    Buffer.concat([start, halt('end_turn'), say('metadata', { usage, serviceTier: { type: 'flex' } })]),
  )
  reader.end()
  expect(collect(told, 0).serviceTier).toBe('flex')
})
