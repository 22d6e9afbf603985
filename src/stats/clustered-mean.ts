import { requireAtLeast, requireFinite } from './check.ts'
import { around, type MeanEstimate, mean } from './paired-mean.ts'

/**
 * Mean of values whose errors go together inside a cluster (items of one document, one user, K repeats of one item):
 * SE² = C/(C − 1) · Σ_c (Σ_{i∈c} (s_i − s̄))² / n², t law with C − 1 degrees of freedom (Miller 2024, arXiv 2411.00640).
 * The plain standard error can be three times too small. At least two clusters.
 * @param clusters the cluster of each value, by any name.
 */
export function clusteredMean(
  values: readonly number[],
  clusters: readonly (string | number)[],
  confidence = 0.95,
): MeanEstimate & { readonly clusters: number } {
  if (values.length !== clusters.length)
    throw new RangeError(`${values.length} values need as many clusters, not ${clusters.length}`)
  requireFinite('values', values)
  const estimate = mean(values)
  const sums = new Map<string | number, number>()
  for (const [index, value] of values.entries()) {
    const cluster = clusters[index]!
    sums.set(cluster, (sums.get(cluster) ?? 0) + value - estimate)
  }
  requireAtLeast('clusters', sums.size, 2)
  let squares = 0
  for (const sum of sums.values()) squares += sum * sum
  const standardError = Math.sqrt((sums.size / (sums.size - 1)) * squares) / values.length
  return { ...around(estimate, standardError, sums.size - 1, confidence), clusters: sums.size }
}
