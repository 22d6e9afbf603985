import type { TrafficWindow } from '../../../src/contracts/index.ts'
import { type Histogram, histogramQuantileMs, mergeInto } from '../../../src/kernel/histogram.ts'

/** Windows younger than this may still grow. */
const SETTLED_AFTER_MS = 2000
/** Below so many values a percentile says nothing that holds: 95 % two-sided, distribution-free. */
const P99_FLOOR = 368
const P50_FLOOR = 6

export interface Bin {
  readonly startMs: number
  readonly perSecond: number
  readonly failed: number
}

export interface VersionSeries {
  readonly version: string
  readonly bins: readonly Bin[]
}

/** Equal bins over the span for every version, silence as zero, without the one that still grows. */
export function seriesOf(
  windows: readonly TrafficWindow[],
  { sizeMs, spanMs, nowMs }: { sizeMs: number; spanMs: number; nowMs: number },
): VersionSeries[] {
  const end = Math.floor((nowMs - SETTLED_AFTER_MS) / sizeMs) * sizeMs
  const starts = Array.from({ length: Math.floor(spanMs / sizeMs) }, (_, back) => end - (back + 1) * sizeMs)
  starts.reverse()
  const versions = [...new Set(windows.map(({ version }) => version))].sort()
  return versions.map((version) => {
    const byStart = new Map(windows.filter((one) => one.version === version).map((one) => [one.startMs, one]))
    return {
      version,
      bins: starts.map((startMs) => {
        const window = byStart.get(startMs)
        return {
          startMs,
          perSecond: ((window?.requests ?? 0) * 1000) / sizeMs,
          failed: (window?.errors ?? 0) + (window?.timeouts ?? 0),
        }
      }),
    }
  })
}

export interface Vitals {
  readonly requests: number
  readonly perSecond: number
  readonly failedShare: number | null
  /** Null: too few requests for it. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly histogram: Histogram
}

/** What the last minute (or `spanMs`) says, over all versions given or one of them. */
export function vitalsOf(
  windows: readonly TrafficWindow[],
  {
    spanMs,
    nowMs,
    sizeMs,
    version,
  }: { spanMs: number; nowMs: number; sizeMs: number; version?: string | undefined },
): Vitals {
  const end = Math.floor((nowMs - SETTLED_AFTER_MS) / sizeMs) * sizeMs
  const histogram: Histogram = {}
  let requests = 0
  let failed = 0
  for (const window of windows) {
    if (window.startMs < end - spanMs || window.startMs >= end) continue
    if (version !== undefined && window.version !== version) continue
    requests += window.requests
    failed += window.errors + window.timeouts
    mergeInto(histogram, window.latency)
  }
  return {
    requests,
    perSecond: (requests * 1000) / spanMs,
    failedShare: requests === 0 ? null : failed / requests,
    p50Ms: requests < P50_FLOOR ? null : histogramQuantileMs(histogram, 0.5),
    p99Ms: requests < P99_FLOOR ? null : histogramQuantileMs(histogram, 0.99),
    histogram,
  }
}

/** Champion first, then by name: the order in which versions are stacked and coloured. */
export function championFirst<T extends { readonly version: string }>(
  items: readonly T[],
  champion: string | null,
): T[] {
  return [...items].sort(
    (left, right) =>
      Number(right.version === champion) - Number(left.version === champion) ||
      left.version.localeCompare(right.version, 'en', { numeric: true }),
  )
}
