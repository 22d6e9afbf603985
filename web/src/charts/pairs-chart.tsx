import type { Measurement } from '../../../src/contracts/index.ts'
import { estimateText, intervalText, marginText } from '../format/measurements.ts'
import { Figure } from './figure.tsx'
import { BottomAxis, type Box, Plot } from './plot.tsx'
import { csvOf, linear, niceTicks } from './scale.ts'

interface PairsChartProps {
  readonly title: string
  /** Candidate/champion − 1 of each pair, in the order in which they were run; null: it has none. */
  readonly ratios: readonly (number | null)[]
  readonly measurement: Measurement
}

/** Every pair as a dot, their mean with its interval below: does one pair tell the story, or all of them? */
export function PairsChart({ title, ratios, measurement }: PairsChartProps) {
  const known = ratios.flatMap((ratio, index) => (ratio === null ? [] : [{ pair: index + 1, ratio }]))
  if (known.length === 0) return null
  const { lower, upper, estimate, margin } = measurement
  const values = [...known.map(({ ratio }) => ratio), lower ?? 0, upper ?? 0, margin, 0]
  const span = Math.max(...values) - Math.min(...values)
  const ends = [Math.min(...values) - span * 0.06, Math.max(...values) + span * 0.06] as const
  const scale = (box: Box) => linear(ends, [box.left, box.right])
  const sorted = [...known].sort((left, right) => left.ratio - right.ratio)
  const text = (index: number | undefined) =>
    index === undefined
      ? `${known.length} pairs · ${meanText(measurement)} · margin +${marginText(measurement)}`
      : `pair ${sorted[index]!.pair} · ${signedPercent(sorted[index]!.ratio)}`
  return (
    <Figure
      title={title}
      sub="each dot one pair in the order of the run, candidate against champion; better is left"
      csv={() =>
        csvOf(
          ['pair', 'ratio'],
          ratios.map((ratio, index) => [index + 1, ratio]),
        )
      }
    >
      <Plot
        title={title}
        description={text(undefined)}
        height={Math.min(190, 64 + known.length * 6)}
        inset={{ left: 12, right: 12, top: 14, bottom: 26 }}
        positions={(box) => sorted.map(({ ratio }) => scale(box)(ratio))}
        reading={text}
        readingText={text}
      >
        {(box, cursor) => {
          const x = scale(box)
          const rows = box.bottom - box.top - 18
          const row = (pair: number) => box.top + (rows * (pair - 0.5)) / ratios.length
          return (
            <>
              <rect
                className="better"
                x={box.left}
                y={box.top}
                width={Math.max(0, x(0) - box.left)}
                height={box.bottom - box.top}
              />
              <line className="zero" x1={x(0)} x2={x(0)} y1={box.top} y2={box.bottom} />
              <line className="margin-line" x1={x(margin)} x2={x(margin)} y1={box.top} y2={box.bottom} />
              <text className="margin-text" x={x(margin)} y={box.top - 4} textAnchor="middle">
                margin
              </text>
              {known.map(({ pair, ratio }) => (
                <circle
                  key={pair}
                  className="pair"
                  cx={x(ratio)}
                  cy={row(pair)}
                  r={cursor !== undefined && sorted[cursor]!.pair === pair ? 5 : 3}
                />
              ))}
              {lower !== null && upper !== null && estimate !== null && (
                <g>
                  <line
                    className="range"
                    x1={x(lower)}
                    x2={x(upper)}
                    y1={box.bottom - 9}
                    y2={box.bottom - 9}
                  />
                  <circle className="point" cx={x(estimate)} cy={box.bottom - 9} r="4.5" />
                </g>
              )}
              <BottomAxis
                box={box}
                ticks={niceTicks(...ends, 6).map((ratio) => ({ at: x(ratio), label: signedPercent(ratio) }))}
              />
            </>
          )
        }}
      </Plot>
    </Figure>
  )
}

function meanText(measurement: Measurement): string {
  const estimate = estimateText(measurement)
  return estimate === undefined ? 'no mean is judged' : `mean ${estimate} ${intervalText(measurement)}`
}

function signedPercent(ratio: number): string {
  const text = Number(Math.abs(ratio * 100).toFixed(1))
  return `${text === 0 ? '' : ratio < 0 ? '−' : '+'}${text} %`
}
