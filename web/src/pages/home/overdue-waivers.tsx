import { Link } from 'wouter'
import type { Change, ModelSummary } from '../../../../src/contracts/index.ts'
import { changeEventsQuery } from '../../data/queries.ts'
import { useNow, useQuery } from '../../data/use-query.ts'
import { listed } from '../../format/numbers.ts'
import { Ago } from '../../parts/time.tsx'
import { mayOwe, overdueWaiver } from './waivers.ts'

interface OverdueWaiversProps {
  readonly changes: readonly Change[]
  readonly models: readonly ModelSummary[]
}

/** Debts whose time is over, above everything else; nothing where there are none. */
export function OverdueWaivers({ changes, models }: OverdueWaiversProps) {
  return mayOwe(changes, models).map((change) => <Overdue key={change.id} change={change} />)
}

function Overdue({ change }: { change: Change }) {
  const events = useQuery(changeEventsQuery(change.id)).data
  const nowMs = useNow(30_000)
  const owed = events === undefined ? undefined : overdueWaiver(events, nowMs)
  if (owed === undefined) return null
  const { candidate, id, proposal } = change
  return (
    <div className="notice" role="status">
      <p className="strong">
        A waiver is overdue: {proposal.model} {candidate.label} went on without{' '}
        {owed.checks.length === 0 ? 'its checks' : listed(owed.checks)}.
      </p>
      <p>
        <Link href={`/changes/${id}`}>{id}</Link> · waived by {owed.by}, ended <Ago at={owed.until} />
        {owed.why === '' ? '' : ` · ${owed.why}`}
      </p>
    </div>
  )
}
