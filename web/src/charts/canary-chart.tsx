import type { GuardName, Rollout, RolloutLook } from '../../../src/contracts/index.ts'
import { grouped, percent, tickPercent } from '../format/numbers.ts'
import { clockTime } from '../format/times.ts'
import { type LookPoint, lookPoints, stepChanges, topOf } from './looks.ts'
import { BottomAxis, type Box, LeftAxis, Plot } from './plot.tsx'
import { bandPath, csvOf, labelRows, linear, linePath, niceTicks, thinned, timeTicks } from './scale.ts'

/** More points than this cannot be told apart at any width we draw. */
const MOST_POINTS = 400
/** The judge decides nothing before so many windows; until then the rates jump about. */
const FIRST_WINDOWS = 10

interface CanaryChartProps {
  readonly rollout: Rollout
  readonly looks: readonly RolloutLook[]
  readonly guard: GuardName
  readonly title: string
}

/** Both arms' rates and what the looks allow to say of their difference, up to now. */
export function CanaryChart({ rollout, looks, guard, title }: CanaryChartProps) {
  const settled = looks.filter((look) => look.windows >= FIRST_WINDOWS)
  const points = thinned(lookPoints(settled, guard), MOST_POINTS)
  if (points.length === 0)
    return <p className="mute">The first look comes after ten seconds with both versions.</p>
  const top = topOf(points)
  const from = points[0]!.at
  const to = Math.max(points.at(-1)!.at, from + 1000)
  const scales = (box: Box) => ({
    x: linear([from, to], [box.left, box.right]),
    y: linear([0, top], [box.bottom, box.top]),
  })
  return (
    <Plot
      title={title}
      description={`Rates of ${rollout.champion} and ${rollout.candidate} over ${points.length} looks; the dashed line is ${rollout.champion} plus the margin.`}
      height={236}
      inset={{ left: 46, right: labelWidth(rollout), top: 20, bottom: 26 }}
      positions={(box) => points.map(({ at }) => scales(box).x(at))}
      readingText={(index) => readingText(points[index ?? points.length - 1]!, rollout)}
      reading={(index) => readingText(points[index ?? points.length - 1]!, rollout)}
    >
      {(box) => (
        <Lines box={box} {...scales(box)} points={points} top={top} rollout={rollout} looks={settled} />
      )}
    </Plot>
  )
}

interface LinesProps {
  readonly box: Box
  readonly x: (at: number) => number
  readonly y: (rate: number) => number
  readonly points: readonly LookPoint[]
  readonly top: number
  readonly rollout: Rollout
  readonly looks: readonly RolloutLook[]
}

function Lines({ box, x, y, points, top, rollout, looks }: LinesProps) {
  const last = points.at(-1)!
  const inside = (rate: number) => Math.max(box.top, y(rate))
  const band = points.flatMap(({ at, upper, lower }) =>
    upper === null || lower === null ? [] : ([[x(at), inside(upper), inside(lower)]] as const),
  )
  const line = (value: (point: LookPoint) => number | null) =>
    linePath(
      points.map((point) => {
        const rate = value(point)
        return [x(point.at), rate === null ? null : inside(rate)]
      }),
    )
  const limit = points.findLast((point) => point.limit !== null)
  // Where the candidate's line ends near the margin, the label makes room for it.
  const isOverLimit = (last.candidate ?? 0) > (last.limit ?? 1) * 0.75
  const [candidateAt, championAt] = labelPlaces(
    y(last.candidate ?? 0),
    y(last.champion ?? 0),
    (last.candidate ?? 0) >= (last.champion ?? 0),
  )
  return (
    <>
      <LeftAxis
        box={box}
        ticks={niceTicks(0, top).map((rate) => ({ at: y(rate), label: tickPercent(rate) }))}
      />
      <BottomAxis
        box={box}
        ticks={timeTicks(points[0]!.at, last.at, 5).map((at) => ({
          at: x(at),
          label: clockTime(at, last.at - points[0]!.at < 180_000),
        }))}
        least={64}
      />
      <StepLines box={box} x={x} looks={looks} />
      <path className="band" d={bandPath(band)} />
      <path className="margin-line" d={line((point) => point.limit)} />
      <path className="arm-champion" d={line((point) => point.champion)} />
      <path className="arm-candidate" d={line((point) => point.candidate)} />
      {limit !== undefined && (
        <text
          className="margin-text halo"
          x={isOverLimit ? box.left + 6 : box.right - 6}
          y={y(limit.limit!) - 6}
          textAnchor={isOverLimit ? 'start' : 'end'}
        >
          margin: {rollout.champion} + {Number((limit.guard.margin * 100).toFixed(2))} pp
        </text>
      )}
      <text className="text-candidate halo" x={box.right + 5} y={candidateAt}>
        {rollout.candidate}
      </text>
      <text className="halo" x={box.right + 5} y={championAt}>
        {rollout.champion}
      </text>
    </>
  )
}

const STEP_LABEL_PX = 66

function StepLines({ box, x, looks }: Pick<LinesProps, 'box' | 'x' | 'looks'>) {
  const changes = stepChanges(looks)
  const places = labelRows(
    changes.map(({ at }) => x(at)),
    STEP_LABEL_PX,
    box.right,
  )
  return changes.map((change, index) => {
    const { isLeft, row } = places[index]!
    const at = x(change.at)
    return (
      <g key={change.at}>
        <line className="step-line" x1={at} x2={at} y1={box.top} y2={box.bottom} />
        <text
          className="halo"
          x={isLeft ? at - 5 : at + 5}
          y={box.top + 4 + row * 15}
          textAnchor={isLeft ? 'end' : 'start'}
        >
          {change.from} → {change.to} %
        </text>
      </g>
    )
  })
}

/** Room for the names at the ends of the lines; a long one may not eat the chart. */
function labelWidth({ champion, candidate }: Rollout): number {
  return Math.min(110, 16 + 7 * Math.max(champion.length, candidate.length))
}

/** Two labels at the ends of two lines, never on top of each other. */
function labelPlaces(candidate: number, champion: number, isCandidateAbove: boolean): [number, number] {
  const gap = 14
  if (Math.abs(candidate - champion) >= gap) return [candidate + 4, champion + 4]
  const middle = (candidate + champion) / 2
  return isCandidateAbove ? [middle - 3, middle + 11] : [middle + 11, middle - 3]
}

function readingText(point: LookPoint, rollout: Rollout): string {
  const { guard } = point
  const rate = (value: number | null) => (value === null ? '–' : percent(value))
  const interval =
    guard.lower === null || guard.upper === null
      ? ''
      : ` · difference ${pointsText(guard.lower)} to ${pointsText(guard.upper)} pp`
  return `${clockTime(point.at, true)} · ${point.sharePercent} % · ${rollout.candidate} ${rate(point.candidate)}, ${rollout.champion} ${rate(point.champion)} of ${grouped(guard.candidate.requests)} and ${grouped(guard.champion.requests)} requests${interval}`
}

function pointsText(share: number): string {
  const text = Math.abs(share * 100).toFixed(Math.abs(share) < 0.01 ? 2 : 1)
  return `${share < 0 ? '−' : '+'}${text}`
}

export function looksCsv(looks: readonly RolloutLook[], guard: GuardName): string {
  return csvOf(
    [
      'at',
      'share_percent',
      'champion_requests',
      'champion_events',
      'candidate_requests',
      'candidate_events',
      'difference',
      'lower',
      'upper',
      'margin',
      'decision',
    ],
    lookPoints(looks, guard).map(({ at, sharePercent, guard: seen }) => [
      new Date(at).toISOString(),
      sharePercent,
      seen.champion.requests,
      seen.champion.events,
      seen.candidate.requests,
      seen.candidate.events,
      seen.difference,
      seen.lower,
      seen.upper,
      seen.margin,
      seen.decision,
    ]),
  )
}
