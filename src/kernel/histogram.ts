/**
 * Latency buckets, shared by gateway, telemetry, judge and pages: mergeable, and a threshold that is a bucket edge
 * gives an exact exceedance count.
 *
 * Bucket i holds (edge(i−1), edge(i)] with edge(i) = 0.01 ms · 2^(i/16): 4.4 % wide, 0.01 ms to 10⁷ ms in 480
 * buckets. Bucket 0 holds everything up to 0.01 ms.
 */
const LOWEST_MS = 0.01
const PER_DOUBLING = 16
export const HISTOGRAM_BUCKETS = 480

export type Histogram = Record<string, number>

export function bucketOf(milliseconds: number): number {
  if (!(milliseconds > LOWEST_MS)) return 0
  // A value that is an edge belongs below it; the small slack absorbs the rounding of log2.
  const index = Math.ceil(Math.log2(milliseconds / LOWEST_MS) * PER_DOUBLING - 1e-9)
  return Math.min(index, HISTOGRAM_BUCKETS - 1)
}

/** Upper edge of a bucket in ms. */
export function bucketEdgeMs(bucket: number): number {
  return LOWEST_MS * 2 ** (bucket / PER_DOUBLING)
}

export function countInto(histogram: Histogram, milliseconds: number, count = 1): void {
  const bucket = bucketOf(milliseconds)
  histogram[bucket] = (histogram[bucket] ?? 0) + count
}

export function mergeInto(target: Histogram, source: Histogram): void {
  for (const [bucket, count] of Object.entries(source)) target[bucket] = (target[bucket] ?? 0) + count
}

/** How many are slower than the bucket edge at or above `thresholdMs`. Exact when the threshold is an edge. */
export function countSlowerThan(histogram: Histogram, thresholdMs: number): number {
  const last = bucketOf(thresholdMs)
  let slower = 0
  for (const [bucket, count] of Object.entries(histogram)) if (Number(bucket) > last) slower += count
  return slower
}

/** Upper edge of the bucket that holds the quantile, ms; null when empty. `p` in (0, 1]. */
export function histogramQuantileMs(histogram: Histogram, p: number): number | null {
  let total = 0
  for (const count of Object.values(histogram)) total += count
  if (total === 0) return null
  const rank = Math.max(1, Math.ceil(total * p))
  let seen = 0
  for (const bucket of Object.keys(histogram)
    .map(Number)
    .sort((left, right) => left - right)) {
    seen += histogram[bucket] ?? 0
    if (seen >= rank) return bucketEdgeMs(bucket)
  }
  return null
}
