import { grouped, perSecond } from '../format/numbers.ts'
import { clockTime } from '../format/times.ts'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { bandPath, csvOf, linear, niceTicks, timeTicks } from './scale.ts'
import type { VersionSeries } from './windows.ts'

interface TrafficChartProps {
  readonly title: string
  /** In the order in which they are stacked. */
  readonly series: readonly VersionSeries[]
}

/** Requests a second, versions stacked. */
export function TrafficChart({ title, series }: TrafficChartProps) {
  const bins = series[0]?.bins ?? []
  const totals = bins.map((_, index) => series.reduce((sum, one) => sum + one.bins[index]!.perSecond, 0))
  const top = Math.max(1, ...totals) * 1.08
  const from = bins[0]?.startMs ?? 0
  const to = bins.at(-1)?.startMs ?? 1
  const scales = (box: Box) => ({
    x: linear([from, to], [box.left, box.right]),
    y: linear([0, top], [box.bottom, box.top]),
  })
  const text = (index: number | undefined) => {
    const at = index ?? bins.length - 1
    if (bins[at] === undefined) return ''
    const parts = series.map((one) => `${one.version} ${perSecond(one.bins[at]!.perSecond)}/s`)
    const failed = series.reduce((sum, one) => sum + one.bins[at]!.failed, 0)
    return `${clockTime(bins[at].startMs, true)} · ${parts.join(', ')} · ${failed === 0 ? 'none failed' : `${grouped(failed)} failed`}`
  }
  return (
    <Plot
      title={title}
      description={`Requests a second of ${series.map(({ version }) => version).join(', ')}. ${text(undefined)}`}
      height={190}
      inset={{ left: 46, right: 12, top: 8, bottom: 26 }}
      positions={(box) => bins.map(({ startMs }) => scales(box).x(startMs))}
      reading={text}
      readingText={text}
    >
      {(box) => {
        const { x, y } = scales(box)
        const below = bins.map(() => 0)
        return (
          <>
            <LeftAxis
              box={box}
              ticks={niceTicks(0, top).map((rate) => ({ at: y(rate), label: `${grouped(rate)}/s` }))}
            />
            <BottomAxis
              box={box}
              ticks={timeTicks(from, to, 5).map((at) => ({ at: x(at), label: clockTime(at) }))}
            />
            {series.map((one, layer) => {
              const points = one.bins.map((bin, index) => {
                const lower = below[index]!
                below[index] = lower + bin.perSecond
                return [x(bin.startMs), y(below[index]!), y(lower)] as const
              })
              return (
                <path
                  key={one.version}
                  className={`layer layer-${Math.min(layer, 3)}`}
                  d={bandPath(points)}
                />
              )
            })}
          </>
        )
      }}
    </Plot>
  )
}

export function trafficCsv(series: readonly VersionSeries[]): string {
  return csvOf(
    ['at', 'version', 'requests_per_second', 'failed'],
    series.flatMap((one) =>
      one.bins.map((bin) => [new Date(bin.startMs).toISOString(), one.version, bin.perSecond, bin.failed]),
    ),
  )
}
