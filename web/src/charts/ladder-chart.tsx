import { grouped, milliseconds, tickMilliseconds } from '../format/numbers.ts'
import { Figure, Legend } from './figure.tsx'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { csvOf, linear, linePath, logarithmic, logTicks, niceTicks } from './scale.ts'

export interface Rung {
  readonly arm: 'champion' | 'candidate'
  readonly concurrency: number
  readonly requests: number
  readonly goodPerSecond: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

interface LadderChartProps {
  readonly rungs: readonly Rung[]
  readonly champion: string
  readonly candidate: string
  /** Load at which the versions were then compared. */
  readonly ratePerSecond: number | null
}

/** Throughput against p95 while more and more callers ask at once. */
export function LadderChart({ rungs, champion, candidate, ratePerSecond }: LadderChartProps) {
  const drawn = rungs
    .filter((rung) => rung.p95Ms !== null)
    .sort((left, right) => left.goodPerSecond - right.goodPerSecond)
  if (drawn.length === 0) return null
  const title = 'How much do both carry before they slow down?'
  const most = Math.max(...drawn.map((rung) => rung.goodPerSecond), ratePerSecond ?? 0) * 1.06
  const latencies = drawn.map((rung) => rung.p95Ms!)
  const ends = [Math.min(...latencies) * 0.8, Math.max(...latencies) * 1.25] as const
  const name = (rung: Rung) => (rung.arm === 'champion' ? champion : candidate)
  const scales = (box: Box) => ({
    x: linear([0, most], [box.left, box.right]),
    y: logarithmic(ends, [box.bottom, box.top]),
  })
  const text = (rung: Rung | undefined) =>
    rung === undefined
      ? 'Along each line: 1, 2, 4… callers at once.'
      : `${name(rung)} · ${rung.concurrency} callers · ${grouped(rung.goodPerSecond)} answers a second · p50 ${rung.p50Ms === null ? '–' : milliseconds(rung.p50Ms)}, p95 ${milliseconds(rung.p95Ms!)}`
  return (
    <Figure
      title={title}
      sub="p95 (log scale) against good answers a second, closed loop, callers doubling"
      csv={() =>
        csvOf(
          ['version', 'callers', 'requests', 'good_per_second', 'p50_ms', 'p95_ms'],
          rungs.map((rung) => [
            name(rung),
            rung.concurrency,
            rung.requests,
            rung.goodPerSecond,
            rung.p50Ms,
            rung.p95Ms,
          ]),
        )
      }
    >
      <Legend
        items={[
          { className: 'arm-candidate', label: candidate },
          { className: 'arm-champion', label: champion },
        ]}
      />
      <Plot
        title={title}
        description={`${drawn.length} rungs of ${champion} and ${candidate}.`}
        height={190}
        inset={{ left: 56, right: 12, top: 10, bottom: 26 }}
        positions={(box) => drawn.map((rung) => scales(box).x(rung.goodPerSecond))}
        reading={(index) => text(index === undefined ? undefined : drawn[index])}
        readingText={(index) => text(index === undefined ? undefined : drawn[index])}
      >
        {(box, cursor) => {
          const { x, y } = scales(box)
          return (
            <>
              <LeftAxis
                box={box}
                ticks={logTicks(...ends).map((ms) => ({ at: y(ms), label: tickMilliseconds(ms) }))}
              />
              <BottomAxis
                box={box}
                ticks={niceTicks(0, most, 5).map((rate) => ({ at: x(rate), label: `${grouped(rate)}/s` }))}
              />
              {ratePerSecond !== null && (
                <g>
                  <line
                    className="step-line"
                    x1={x(ratePerSecond)}
                    x2={x(ratePerSecond)}
                    y1={box.top}
                    y2={box.bottom}
                  />
                  <text x={x(ratePerSecond) + 5} y={box.top + 8}>
                    compared here
                  </text>
                </g>
              )}
              {(['champion', 'candidate'] as const).map((arm) => (
                <path
                  key={arm}
                  className={`arm-${arm}`}
                  d={linePath(
                    drawn
                      .filter((rung) => rung.arm === arm)
                      .sort((left, right) => left.concurrency - right.concurrency)
                      .map((rung) => [x(rung.goodPerSecond), y(rung.p95Ms!)]),
                  )}
                />
              ))}
              {drawn.map((rung, index) => (
                <circle
                  key={`${rung.arm} ${rung.concurrency}`}
                  className={`rung ${rung.arm}`}
                  cx={x(rung.goodPerSecond)}
                  cy={y(rung.p95Ms!)}
                  r={index === cursor ? 5 : 3}
                />
              ))}
            </>
          )
        }}
      </Plot>
    </Figure>
  )
}
