import { fc, test as property } from '@fast-check/vitest'
import { calcPrice } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import { NO_USAGE, type PriceOverride, type TokenUsage } from '../contracts/index.ts'
import { attodollars, costBound, costOfUsage, createPriceBook, dollars } from './index.ts'

const NOW = Date.parse('2026-11-01T12:00:00Z')
const openai = { name: 'openai', billedAs: 'openai' }
const used = (some: Partial<TokenUsage>): TokenUsage => ({ ...NO_USAGE, ...some })

/** Round figures, so that the sums can be checked by eye. */
const own: PriceOverride = {
  provider: 'house',
  model: 'round-*',
  prices: { input: '1', cacheRead: '0.1', cacheWrite: '1.25', cacheWriteHour: '2', output: '10' },
  requestUsd: '0.001',
  from: '2026-01-01',
  source: 'contract 7',
}
const house = { name: 'house', billedAs: 'openai-compatible' }
const book = createPriceBook([own])

describe('the cost of a usage', () => {
  test.each<[string, Partial<TokenUsage>, string]>([
    ['input and output', { input: 1_000_000, output: 100_000 }, '2.001'],
    ['cached tokens are cheaper, never dearer', { input: 0, cacheRead: 1_000_000, output: 0 }, '0.101'],
    [
      'cache writes of both lives',
      { input: 0, cacheWrite: 400_000, cacheWriteHour: 100_000, output: 0 },
      '0.701',
    ],
    ['thinking is inside output', { input: 0, output: 100_000, reasoning: 90_000 }, '1.001'],
    ['nothing but the request', { input: 0, output: 0 }, '0.001'],
    ['a single token', { input: 1, output: 0 }, '0.001001'],
  ])('%s', (_, usage, costUsd) =>
    expect(costOfUsage(used(usage), book.ratesOf(house, 'round-1', NOW))).toMatchObject({
      state: 'exact',
      costUsd,
    }),
  )

  test('without a price it is unknown, not zero', () =>
    expect(costOfUsage(used({ input: 1, output: 1 }), undefined)).toMatchObject({
      state: 'unknown',
      costUsd: null,
    }))

  test.each([
    ['input', { output: 5 }],
    ['output', { input: 5 }],
  ])('without a count of %s it is unknown', (_, usage) =>
    expect(costOfUsage(used(usage), book.ratesOf(house, 'round-1', NOW))).toMatchObject({
      state: 'unknown',
      costUsd: null,
    }),
  )

  test('a class without a price of its own is counted as the plain class, and that is said', () => {
    const rates = book.ratesOf(house, 'round-1', NOW)
    expect(costOfUsage(used({ input: 100, inputAudio: 100, output: 0 }), rates)).toEqual({
      state: 'estimated',
      costUsd: '0.0011',
      price: rates?.source,
      reason: 'inputAudio is counted as input',
    })
  })

  test('calls of a tool without a price make the cost unknown', () =>
    expect(
      costOfUsage(used({ input: 1, output: 1, providerToolCalls: 1 }), book.ratesOf(house, 'round-1', NOW)),
    ).toMatchObject({ state: 'unknown', reason: 'no price for tool calls of the provider' }))

  test('what the provider named goes before what we would count', () =>
    expect(costOfUsage(used({ input: 5, output: 5 }), undefined, '0.0042')).toEqual({
      state: 'provider-reported',
      costUsd: '0.0042',
      price: null,
    }))

  property.prop([fc.nat(2_000_000), fc.nat(2_000_000), fc.nat(200_000)])(
    'the bound is never below the cost, however the prompt splits into classes',
    (fresh, cached, output) => {
      const rates = book.ratesOf(house, 'round-1', NOW)
      const bound = costBound(rates, fresh + cached, output) ?? 0n
      for (const input of [
        { input: fresh, cacheRead: cached },
        { input: fresh, cacheWrite: cached },
        { input: fresh, cacheWriteHour: cached },
      ]) {
        const row = costOfUsage(used({ ...input, output }), rates)
        expect(attodollars(row.costUsd ?? '0') <= bound).toBe(true)
      }
    },
  )
})

describe('the catalogue', () => {
  // The catalogue's own arithmetic (floating point) is the reference for which row and which tier applies.
  test.each([
    ['openai', 'openai', 'gpt-4o-mini', { input: 700, cacheRead: 300, output: 100 }],
    ['azure-openai', 'azure', 'gpt-4o', { input: 1000, cacheRead: 0, output: 1000 }],
    ['anthropic', 'anthropic', 'claude-3-5-haiku-latest', { input: 500, cacheRead: 500, output: 20 }],
    ['gemini', 'google', 'gemini-2.5-pro', { input: 200_000, cacheRead: 0, output: 10 }],
    ['vertex', 'google', 'gemini-2.5-pro', { input: 199_000, cacheRead: 2_000, output: 10 }],
  ])('%s %s/%s agrees with its source', (billedAs, providerId, model, tokens) => {
    const rates = createPriceBook([]).ratesOf({ name: 'x', billedAs }, model, NOW)
    const row = costOfUsage(used(tokens), rates)
    const theirs = calcPrice(
      {
        input_tokens: tokens.input + tokens.cacheRead,
        cache_read_tokens: tokens.cacheRead,
        output_tokens: tokens.output,
      },
      model,
      { providerId, timestamp: new Date(NOW) },
    )
    expect(row.state).toBe('exact')
    expect(Number(row.costUsd)).toBeCloseTo(theirs?.total_price ?? Number.NaN, 12)
    expect(row.price).toMatch(/^genai-prices .+ sha256:[0-9a-f]{64}$/)
  })

  test('a tier counts from the first token above it', () => {
    const rates = createPriceBook([]).ratesOf({ name: 'g', billedAs: 'gemini' }, 'gemini-2.5-pro', NOW)
    const costOf = (input: number) => Number(costOfUsage(used({ input, output: 0 }), rates).costUsd)
    expect(costOf(200_001) / costOf(200_000)).toBeGreaterThan(1.9)
  })

  test.each([
    ['a model that nobody sells', openai, 'no-such-model'],
    ['a server of one’s own', { name: 'local', billedAs: 'vllm' }, 'llama-3'],
  ])('%s has no price', (_, provider, model) =>
    expect(createPriceBook([]).ratesOf(provider, model, NOW)).toBeUndefined(),
  )
})

describe('own prices', () => {
  const later: PriceOverride = {
    ...own,
    model: 'round-1',
    prices: { input: '3', output: '30' },
    from: '2026-06-01',
  }

  test.each([
    ['before its day the older one holds', '2026-05-31T23:59:59Z', '1.001'],
    ['from its day on the newer one', '2026-06-01T00:00:00Z', '3.001'],
  ])('%s', (_, at, costUsd) => {
    const rates = createPriceBook([own, later]).ratesOf(house, 'round-1', Date.parse(at))
    expect(costOfUsage(used({ input: 1_000_000, output: 0 }), rates).costUsd).toBe(costUsd)
  })

  test('go before the catalogue, for that provider only', () => {
    const mine = createPriceBook([{ ...own, provider: 'openai', model: 'gpt-4o-mini' }])
    expect(mine.ratesOf(openai, 'gpt-4o-mini', NOW)?.source).toMatch(/^own: contract 7/)
    expect(mine.ratesOf({ name: 'az', billedAs: 'azure-openai' }, 'gpt-4o-mini', NOW)?.source).toMatch(
      /azure/,
    )
  })
})

property.prop([fc.bigInt(0n, 10n ** 30n)])('dollars are written and read without loss', (amount) => {
  expect(attodollars(dollars(amount))).toBe(amount)
})
