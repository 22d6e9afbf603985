import { bucketEdgeMs, type Histogram } from '../../../src/kernel/histogram.ts'
import { milliseconds, percent, tickMilliseconds, tickPercent } from '../format/numbers.ts'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { csvOf, linear, logarithmic, logTicks, niceTicks } from './scale.ts'

/** Two neighbouring buckets are drawn as one bar: 9 % wide, wide enough to see. */
const JOINED = 2

export interface LatencySeries {
  readonly version: string
  readonly histogram: Histogram
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** Share of a version's requests by latency, one outline per version. */
export function HistogramChart({ title, series }: { title: string; series: readonly LatencySeries[] }) {
  const shares = series.map(({ histogram }) => sharesOf(histogram))
  const used = shares.flatMap((share) => [...share.keys()])
  if (used.length === 0) return <p className="mute">No request in the last minutes.</p>
  const [first, last] = [Math.min(...used), Math.max(...used)]
  const bars = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const ends = [bucketEdgeMs(first * JOINED - 1), bucketEdgeMs(last * JOINED + 1)] as const
  const top = Math.max(...shares.flatMap((share) => [...share.values()])) * 1.1
  const scales = (box: Box) => ({
    x: logarithmic(ends, [box.left, box.right]),
    y: linear([0, top], [box.bottom, box.top]),
  })
  const edges = (bar: number) => [bucketEdgeMs(bar * JOINED - 1), bucketEdgeMs(bar * JOINED + 1)] as const
  const text = (index: number | undefined) => {
    if (index === undefined)
      return series
        .map(({ version, p50Ms, p99Ms }) => `${version} p50 ${msOr(p50Ms)}, p99 ${msOr(p99Ms)}`)
        .join(' · ')
    const bar = bars[index]!
    const [from, to] = edges(bar)
    const parts = series.map(({ version }, at) => `${version} ${percent(shares[at]!.get(bar) ?? 0)}`)
    return `${milliseconds(from)} to ${milliseconds(to)} · ${parts.join(', ')}`
  }
  return (
    <Plot
      title={title}
      description={text(undefined)}
      height={190}
      inset={{ left: 46, right: 12, top: 8, bottom: 26 }}
      positions={(box) => bars.map((bar) => scales(box).x(Math.sqrt(edges(bar)[0] * edges(bar)[1])))}
      reading={text}
      readingText={text}
    >
      {(box) => {
        const { x, y } = scales(box)
        return (
          <>
            <LeftAxis
              box={box}
              ticks={niceTicks(0, top).map((share) => ({ at: y(share), label: tickPercent(share) }))}
            />
            <BottomAxis
              box={box}
              ticks={logTicks(...ends, 6).map((ms) => ({ at: x(ms), label: tickMilliseconds(ms) }))}
              least={58}
            />
            {series.map(({ version }, layer) => {
              const outline = bars.flatMap((bar) => {
                const height = y(shares[layer]!.get(bar) ?? 0).toFixed(1)
                return edges(bar).map((edge) => `${x(edge).toFixed(1)} ${height}`)
              })
              return (
                <path
                  key={version}
                  className={`outline outline-${Math.min(layer, 3)}`}
                  d={`M${x(ends[0])} ${box.bottom}L${outline.join('L')}L${x(ends[1])} ${box.bottom}`}
                />
              )
            })}
          </>
        )
      }}
    </Plot>
  )
}

function sharesOf(histogram: Histogram): Map<number, number> {
  const total = Object.values(histogram).reduce((sum, count) => sum + count, 0)
  const shares = new Map<number, number>()
  for (const [bucket, count] of Object.entries(histogram)) {
    const bar = Math.floor(Number(bucket) / JOINED)
    shares.set(bar, (shares.get(bar) ?? 0) + count / Math.max(1, total))
  }
  return shares
}

function msOr(ms: number | null): string {
  return ms === null ? '–' : milliseconds(ms)
}

export function histogramCsv(series: readonly LatencySeries[]): string {
  return csvOf(
    ['version', 'up_to_ms', 'requests'],
    series.flatMap(({ version, histogram }) =>
      Object.entries(histogram)
        .sort(([left], [right]) => Number(left) - Number(right))
        .map(([bucket, count]) => [version, bucketEdgeMs(Number(bucket)), count]),
    ),
  )
}
