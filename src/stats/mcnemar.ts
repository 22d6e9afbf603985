import { requireCount } from './check.ts'
import { binomialCdf, binomialPoint } from './special/binomial.ts'

export interface McNemar {
  /** Two-sided exact binomial p-value, never above the nominal error rate. */
  readonly exact: number
  /** Two-sided mid-p: 2·P(X < min) + P(X = min), 1 when b = c. Nearly nominal instead of conservative. */
  readonly midP: number
}

/**
 * McNemar's test for two classifiers on the same items (McNemar 1947; mid-p as in Fagerland, Lydersen, Laake 2013).
 * `b` items only the candidate got right, `c` items only the champion got right. No discordant item: p = 1.
 */
export function mcnemar(b: number, c: number): McNemar {
  requireCount('b', b)
  requireCount('c', c)
  const n = b + c
  const least = Math.min(b, c)
  if (b === c) return { exact: 1, midP: 1 }
  const below = 2 * binomialCdf(least - 1, n, 0.5)
  const point = binomialPoint(least, n, 0.5)
  return { exact: Math.min(1, below + 2 * point), midP: below + point }
}
