import { milliseconds, tickMilliseconds } from '../format/numbers.ts'
import { dayTime } from '../format/times.ts'
import type { DelaySeries } from './delay-series.ts'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { linear, linePath, logarithmic, logTicks, niceTicks, timeTicks } from './scale.ts'

interface DelayChartProps {
  readonly title: string
  /** At least one point with a value. */
  readonly series: readonly DelaySeries[]
  readonly colourOf: (version: string) => number
}

/** Median and 95th percentile of a delay over time, a pair of lines a version (log scale). */
export function DelayChart({ title, series, colourOf }: DelayChartProps) {
  const points = series[0]?.points ?? []
  const values = series.flatMap((one) =>
    one.points.flatMap(({ p50Ms, p95Ms }) => [p50Ms, p95Ms].filter((ms) => ms !== null)),
  )
  const ends = [Math.max(0.01, Math.min(...values) * 0.8), Math.max(...values) * 1.25] as const
  const from = points[0]?.startMs ?? 0
  const to = points.at(-1)?.startMs ?? 1
  const scales = (box: Box) => ({
    x: linear([from, to], [box.left, box.right]),
    y: logarithmic(ends, [box.bottom, box.top]),
  })
  const newest = points.findLastIndex((_, index) => series.some((one) => one.points[index]?.p50Ms !== null))
  const text = (index: number | undefined) => {
    const at = index ?? newest
    const point = points[at]
    if (point === undefined) return ''
    const parts = series.map(({ points: own, version }) => {
      const { p50Ms = null, p95Ms = null } = own[at] ?? {}
      if (p50Ms === null) return `${version} none`
      return `${version} ${milliseconds(p50Ms)}${p95Ms === null ? '' : `, p95 ${milliseconds(p95Ms)}`}`
    })
    return `${dayTime(point.startMs, to - from)} · ${parts.join(' · ')}`
  }
  return (
    <>
      <DelayLegend series={series} colourOf={colourOf} />
      <Plot
        title={title}
        description={text(undefined)}
        height={180}
        inset={{ left: 54, right: 12, top: 8, bottom: 26 }}
        positions={(box) => points.map(({ startMs }) => scales(box).x(startMs))}
        reading={text}
        readingText={text}
      >
        {(box) => {
          const { x, y } = scales(box)
          const line = (one: DelaySeries, of: 'p50Ms' | 'p95Ms') =>
            linePath(one.points.map((point) => [x(point.startMs), point[of] === null ? null : y(point[of])]))
          return (
            <>
              <LeftAxis
                box={box}
                ticks={ticksOf(ends).map((ms) => ({ at: y(ms), label: tickMilliseconds(ms) }))}
              />
              <BottomAxis
                box={box}
                ticks={timeTicks(from, to, 5).map((at) => ({ at: x(at), label: dayTime(at, to - from) }))}
              />
              {series.map((one) => (
                <g key={one.version} className={`delay delay-${colourOf(one.version)}`}>
                  <path d={line(one, 'p50Ms')} />
                  <path className="dashed" d={line(one, 'p95Ms')} />
                </g>
              ))}
            </>
          )
        }}
      </Plot>
    </>
  )
}

/** Decades where there are some, else even steps: a delay that hardly moves has an axis too. */
function ticksOf([from, to]: readonly [number, number]): number[] {
  const decades = logTicks(from, to, 5)
  return decades.length >= 2 ? decades : niceTicks(from, to, 3)
}

/** Versions by colour, quantiles by dash. */
function DelayLegend({ series, colourOf }: Pick<DelayChartProps, 'series' | 'colourOf'>) {
  return (
    <ul className="legend">
      {series.flatMap(({ version }) =>
        (['p50', 'p95'] as const).map((quantile) => (
          <li key={`${version} ${quantile}`}>
            <svg width="22" height="10" aria-hidden="true" className={`delay delay-${colourOf(version)}`}>
              <path className={quantile === 'p95' ? 'dashed' : undefined} d="M1 5L21 5" />
            </svg>
            {version} {quantile}
          </li>
        )),
      )}
    </ul>
  )
}
