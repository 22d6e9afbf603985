import { z } from 'zod'

const perMillion = z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, 'A price is decimal text, such as "0.15".')

/** Dollars for a million tokens by class; a class that is left out has no known price, which is not the same as free. */
export const tokenPrices = z.strictObject({
  input: perMillion.optional(),
  cacheRead: perMillion.optional(),
  cacheWrite: perMillion.optional(),
  cacheWriteHour: perMillion.optional(),
  output: perMillion.optional(),
  /** Left out: as output. */
  reasoning: perMillion.optional(),
  inputAudio: perMillion.optional(),
  outputAudio: perMillion.optional(),
})
export type TokenPrices = z.infer<typeof tokenPrices>

/** A price of one's own: a contract, a new model, a server of one's own. Goes before the catalogue from `from` on. */
export const priceOverride = z.strictObject({
  provider: z.string().min(1).max(63),
  /** The provider's name for the model; `*` at the end matches any rest. */
  model: z.string().min(1).max(300),
  prices: tokenPrices,
  /** Dollars a request and a call of a provider's own tool. */
  requestUsd: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,12})?$/)
    .optional(),
  providerToolCallUsd: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,12})?$/)
    .optional(),
  /** ISO date from which it holds. */
  from: z.iso.date(),
  source: z.string().min(1).max(500),
})
export type PriceOverride = z.infer<typeof priceOverride>
