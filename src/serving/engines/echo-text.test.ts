import { describe, expect, test } from 'vitest'
import {
  type EchoScript,
  type GenerateRequest,
  textContract,
  type VersionSpec,
  versionSpec,
} from '../../contracts/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { conformsToTextEngine } from '../text-engine.conformance.ts'
import type { TextLoadRequest, TextWorkOutcome } from '../text-engine.ts'
import { echoTextEngine } from './echo-text.ts'
import { vectorsOf } from './echo-vectors.ts'

const specOf = (echo: object): VersionSpec =>
  versionSpec.parse({ engine: 'echo', echo, contract: textContract })
const requestOf = (echo: object): TextLoadRequest => ({
  model: 'chat',
  label: 'v1',
  spec: specOf(echo),
  files: new Map(),
})
const question = (text: string): GenerateRequest => ({
  messages: [
    { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'user', content: [{ type: 'text', text }] },
  ],
})
const WORDS = Array.from({ length: 40 }, (_, index) => `word-${index}`).join(' ')
const conforming = { contextTokens: 100, tokenMs: 1 }

conformsToTextEngine('echo', () => echoTextEngine(systemClock), {
  request: requestOf({ text: conforming }),
  narrow: requestOf({ text: { ...conforming, sequences: 1, maxWaiting: 4 } }),
  crowd: 6,
  question: question(WORDS),
  inAnswer: 'word-7',
  tooLong: question('a '.repeat(101)),
  unknown: { request: { ...question('hi'), logprobs: { top: 1 } }, field: 'logprobs' },
  embed: { inputs: ['one text', 'another'] },
})

async function run(script: Partial<EchoScript>, requests = 1) {
  const engine = echoTextEngine(systemClock)
  await engine.load(requestOf(script))
  const told: { text: string; outcome: TextWorkOutcome }[] = []
  for (let index = 0; index < requests; index++)
    told.push(
      await new Promise((resolve) => {
        let text = ''
        engine.start(
          {
            work: { kind: 'generate', request: question('a b c') },
            stream: true,
            requestId: 'r',
            priority: 1,
            deadlineAtMs: Number.POSITIVE_INFINITY,
          },
          {
            event: (event) => {
              if (event.type === 'text') text += event.text
            },
            answer: () => undefined,
            settled: (outcome) => resolve({ text, outcome }),
          },
        )
      }),
    )
  await engine.unload()
  return told
}

const text = { tokenMs: 0, sequences: 8, maxWaiting: 256, contextTokens: 4096, vectorSize: 0 }

describe('a script of text', () => {
  test.each([
    ['left out: it repeats the user', {}, 'a b c', undefined],
    ['says what it is told', { text: { ...text, says: 'Good day' } }, 'Good day', undefined],
    [
      'fails at once',
      { text: { ...text, failAfterTokens: 0 } },
      '',
      { code: 'model_failed', retrySafe: true },
    ],
    [
      'fails after some',
      { text: { ...text, failAfterTokens: 2 } },
      'a b',
      { code: 'model_failed', retrySafe: false },
    ],
    ['fails with its last', { text: { ...text, failAfterTokens: 3 } }, 'a b c', { code: 'model_failed' }],
    ['fails later than it ends', { text: { ...text, failAfterTokens: 4 } }, 'a b c', undefined],
  ])('%s', async (_, script, said, failure) => {
    const [told] = await run(script)
    expect(told?.text).toBe(said)
    if (failure === undefined) expect(told?.outcome.failure).toBeUndefined()
    else expect(told?.outcome.failure).toMatchObject(failure)
  })

  test('fails its share of requests, once it has answered some, the same ones each time', async () => {
    const script = { failShare: 0.5, afterRows: 4, seed: 3 }
    const failed = async () => (await run(script, 40)).map(({ outcome }) => outcome.failure !== undefined)
    const once = await failed()
    expect(once.slice(0, 4)).toEqual([false, false, false, false])
    expect(once.filter(Boolean).length).toBeGreaterThan(8)
    expect(once.filter(Boolean).length).toBeLessThan(28)
    expect(await failed()).toEqual(once)
  })
})

test('vectors are of length one, as long as was asked for, and near where words are shared', () => {
  const inputs = ['the quick fox', 'the quick dog', 'nothing alike']
  const [fox, dog, other] = vectorsOf({ inputs }, 64) as number[][]
  const dot = (left: number[], right: number[]) =>
    left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)
  expect(dot(fox!, fox!)).toBeCloseTo(1, 5)
  expect(dot(fox!, dog!)).toBeGreaterThan(dot(fox!, other!))
  expect(vectorsOf({ inputs, dimensions: 8 }, 64)[0]).toHaveLength(8)
  const [encoded] = vectorsOf({ inputs, encoding: 'base64' }, 64)
  expect([...new Float32Array(Uint8Array.from(Buffer.from(encoded as string, 'base64')).buffer)]).toEqual(fox)
})
