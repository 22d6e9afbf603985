import { describe, expect, test } from 'vitest'
import type { GenerateRequest } from '../../../contracts/index.ts'
import { generate, loadedEngine, SPECULATION, say } from './testing/sample.ts'

const noEnd = { logitBias: { '1': -100 } }
const requests: [string, GenerateRequest][] = [
  ['greedy', say('Subject: Re: the kernel list', { ...noEnd, maxOutputTokens: 60 })],
  [
    'with penalties',
    say('A list', { ...noEnd, frequencyPenalty: 0.5, presencePenalty: 0.5, maxOutputTokens: 40 }),
  ],
  [
    'held to a schema',
    say('Is it spam?', {
      maxOutputTokens: 60,
      output: {
        format: 'schema',
        schema: {
          type: 'object',
          properties: { spam: { type: 'boolean' }, why: { enum: ['a', 'b'] } },
          required: ['spam', 'why'],
        },
      },
    }),
  ],
  ['to its end', say('Subject: Unlimited Cash Bonuses!\n\nEarn $75')],
]

describe('speculation changes no answer', () => {
  test.each(['draft', 'lookup'] as const)('by %s', async (kind) => {
    const plain = await loadedEngine()
    const quick = await loadedEngine({ speculation: SPECULATION[kind] })
    for (const [name, request] of requests) {
      const [expected, got] = [await generate(plain, request), await generate(quick, request)]
      expect([name, got.text, got.outcome.usage, got.outcome.finishReason]).toEqual([
        name,
        expected.text,
        expected.outcome.usage,
        expected.outcome.finishReason,
      ])
    }
    const together = await Promise.all(requests.map(([, request]) => generate(quick, request)))
    const alone = await Promise.all(requests.map(([, request]) => generate(plain, request)))
    expect(together.map(({ text }) => text)).toEqual(alone.map(({ text }) => text))
    const { acceptedTokens, draftedTokens, outputTokens } = quick.gauges
    expect(draftedTokens).toBeGreaterThan(acceptedTokens)
    expect(acceptedTokens).toBeGreaterThan(kind === 'draft' ? outputTokens * 0.1 : 0)
    expect(plain.gauges).toMatchObject({ acceptedTokens: 0, draftedTokens: 0, outputTokens })
    await plain.unload()
    await quick.unload()
  })

  // A batch of another size is summed in another order, in half precision. Among the likeliest few that moves no draw; in
  // the long tail, where a token has a share of one in ten thousand, it may.
  test.each(['draft', 'lookup'] as const)('a seed draws the same by %s, but for rounding', async (kind) => {
    const plain = await loadedEngine()
    const quick = await loadedEngine({ speculation: SPECULATION[kind] })
    let same = 0
    for (let seed = 1; seed <= 20; seed++) {
      const request = say('Subject: Re: the list', {
        ...noEnd,
        temperature: 1,
        topK: 8,
        seed,
        maxOutputTokens: 12,
      })
      const [expected, got] = [await generate(plain, request), await generate(quick, request)]
      if (got.text === expected.text) same++
    }
    expect(same).toBeGreaterThanOrEqual(17)
    await plain.unload()
    await quick.unload()
  })

  test('what is told of accepted tokens is what would be told of them alone', async () => {
    const plain = await loadedEngine()
    const quick = await loadedEngine({ speculation: SPECULATION.draft })
    const request = say('Subject: Re: the list', { ...noEnd, maxOutputTokens: 40, logprobs: { top: 0 } })
    const told = async (engine: typeof plain) =>
      (await generate(engine, request)).events.flatMap((event) =>
        event.type === 'text' ? (event.logprobs ?? []) : [],
      )
    const [expected, got] = [await told(plain), await told(quick)]
    expect(got.map(({ token }) => token)).toEqual(expected.map(({ token }) => token))
    for (const [at, { logprob }] of expected.entries())
      expect(Math.abs((got[at]?.logprob as number) - logprob)).toBeLessThan(0.02)
    await plain.unload()
    await quick.unload()
  })

  test('nothing is proposed that could not be used', async () => {
    const quick = await loadedEngine({ speculation: SPECULATION.draft })
    await generate(quick, say('Subject: Unlimited Cash Bonuses!', { ...noEnd, maxOutputTokens: 2 }))
    expect(quick.gauges).toMatchObject({ outputTokens: 2, draftedTokens: 0 })
    await quick.unload()
  })
})
