import type { ForeignGauges, ForeignKind, MetricSource } from './foreign-kind.ts'
import { readPrometheus, type Sample } from './prometheus-text.ts'

export interface Scrape {
  readonly gauges: ForeignGauges
  /** Time to the first token since the server's start; undefined where it tells none. */
  readonly firstToken: ScrapedHistogram | undefined
}

export interface ScrapedHistogram {
  /** Cumulative counts by upper bound, seconds, rising; the last bound is +Inf. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly sum: number
  readonly count: number
}

/** What of a server's own metrics says the same as ours. */
export function readScrape(kind: ForeignKind, text: string): Scrape {
  const byName = Map.groupBy(readPrometheus(text), (sample) => sample.name)
  const gauges: Record<string, number> = {}
  for (const [name, source] of Object.entries(kind.metrics)) {
    const value = readingOf(byName, source)
    if (value !== undefined && Number.isFinite(value)) gauges[name] = value
  }
  return {
    gauges,
    firstToken:
      kind.firstTokenSeconds === undefined ? undefined : histogramOf(byName, kind.firstTokenSeconds),
  }
}

function readingOf(byName: ReadonlyMap<string, Sample[]>, source: MetricSource): number | undefined {
  for (const name of source.names) {
    const found = (byName.get(name) ?? []).filter(({ labels }) =>
      Object.entries(source.labels ?? {}).every(([label, value]) => labels[label] === value),
    )
    if (found.length === 0) continue
    const sum = found.reduce((total, { value }) => total + value, 0)
    return source.isShare === true ? sum / found.length : sum
  }
  return undefined
}

function histogramOf(byName: ReadonlyMap<string, Sample[]>, name: string): ScrapedHistogram | undefined {
  const sumOf = (suffix: string) =>
    (byName.get(name + suffix) ?? []).reduce((total, { value }) => total + value, 0)
  const counts = new Map<number, number>()
  for (const { labels, value } of byName.get(`${name}_bucket`) ?? []) {
    const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    counts.set(le, (counts.get(le) ?? 0) + value)
  }
  if (counts.size === 0) return undefined
  const buckets = [...counts].map(([le, count]) => ({ le, count })).sort((left, right) => left.le - right.le)
  return { buckets, sum: sumOf('_sum'), count: sumOf('_count') }
}
