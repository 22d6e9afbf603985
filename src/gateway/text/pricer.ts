import type { CostRow, CostState, Snapshot } from '../../contracts/index.ts'
import {
  attodollars,
  costBound,
  costOfUsage,
  createPriceBook,
  dollars,
  type PricedProvider,
} from '../../pricing/index.ts'
import type { Pricer } from './parts.ts'

/** From the best known to the least. */
const CERTAINTY: readonly CostState[] = ['exact', 'provider-reported', 'estimated', 'unknown']
/** What our own replicas are billed as: own prices may name it, the catalogue does not. */
const AT_HOME: PricedProvider = { name: 'slipway', billedAs: 'slipway' }
const NOTHING: CostRow = Object.freeze({ state: 'exact', costUsd: '0', price: null })

/** Prices by the snapshot's own rows, then the public catalogue. */
export function bookPricer(): Pricer {
  let prices: Snapshot['prices']
  let book = createPriceBook([])
  let providers = new Map<string, PricedProvider>()
  const ratesOf = ({
    provider,
    modelName,
    atMs,
  }: {
    provider: string | null
    modelName: string
    atMs: number
  }) =>
    book.ratesOf(
      provider === null ? AT_HOME : (providers.get(provider) ?? { name: provider, billedAs: provider }),
      modelName,
      atMs,
    )
  return {
    follow(snapshot) {
      providers = new Map(
        (snapshot.providers ?? []).map(({ name, kind, priceAs }) => [
          name,
          { name, billedAs: priceAs ?? kind },
        ]),
      )
      // A book remembers what it found; it is made anew only for other prices.
      if (JSON.stringify(snapshot.prices) === JSON.stringify(prices)) return
      prices = snapshot.prices
      book = createPriceBook(prices ?? [])
    },
    cost: (use) => costOfUsage(use.usage, ratesOf(use), use.reportedUsd),
    bound: (model, inputTokens, outputTokens) => costBound(ratesOf(model), inputTokens, outputTokens),
    sum(rows) {
      if (rows.length <= 1) return rows[0] ?? NOTHING
      const least = rows.reduce((worst, row) =>
        CERTAINTY.indexOf(row.state) > CERTAINTY.indexOf(worst.state) ? row : worst,
      )
      if (least.costUsd === null)
        return { ...least, reason: `of several tries: ${least.reason ?? 'not known'}` }
      const total = rows.reduce((sum, { costUsd }) => sum + attodollars(costUsd ?? '0'), 0n)
      return { ...least, costUsd: dollars(total) }
    },
  }
}
