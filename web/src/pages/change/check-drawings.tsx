import type { ReactNode } from 'react'
import type { Change, Evidence } from '../../../../src/contracts/index.ts'
import { CurveChart } from '../../charts/curve-chart.tsx'
import { LadderChart } from '../../charts/ladder-chart.tsx'
import { PairsChart } from '../../charts/pairs-chart.tsx'
import { grouped, percent } from '../../format/numbers.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import {
  type AccuracyDetails,
  accuracyDetails,
  costDetails,
  type LatencyDetails,
  latencyDetails,
  readDetails,
  stabilityDetails,
} from './details.ts'

interface CheckDrawingsProps {
  readonly evidence: Evidence
  readonly change: Change
}

/** What only one kind of check found, drawn. */
export function CheckDrawings({ evidence, change }: CheckDrawingsProps) {
  switch (evidence.check) {
    case 'accuracy':
      return <Accuracy evidence={evidence} change={change} />
    case 'latency':
      return <Latency evidence={evidence} change={change} />
    case 'stability':
      return <Stability evidence={evidence} change={change} />
    case 'cost':
      return <Cost evidence={evidence} change={change} />
    default:
      return null
  }
}

function Accuracy({ evidence, change }: CheckDrawingsProps) {
  const details = readDetails(accuracyDetails, evidence)
  if (details?.slices === undefined) return null
  return (
    <>
      {details.champion !== undefined && details.candidate !== undefined && (
        <p>
          {change.candidate.label} is right on <b>{percent(details.candidate.estimate)}</b>,{' '}
          {change.champion.label} on <b>{percent(details.champion.estimate)}</b> of the same items.
        </p>
      )}
      <DataTable
        caption="Does it hold in every part of the data?"
        columns={SLICE_COLUMNS}
        rows={details.slices}
        keyOf={({ slice }) => slice}
      />
    </>
  )
}

const SLICE_COLUMNS: readonly Column<NonNullable<AccuracyDetails['slices']>[number]>[] = [
  { head: 'Slice', cell: ({ slice }) => slice },
  { head: 'Items', isNumber: true, cell: ({ n }) => grouped(n) },
  { head: 'Fixed', isNumber: true, cell: ({ fixed }) => grouped(fixed) },
  { head: 'Broken', isNumber: true, cell: ({ broken }) => grouped(broken) },
  {
    head: 'Difference',
    className: 'nowrap',
    cell: ({ difference, lower, upper }) => (
      <>
        {points(difference)}{' '}
        <span className="mute">
          [{points(lower, false)}, {points(upper, false)}]
        </span>
      </>
    ),
  },
  {
    head: 'p, corrected over slices',
    cell: ({ adjustedP }) => (adjustedP < 0.0005 ? '< 0.001' : adjustedP.toFixed(3)),
  },
]

function Latency({ evidence, change }: CheckDrawingsProps) {
  const details = readDetails(latencyDetails, evidence)
  const measurement = evidence.measurements.find(({ axis }) => axis === 'latency')
  if (details === undefined) return null
  return (
    <>
      <div className="drawings">
        {details.pairs !== undefined && measurement !== undefined && (
          <PairsChart
            title="Does every pair tell the same story?"
            ratios={details.pairs.map(({ ratio }) => ratio)}
            measurement={measurement}
          />
        )}
        {details.ladder !== undefined && (
          <LadderChart
            rungs={details.ladder}
            champion={change.champion.label}
            candidate={change.candidate.label}
            ratePerSecond={details.ratePerSecond ?? null}
          />
        )}
        {details.curve !== undefined && (
          <CurveChart
            curve={details.curve}
            champion={change.champion.label}
            candidate={change.candidate.label}
          />
        )}
        {details.percentiles !== undefined && (
          <Percentiles percentiles={details.percentiles} change={change} />
        )}
      </div>
      {details.noiseFloor != null && (
        <p className="mute">
          Champion against itself: ± {percent(details.noiseFloor.noise)} is noise here; a change of{' '}
          {percent(details.noiseFloor.detectable)} is found four times in five.
        </p>
      )}
    </>
  )
}

interface PercentilesProps {
  readonly percentiles: NonNullable<LatencyDetails['percentiles']>
  readonly change: Change
}
type Percentile = PercentilesProps['percentiles']['champion'][number]

function Percentiles({ percentiles, change }: PercentilesProps) {
  const other = (p: number) => percentiles.candidate.find((one) => one.p === p)
  return (
    <DataTable
      caption="Where do the slow answers lie?"
      columns={[
        { head: 'Percentile', cell: ({ p }: Percentile) => `p${Number((p * 100).toFixed(1))}` },
        { head: change.champion.label, cell: percentileCell },
        { head: change.candidate.label, cell: ({ p }) => percentileCell(other(p)) },
      ]}
      rows={percentiles.champion}
      keyOf={({ p }) => p}
    />
  )
}

function percentileCell(one: Percentile | undefined): ReactNode {
  if (one === undefined) return '–'
  if (one.needs !== undefined) return <span className="mute">needs {grouped(one.needs)} requests</span>
  if (one.ms === null) return <span className="mute">no answer</span>
  return (
    <span className="nowrap">
      {one.ms.toFixed(2)} ms{' '}
      {one.lowerMs != null && one.upperMs != null && (
        <span className="mute">
          [{one.lowerMs.toFixed(2)}, {one.upperMs.toFixed(2)}]
        </span>
      )}
    </span>
  )
}

function Stability({ evidence, change }: CheckDrawingsProps) {
  const kinds = readDetails(stabilityDetails, evidence)?.noise?.byKind
  if (kinds === undefined) return null
  const flips = (count: number, n: number) => (
    <>
      {grouped(count)} <span className="mute">{percent(count / Math.max(1, n))}</span>
    </>
  )
  return (
    <DataTable
      caption="Which noise changes an answer?"
      columns={[
        { head: 'Noise', cell: ({ kind }) => kind },
        { head: 'Copies', isNumber: true, cell: ({ n }) => grouped(n) },
        {
          head: `Flips of ${change.champion.label}`,
          isNumber: true,
          cell: ({ champion, n }) => flips(champion, n),
        },
        {
          head: `Flips of ${change.candidate.label}`,
          isNumber: true,
          cell: ({ candidate, n }) => flips(candidate, n),
        },
      ]}
      rows={kinds}
      keyOf={({ kind }) => kind}
    />
  )
}

function Cost({ evidence, change }: CheckDrawingsProps) {
  const details = readDetails(costDetails, evidence)
  const measurement = evidence.measurements.find(({ axis }) => axis === 'cost')
  if (details === undefined) return null
  const seconds = details.computeSecondsPer1000
  return (
    <>
      {seconds != null && seconds.champion !== null && seconds.candidate !== null && (
        <p>
          1,000 answers take {change.candidate.label} <b>{seconds.candidate.toFixed(2)}</b> and{' '}
          {change.champion.label} <b>{seconds.champion.toFixed(2)}</b> seconds of compute
          {details.price === undefined ? '' : ` (${details.price})`}.
        </p>
      )}
      {details.pairs !== undefined && measurement !== undefined && (
        <PairsChart title="Does every pair cost the same?" ratios={details.pairs} measurement={measurement} />
      )}
    </>
  )
}

function points(share: number, isSigned = true): string {
  const text = Math.abs(share * 100).toFixed(1)
  const sign = share < 0 ? '−' : isSigned ? '+' : ''
  return `${Number(text) === 0 ? '' : sign}${text}${isSigned ? ' pp' : ''}`
}
