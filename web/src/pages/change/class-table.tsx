import { type KeyboardEvent, type MouseEvent, useEffect, useState } from 'react'
import type { Change, Evidence } from '../../../../src/contracts/index.ts'
import { IntervalBar, NoInterval } from '../../charts/interval-bar.tsx'
import { axisTitle, estimateText, intervalText, verdictWord } from '../../format/measurements.ts'
import { ChartMenu } from '../../parts/chart-menu.tsx'
import { TableHead } from '../../parts/data-table.tsx'
import { Panel } from '../../parts/panel.tsx'
import { type AxisRow, absentWords, axisRows } from './axis-rows.ts'
import { classCsv } from './class-csv.ts'
import { EvidenceView } from './evidence-view.tsx'

const HEADINGS = ['Axis', 'Measure', 'Better ← → worse', 'Estimate', 'Verdict', 'From'].map((head) => ({
  head,
}))

const TITLE = 'What the evidence supports'

interface ClassTableProps {
  readonly change: Change
  readonly evidence: readonly Evidence[]
}

/** The five axes, one row each; a row opens to its evidence, and the address remembers which. */
export function ClassTable({ change, evidence }: ClassTableProps) {
  const [open, setOpen] = useHash()
  const rows = axisRows(change, evidence)
  const compatibility = evidence.find(({ check }) => check === 'compatibility')
  return (
    <Panel
      title={TITLE}
      sub={`Change from ${change.champion.label} to ${change.candidate.label} with 95 % intervals. Left of the dashed margin is acceptable, the tinted side is better.`}
      aside={<ChartMenu of={TITLE} csv={() => classCsv(rows)} />}
    >
      <table className="class-table">
        <TableHead columns={HEADINGS} />
        {rows.map((row) => (
          <Row
            key={row.axis}
            row={row}
            change={change}
            isOpen={open === row.axis}
            onToggle={() => setOpen(open === row.axis ? '' : row.axis)}
          />
        ))}
      </table>
      {compatibility !== undefined && <Compatibility evidence={compatibility} change={change} />}
    </Panel>
  )
}

interface RowProps {
  readonly row: AxisRow
  readonly change: Change
  readonly isOpen: boolean
  readonly onToggle: () => void
}

function Row({ row, change, isOpen, onToggle }: RowProps) {
  const { axis, measurement, evidence } = row
  const canOpen = evidence !== undefined
  const onClick = (event: MouseEvent) => {
    if (canOpen && !(event.target as Element).closest('button')) onToggle()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && isOpen) onToggle()
  }
  return (
    <tbody id={axis} className={canOpen ? 'opens' : undefined}>
      {/* The button inside is the keyboard's way; the row is a larger target for the pointer. */}
      <tr className="axis-row" onClick={onClick}>
        <th scope="row">
          {canOpen ? (
            <button
              type="button"
              className="opener"
              aria-expanded={isOpen}
              onClick={onToggle}
              onKeyDown={onKeyDown}
            >
              {axisTitle(axis)}
            </button>
          ) : (
            <span className="opener">{axisTitle(axis)}</span>
          )}
        </th>
        {measurement === null ? (
          <>
            <td className="mute measure">{measureNames[axis]}</td>
            <td className="drawn">
              <Absent row={row} />
            </td>
            <td className="mute estimate">–</td>
            <td className="mute verdict">{absentWords(row)}</td>
            <td className="mute from">{axis === 'security' ? 'no check yet' : ''}</td>
          </>
        ) : (
          <>
            <td className="mute measure">{measurement.measure}</td>
            <td className="drawn">
              <IntervalBar measurement={measurement} />
            </td>
            <td className="estimate">
              <b className="nowrap">{estimateText(measurement) ?? '–'}</b>{' '}
              <span className="mute nowrap">{intervalText(measurement)}</span>
            </td>
            <td className={`verdict strong ${toneOf(measurement.verdict)}`}>
              {evidence?.status === 'invalid' && measurement.estimate === null
                ? 'invalid run'
                : verdictWord(measurement)}
            </td>
            <td className="mute from">{measurement.from}</td>
          </>
        )}
      </tr>
      {isOpen && evidence !== undefined && (
        <tr className="opened">
          <td colSpan={6}>
            <EvidenceView evidence={evidence} change={change} />
          </td>
        </tr>
      )}
    </tbody>
  )
}

const measureNames = {
  accuracy: 'right answers',
  stability: 'flips under noise',
  latency: 'p95 end to end',
  cost: 'compute per answer',
  security: 'attack success',
}

function toneOf(verdict: string): string {
  return verdict === 'superior' ? 'ok' : verdict === 'non-inferior' ? '' : 'bad'
}

/** A row without evidence shows how far its check is. */
function Absent({ row: { progress } }: { row: AxisRow }) {
  if (progress?.status !== 'running') return <NoInterval />
  const share = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0
  return (
    <div className="bar-empty">
      <div className="bar grows" style={{ width: `${share * 100}%` }} />
    </div>
  )
}

function Compatibility({ evidence, change }: { evidence: Evidence; change: Change }) {
  return (
    <details className="compatibility">
      <summary>
        <span className={evidence.status === 'pass' ? 'ok' : 'bad'}>
          {evidence.status === 'pass' ? '✓' : '✗'} Compatibility
        </span>{' '}
        <span className="mute">{evidence.summary}</span>
      </summary>
      <EvidenceView evidence={evidence} change={change} />
    </details>
  )
}

/** The open row as the address's fragment, so that a link shows what its sender saw. */
function useHash(): [string, (name: string) => void] {
  const [name, setName] = useState(() => location.hash.slice(1))
  useEffect(() => {
    const onChange = () => setName(location.hash.slice(1))
    window.addEventListener('hashchange', onChange)
    return () => window.removeEventListener('hashchange', onChange)
  }, [])
  return [
    name,
    (next) => {
      history.replaceState(history.state, '', next === '' ? location.pathname : `#${next}`)
      setName(next)
    },
  ]
}
