import type { TextStats } from '../../../../../src/contracts/index.ts'
import { grouped } from '../../../format/numbers.ts'
import { type Column, DataTable } from '../../../parts/data-table.tsx'
import { Panel } from '../../../parts/panel.tsx'

type Rule = TextStats['rules'][number]

/** Verdicts by rule. A rule in shadow says what it would have done, and does nothing. */
export function RulesPanel({ stats: { rules } }: { stats: TextStats }) {
  return (
    <Panel title="What do the guardrails say?" sub="A rule in shadow only notes what it would have done.">
      {rules.length === 0 ? (
        <p className="mute">No rule was asked. Rules belong to a version: `guardrails` in its file.</p>
      ) : (
        <DataTable
          columns={COLUMNS}
          rows={rules}
          keyOf={({ checkpoint, mode, rule }) => `${rule} ${checkpoint} ${mode}`}
        />
      )}
    </Panel>
  )
}

const COLUMNS: readonly Column<Rule>[] = [
  { head: 'Rule', isName: true, cell: ({ rule }) => rule },
  { head: 'At', className: 'mute', cell: ({ checkpoint }) => checkpoint },
  {
    head: 'Mode',
    cell: ({ mode }) => (
      <span className={mode === 'enforce' ? 'tag good' : 'tag'}>
        {mode === 'enforce' ? 'enforced' : 'shadow'}
      </span>
    ),
  },
  { head: 'Passed', isNumber: true, cell: ({ pass }) => grouped(pass) },
  { head: 'Redacted', isNumber: true, cell: ({ redact }) => grouped(redact) },
  { head: 'Blocked', isNumber: true, cell: ({ block }) => grouped(block) },
  {
    head: 'Broke',
    isNumber: true,
    className: ({ error }) => (error > 0 ? 'bad strong' : ''),
    cell: ({ error }) => grouped(error),
  },
]
