export { costBound, costOfUsage } from './cost-of-usage.ts'
export { createPriceBook, type PricedProvider } from './price-book.ts'
export { attodollars, dollars } from './rates.ts'
