import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EmbedAnswer, GenerateAnswer, GenerateEvent, TokenLogprob } from '../../../contracts/index.ts'
import type { TextEngine } from '../../text-engine.ts'
import { embed, generate, LORAS, loadedEngine, MODEL, REFERENCE, say, tell } from './testing/sample.ts'

/** Computed by samples/llm/reference.py, which shares no code with llama.cpp, in double precision. */
interface Step {
  readonly token: number
  readonly top: readonly [token: number, logprob: number][]
}
interface Case {
  readonly text: string
  readonly tokens: readonly number[]
  readonly answer: readonly Step[]
  readonly json: readonly Step[]
  /** With the end forbidden: what it says where it is unsure. */
  readonly onward: readonly Step[]
  readonly vector: readonly number[]
}
const { cases } = JSON.parse(readFileSync(REFERENCE, 'utf8')) as { cases: Case[] }

/** llama.cpp multiplies in half precision: the largest difference seen is 0.006, at a log-probability of -11. */
const CLOSE = 0.02

let engine: TextEngine
beforeAll(async () => {
  engine = await loadedEngine({ loras: LORAS })
})
afterAll(() => engine.unload())

function logprobsOf(events: readonly GenerateEvent[]): TokenLogprob[] {
  return events.flatMap((event) => (event.type === 'text' ? (event.logprobs ?? []) : []))
}

describe('what the model says is what its weights say', () => {
  test.each(cases)('$text', async ({ text, tokens, answer, json, onward }) => {
    const counted = await tell(engine, { kind: 'count-tokens', request: say(text) }, { stream: false })
    expect(counted.answer).toEqual({ inputTokens: tokens.length })
    for (const [steps, extras] of [
      [answer, {}],
      [json, { extras: { lora: 'json' } }],
      [onward, { logitBias: { '1': -1000 } }],
    ] as const) {
      const shown = steps.filter(({ token }) => token !== 1)
      const told = await generate(
        engine,
        say(text, { ...extras, logprobs: { top: 5 }, maxOutputTokens: steps.length }),
      )
      const logprobs = logprobsOf(told.events)
      expect(logprobs).toHaveLength(shown.length)
      for (const [at, { token, top }] of shown.entries()) {
        const ours = logprobs[at] as TokenLogprob
        const chosen = top.find(([id]) => id === token)?.[1] as number
        expect(Math.abs(ours.logprob - chosen)).toBeLessThan(CLOSE)
        const theirs = ours.top?.map(({ logprob }) => logprob) ?? []
        for (const [rank, [, logprob]] of top.entries())
          expect(Math.abs((theirs[rank] as number) - logprob)).toBeLessThan(CLOSE)
      }
    }
  })

  test('and it knows what it was trained for', async () => {
    const [spam, wanted] = cases as [Case, Case]
    expect((await generate(engine, say(spam.text))).text).toBe('spam')
    expect((await generate(engine, say(wanted.text))).text).toBe('wanted')
    const adapted = say(spam.text, { extras: { lora: 'json' } })
    expect((await generate(engine, adapted)).text).toBe('{"label":"spam"}')
  })

  test('the log-probabilities are those of the model, whatever filters what is drawn', async () => {
    const text = cases[0]?.text as string
    const plain = await generate(engine, say(text, { logprobs: { top: 2 }, maxOutputTokens: 1 }))
    const bent = await generate(
      engine,
      say(text, {
        logprobs: { top: 2 },
        maxOutputTokens: 1,
        temperature: 3,
        topK: 1,
        logitBias: { '91': 5 },
      }),
      false,
    )
    const [before] = logprobsOf(plain.events)
    const after = (bent.answer as GenerateAnswer).choices[0]?.logprobs?.[0]
    expect(after?.top?.[0]?.logprob).toBeCloseTo(before?.logprob as number, 3)
  })
})

test('vectors are the last hidden state, of length 1', async () => {
  const vectors = await loadedEngine({ embeddings: true })
  expect(vectors.describe()).toMatchObject({ embeddings: true, sequences: 1 })
  const told = await embed(vectors, { inputs: cases.map(({ text }) => text) })
  const { usage, vectors: given } = told.answer as EmbedAnswer
  for (const [at, { vector }] of cases.entries())
    for (const [place, number] of vector.entries())
      expect(Math.abs(((given[at] as number[])[place] as number) - number)).toBeLessThan(0.005)
  expect(Math.hypot(...(given[0] as number[]))).toBeCloseTo(1, 6)
  expect(usage.input).toBe(cases.reduce((sum, { tokens }) => sum + tokens.length - 3, 0))
  const packed = await embed(vectors, { inputs: [cases[0]?.text as string], encoding: 'base64' })
  const [base64] = (packed.answer as EmbedAnswer).vectors as string[]
  const bytes = Buffer.from(base64 as string, 'base64')
  expect(bytes.readFloatLE(0)).toBeCloseTo((given[0] as number[])[0] as number, 6)
  expect(bytes.length).toBe((given[0] as number[]).length * 4)
  for (const [request, field] of [
    [{ inputs: [''] as string[], dimensions: 64 }, 'dimensions'],
    [{ inputs: ['a'], purpose: 'query' }, 'purpose'],
  ] as const)
    expect((await embed(vectors, { ...request, inputs: [...request.inputs] })).outcome.failure).toMatchObject(
      { code: 'invalid_request', field },
    )
  expect((await embed(vectors, { inputs: ['word '.repeat(1000)] })).outcome.failure?.code).toBe(
    'context_too_long',
  )
  expect((await generate(vectors, say('a'))).outcome.failure?.detail).toContain('vectors only')
  await vectors.unload()
})

test('the file is small enough to ship', () => {
  expect(readFileSync(MODEL).length).toBeLessThan(2_000_000)
})
