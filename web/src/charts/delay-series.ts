import type { TextStats } from '../../../src/contracts/index.ts'
import { csvOf } from './scale.ts'

export interface DelayPoint {
  readonly startMs: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

export interface DelaySeries {
  readonly version: string
  readonly points: readonly DelayPoint[]
}

/** One line a version over all points of the span; where nothing was answered, or too little for it, the pen is up. */
export function delaySeries(stats: TextStats, of: 'ttft' | 'itl'): DelaySeries[] {
  const { fromMs, series, sizeMs, toMs, versions } = stats
  const first = fromMs - (fromMs % sizeMs)
  const starts = Array.from(
    { length: Math.ceil((toMs - first) / sizeMs) },
    (_, index) => first + index * sizeMs,
  )
  return versions.flatMap(({ version }) => {
    const known = new Map(series.filter((one) => one.version === version).map((one) => [one.startMs, one]))
    const points = starts.map((startMs) => {
      const point = known.get(startMs)
      return {
        startMs,
        p50Ms: (of === 'ttft' ? point?.ttftP50Ms : point?.itlP50Ms) ?? null,
        p95Ms: (of === 'ttft' ? point?.ttftP95Ms : point?.itlP95Ms) ?? null,
      }
    })
    return points.some(({ p50Ms }) => p50Ms !== null) ? [{ version, points }] : []
  })
}

export function delayCsv(series: readonly DelaySeries[]): string {
  return csvOf(
    ['at', 'version', 'p50_ms', 'p95_ms'],
    series.flatMap(({ points, version }) =>
      points.map(({ p50Ms, p95Ms, startMs }) => [new Date(startMs).toISOString(), version, p50Ms, p95Ms]),
    ),
  )
}
