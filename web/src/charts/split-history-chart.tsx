import { dayTime } from '../format/times.ts'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { bandPath, linear, timeTicks } from './scale.ts'
import type { HeldSplit } from './split-history.ts'

interface SplitHistoryChartProps {
  readonly title: string
  readonly held: readonly HeldSplit[]
  readonly fromMs: number
  readonly toMs: number
  /** The time that is asked about. */
  readonly at: number | undefined
  /** In the order in which they are stacked. */
  readonly versions: readonly string[]
  readonly colourOf: (version: string) => number
  readonly textOf: (held: HeldSplit) => string
  readonly onChoose: (at: number) => void
}

/** Shares of the traffic over time, stacked: a split holds until the next one. */
export function SplitHistoryChart(props: SplitHistoryChartProps) {
  const { title, held, fromMs, toMs, at, versions, colourOf, textOf, onChoose } = props
  const scales = (box: Box) => ({
    x: linear([fromMs, toMs], [box.left, box.right]),
    y: linear([0, 100], [box.bottom, box.top]),
  })
  const text = (index: number | undefined) => {
    const one = held[index ?? held.length - 1]
    return one === undefined ? 'No split in this time.' : textOf(one)
  }
  return (
    <Plot
      title={title}
      description={`Share of the traffic of ${versions.join(', ')}. ${text(undefined)}`}
      height={150}
      inset={{ left: 46, right: 12, top: 8, bottom: 26 }}
      positions={(box) => held.map(({ from }) => scales(box).x(from))}
      reading={text}
      readingText={text}
      onChoose={(index) => held[index] !== undefined && onChoose(held[index].from)}
    >
      {(box) => {
        const { x, y } = scales(box)
        return (
          <>
            <LeftAxis
              box={box}
              ticks={[0, 50, 100].map((percent) => ({ at: y(percent), label: `${percent} %` }))}
            />
            <BottomAxis
              box={box}
              ticks={timeTicks(fromMs, toMs, 6).map((time) => ({
                at: x(time),
                label: dayTime(time, toMs - fromMs),
              }))}
              least={toMs - fromMs > 86_400_000 ? 84 : 46}
            />
            {versions.map((version, layer) => (
              <path
                key={version}
                className={`layer layer-${colourOf(version)}`}
                d={bandPath(
                  held.flatMap(({ split, from, to }) => {
                    const below = sumOf(split.shares, versions.slice(0, layer))
                    const above = below + (split.shares[version] ?? 0)
                    return [from, to].map((time) => [x(time), y(above), y(below)] as const)
                  }),
                )}
              />
            ))}
            {at !== undefined && at >= fromMs && at <= toMs && (
              <g>
                <line className="asked-line" x1={x(at)} x2={x(at)} y1={box.top - 4} y2={box.bottom} />
                <circle className="asked" cx={x(at)} cy={box.top - 4} r="3.5" />
              </g>
            )}
          </>
        )
      }}
    </Plot>
  )
}

function sumOf(shares: Readonly<Record<string, number>>, versions: readonly string[]): number {
  return versions.reduce((sum, version) => sum + (shares[version] ?? 0), 0)
}
