import { createRequire } from 'node:module'
import type { ModelPrice, TieredPrices } from '@pydantic/genai-prices'
import type { ProviderKind } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import { perToken, type Rate, type Rates, type TokenClass } from './rates.ts'

type Catalogue = typeof import('@pydantic/genai-prices')

const require = createRequire(import.meta.url)
let loaded: Catalogue | undefined

/** Some 20 MB, which a gateway that serves no language model does without: loaded when a price is first asked for. */
function catalogue(): Catalogue {
  loaded ??= require('@pydantic/genai-prices') as Catalogue
  return loaded
}

/** What the catalogue calls the providers that we call something else. Kinds that run at home have no bill there. */
const CATALOGUE_NAMES: Partial<Record<ProviderKind, string>> = {
  'azure-openai': 'azure',
  bedrock: 'aws',
  vertex: 'google',
  gemini: 'google',
  xai: 'x-ai',
}

const KEYS: Record<TokenClass, string> = {
  input: 'input_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWriteHour: 'cache_write_1h_mtok',
  output: 'output_mtok',
  reasoning: 'reasoning_mtok',
  inputAudio: 'input_audio_mtok',
  outputAudio: 'output_audio_mtok',
}
const KNOWN_KEYS = new Set([...Object.values(KEYS), 'web_searches_kcount', 'requests_kcount'])

export function catalogueName(provider: string): string {
  return CATALOGUE_NAMES[provider as ProviderKind] ?? provider
}

/**
 * The row of the public catalogue (`@pydantic/genai-prices`) for a model at a time; undefined where it has none. Rows
 * may depend on the date and on the hour, so the answer holds for the hour of `atMs` only.
 */
export function catalogueRates(provider: string, model: string, atMs: number): Rates | undefined {
  const providerId = catalogueName(provider)
  const found = catalogue().calcPrice({ input_tokens: 1, output_tokens: 1 }, model, {
    providerId,
    timestamp: new Date(atMs),
  })
  if (found === null || found.provider.id !== providerId) return undefined
  return ratesOf(found.model_price, `genai-prices ${found.provider.id}/${found.model.id}`)
}

function ratesOf(prices: ModelPrice, name: string): Rates {
  const tokens: Partial<Record<TokenClass, Rate>> = {}
  for (const [tokenClass, key] of Object.entries(KEYS) as [TokenClass, string][]) {
    const rate = rateOf(prices[key])
    if (rate !== undefined) tokens[tokenClass] = rate
  }
  const searches = prices.web_searches_kcount
  const requests = prices.requests_kcount
  return {
    tokens,
    request: typeof requests === 'number' ? perToken(decimal(requests * 1000)) : 0n,
    providerToolCall: typeof searches === 'number' ? perToken(decimal(searches * 1000)) : undefined,
    source: `${name} ${digestOf({ prices: known(prices) })}`,
  }
}

function rateOf(price: number | TieredPrices | undefined): Rate | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return { base: perToken(decimal(price)), tiers: [] }
  return {
    base: perToken(decimal(price.base)),
    tiers: price.tiers
      .map((tier) => ({ above: tier.start, price: perToken(decimal(tier.price)) }))
      .sort((left, right) => left.above - right.above),
  }
}

/** The catalogue holds what people wrote in decimals; twelve of them bring the written number back. */
function decimal(price: number): string {
  return price.toFixed(12)
}

function known(prices: ModelPrice): Record<string, unknown> {
  const entries = Object.entries(prices).filter(([key]) => KNOWN_KEYS.has(key))
  return Object.fromEntries(
    entries.map(([key, price]) => [
      key,
      typeof price === 'object' ? { base: price.base, tiers: price.tiers } : price,
    ]),
  )
}
