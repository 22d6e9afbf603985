/**
 * Money is counted in attodollars (10⁻¹⁸ USD) as bigint: a price of twelve decimals for a million tokens is a whole
 * number of them a token, so sums are exact whatever their order.
 */
export const ATTODOLLARS_PER_DOLLAR = 10n ** 18n

/** The token classes that have a price of their own. */
export const tokenClasses = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWriteHour',
  'output',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const
export type TokenClass = (typeof tokenClasses)[number]

/** Attodollars a token: `base`, or the price of the highest tier whose `above` the prompt's tokens exceed. */
export interface Rate {
  readonly base: bigint
  readonly tiers: readonly { readonly above: number; readonly price: bigint }[]
}

/** One price row, ready to multiply. A class that is not there has no known price. */
export interface Rates {
  readonly tokens: Partial<Readonly<Record<TokenClass, Rate>>>
  readonly request: bigint
  /** Undefined: not known. */
  readonly providerToolCall: bigint | undefined
  /** Where the row is from and the hash of what it says: `genai-prices 0.1.8 openai/gpt-4o-mini sha256:…`. */
  readonly source: string
}

/** Decimal text ("0.15") to attodollars. */
export function attodollars(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole) * ATTODOLLARS_PER_DOLLAR + BigInt(fraction.slice(0, 18).padEnd(18, '0'))
}

/** Dollars for a million tokens, as decimal text, to attodollars a token. */
export function perToken(perMillion: string): bigint {
  return attodollars(perMillion) / 1_000_000n
}

/** Decimal text without an exponent and without zeros at its end. */
export function dollars(amount: bigint): string {
  const whole = amount / ATTODOLLARS_PER_DOLLAR
  const fraction = (amount % ATTODOLLARS_PER_DOLLAR).toString().padStart(18, '0').replace(/0+$/, '')
  return fraction === '' ? whole.toString() : `${whole}.${fraction}`
}

export function rateFor(rate: Rate, promptTokens: number): bigint {
  let price = rate.base
  for (const tier of rate.tiers) if (promptTokens > tier.above) price = tier.price
  return price
}
