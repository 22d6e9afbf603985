import type { PriceOverride, TokenPrices } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import { catalogueName, catalogueRates } from './catalogue.ts'
import { attodollars, perToken, type Rate, type Rates, type TokenClass } from './rates.ts'

/** Prices by provider, model and time: own rows first, then the public catalogue. */
export interface PriceBook {
  /**
   * `provider` is the provider's own name or its kind (a price may be kept under either), `model` the provider's name
   * for the model. Undefined: no price is known, which is not the same as free.
   */
  ratesOf(provider: PricedProvider, model: string, atMs: number): Rates | undefined
}

export interface PricedProvider {
  readonly name: string
  /** Under which name it is billed: `priceAs`, or the kind. */
  readonly billedAs: string
}

const HOUR_MS = 3_600_000
/** Models asked for by name come from configuration, but a relayed answer may name any; so it is bounded. */
const MAX_REMEMBERED = 10_000

export function createPriceBook(overrides: readonly PriceOverride[]): PriceBook {
  const own = overrides
    .map((override) => ({ override, rates: ownRates(override), fromMs: Date.parse(override.from) }))
    .sort((left, right) => right.fromMs - left.fromMs)
  // Catalogue rows change by the hour at most; finding one costs far more than remembering it.
  const remembered = new Map<string, Rates | undefined>()

  function find(provider: PricedProvider, model: string, atMs: number): Rates | undefined {
    const mine = own.find(
      ({ override, fromMs }) =>
        fromMs <= atMs &&
        (override.provider === provider.name ||
          catalogueName(override.provider) === catalogueName(provider.billedAs)) &&
        matches(override.model, model),
    )
    return mine?.rates ?? catalogueRates(provider.billedAs, model, atMs)
  }

  return {
    ratesOf(provider, model, atMs) {
      const key = `${provider.name}\n${provider.billedAs}\n${model}\n${Math.floor(atMs / HOUR_MS)}`
      if (remembered.has(key)) return remembered.get(key)
      if (remembered.size >= MAX_REMEMBERED) remembered.clear()
      const rates = find(provider, model, atMs)
      remembered.set(key, rates)
      return rates
    },
  }
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
}

function ownRates(override: PriceOverride): Rates {
  const tokens: Partial<Record<TokenClass, Rate>> = {}
  for (const [tokenClass, price] of Object.entries(override.prices) as [keyof TokenPrices, string][])
    tokens[tokenClass] = { base: perToken(price), tiers: [] }
  return {
    tokens,
    request: override.requestUsd === undefined ? 0n : attodollars(override.requestUsd),
    providerToolCall:
      override.providerToolCallUsd === undefined ? undefined : attodollars(override.providerToolCallUsd),
    source: `own: ${override.source} ${override.provider}/${override.model} from ${override.from} ${digestOf(override)}`,
  }
}
