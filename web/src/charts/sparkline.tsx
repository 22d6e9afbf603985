import { type PointerEvent, useState } from 'react'
import { perSecond } from '../format/numbers.ts'
import { clockTime } from '../format/times.ts'
import type { VersionSeries } from './windows.ts'

const WIDTH = 150
const HEIGHT = 34

/** Traffic of the last minutes, versions stacked, the champion at the bottom. Same order, same colours as everywhere. */
export function Sparkline({ series, says }: { series: readonly VersionSeries[]; says: string }) {
  const [cursor, setCursor] = useState<number>()
  const length = series[0]?.bins.length ?? 0
  const totals = Array.from({ length }, (_, bin) =>
    series.reduce((sum, one) => sum + (one.bins[bin]?.perSecond ?? 0), 0),
  )
  const top = Math.max(1e-9, ...totals)
  const below = new Array<number>(length).fill(0)
  const x = (bin: number) => (length <= 1 ? 0 : (bin / (length - 1)) * WIDTH)
  const y = (value: number) => HEIGHT - 1 - (value / top) * (HEIGHT - 3)
  const onPointerMove = ({ currentTarget, clientX }: PointerEvent) => {
    const { left, width } = currentTarget.getBoundingClientRect()
    setCursor(Math.max(0, Math.min(length - 1, Math.round(((clientX - left) / width) * (length - 1)))))
  }
  return (
    <div className="spark-box" onPointerMove={onPointerMove} onPointerLeave={() => setCursor(undefined)}>
      <svg
        className="spark"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={says}
      >
        <line className="gridline" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {series.map((one, layer) => {
          const points = one.bins.map((bin, index) => {
            const lower = below[index]!
            below[index] = lower + bin.perSecond
            return `${x(index).toFixed(1)} ${y(below[index]!).toFixed(1)}`
          })
          const floor = one.bins.map(
            (bin, index) => `${x(index).toFixed(1)} ${y(below[index]! - bin.perSecond).toFixed(1)}`,
          )
          return (
            <path
              key={one.version}
              className={`layer layer-${Math.min(layer, 3)}`}
              d={`M${points.join('L')}L${floor.reverse().join('L')}Z`}
            />
          )
        })}
        {cursor !== undefined && length > 0 && (
          <line className="cursor" x1={x(cursor)} x2={x(cursor)} y1="0" y2={HEIGHT} />
        )}
      </svg>
      {cursor !== undefined && length > 0 && (
        <span className="spark-reading">{readingOf(series, cursor)}</span>
      )}
    </div>
  )
}

function readingOf(series: readonly VersionSeries[], bin: number): string {
  const at = series[0]?.bins[bin]?.startMs ?? 0
  const parts = series.map(({ version, bins }) => `${version} ${perSecond(bins[bin]?.perSecond ?? 0)}/s`)
  return `${clockTime(at, true)} · ${parts.join(', ')}`
}
