import { milliseconds, tickMilliseconds } from '../format/numbers.ts'
import { Figure, Legend } from './figure.tsx'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { csvOf, linear, linePath, logarithmic, logTicks } from './scale.ts'

interface CurveChartProps {
  /** [share of requests, champion ms, candidate ms]; null: among the unanswered. */
  readonly curve: readonly (readonly [number, number | null, number | null])[]
  readonly champion: string
  readonly candidate: string
}

/** The distribution of latency: which share of the requests was answered within so many milliseconds. */
export function CurveChart({ curve, champion, candidate }: CurveChartProps) {
  const values = curve
    .flatMap(([, one, other]) => [one, other])
    .filter((ms) => ms !== null && ms > 0) as number[]
  if (values.length === 0) return null
  const title = 'How fast are most answers, and how slow the last ones?'
  const ends = [Math.min(...values) * 0.9, Math.max(...values) * 1.1] as const
  const scales = (box: Box) => ({
    x: logarithmic(ends, [box.left, box.right]),
    y: linear([0, 1], [box.bottom, box.top]),
  })
  const ms = (value: number | null) => (value === null ? 'no answer' : milliseconds(value))
  const text = (index: number | undefined) => {
    const [share, one, other] = curve[index ?? curve.findIndex(([p]) => p >= 0.5)] ?? curve[0]!
    return `${Math.round(share * 100)} % within ${ms(other)} (${candidate}), ${ms(one)} (${champion})`
  }
  return (
    <Figure
      title={title}
      sub="share of requests answered within a time (log scale), both versions at the same load"
      csv={() => csvOf(['share', 'champion_ms', 'candidate_ms'], curve)}
    >
      <Legend
        items={[
          { className: 'arm-candidate', label: candidate },
          { className: 'arm-champion', label: champion },
        ]}
      />
      <Plot
        title={title}
        description={text(undefined)}
        height={190}
        inset={{ left: 48, right: 12, top: 8, bottom: 26 }}
        positions={(box) => curve.map(([, one, other]) => scales(box).x(other ?? one ?? ends[1]))}
        reading={text}
        readingText={text}
      >
        {(box) => {
          const { x, y } = scales(box)
          const line = (side: 1 | 2) =>
            linePath(
              curve.map((point) => [x(point[side] ?? ends[1]), point[side] === null ? null : y(point[0])]),
            )
          return (
            <>
              <LeftAxis
                box={box}
                ticks={[0, 0.5, 0.95].map((share) => ({ at: y(share), label: `${share * 100} %` }))}
              />
              <BottomAxis
                box={box}
                ticks={logTicks(...ends).map((at) => ({ at: x(at), label: tickMilliseconds(at) }))}
              />
              <path className="arm-champion" d={line(1)} />
              <path className="arm-candidate" d={line(2)} />
            </>
          )
        }}
      </Plot>
    </Figure>
  )
}
