export { costBound, costOfUsage } from './cost-of-usage.ts'
export { createPriceBook, type PriceBook, type PricedProvider } from './price-book.ts'
export { attodollars, dollars, type Rates } from './rates.ts'
