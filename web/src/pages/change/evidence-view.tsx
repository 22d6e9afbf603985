import type { Change, Evidence, Measurement } from '../../../../src/contracts/index.ts'
import { estimateText, intervalText, marginText, shortHash, verdictWord } from '../../format/measurements.ts'
import { duration, grouped } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { At } from '../../parts/time.tsx'
import { CheckDrawings } from './check-drawings.tsx'
import { planLines, rawBlockCount } from './details.ts'

interface EvidenceViewProps {
  readonly evidence: Evidence
  readonly change: Change
}

/** Everything behind one row: what was found, drawn, planned beforehand, and the hash that holds it together. */
export function EvidenceView({ evidence, change }: EvidenceViewProps) {
  return (
    <div className="evidence">
      <p className="evidence-summary">{evidence.summary}</p>
      {evidence.measurements.length > 0 && (
        <DataTable columns={COLUMNS} rows={evidence.measurements} keyOf={({ measure }) => measure} />
      )}
      <CheckDrawings evidence={evidence} change={change} />
      <details>
        <summary>
          The plan, made before the first answer of {evidence.candidate.label} (hash{' '}
          {shortHash(evidence.planHash)})
        </summary>
        <dl className="plan">
          {planLines(evidence.plan).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      <p className="mute evidence-foot">
        <At at={evidence.startedAt} withSeconds /> in {duration(evidence.finishedAt - evidence.startedAt)} ·{' '}
        {grouped(rawBlockCount(evidence))} raw blocks · evidence{' '}
        <code title={evidence.hash}>{shortHash(evidence.hash)}</code>{' '}
        <CopyButton label="copy hash" text={() => evidence.hash} />{' '}
        <CopyButton label="copy JSON" text={() => JSON.stringify(evidence)} />
      </p>
    </div>
  )
}

const COLUMNS: readonly Column<Measurement>[] = [
  { head: 'Measure', cell: ({ measure }) => measure },
  {
    head: 'Candidate − champion',
    className: 'nowrap',
    cell: (row) => (
      <>
        <b>{estimateText(row) ?? '–'}</b> <span className="mute">{intervalText(row)}</span>
      </>
    ),
  },
  { head: 'Margin', className: 'nowrap', cell: (row) => marginText(row) },
  { head: 'Verdict', cell: (row) => verdictWord(row) },
  { head: 'From', className: 'mute', cell: ({ from }) => from },
  { head: 'What would settle it', className: 'mute', cell: ({ needs }) => needs ?? 'settled' },
]
