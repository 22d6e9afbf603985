import { Link } from 'wouter'
import type { FailureCase, Incident } from '../../../src/contracts/index.ts'
import { failureCasesQuery, incidentsQuery } from '../data/queries.ts'
import { useQuery } from '../data/use-query.ts'
import { counted, duration, grouped } from '../format/numbers.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty, Failure, Panel, Waiting } from '../parts/panel.tsx'
import { Ago, At } from '../parts/time.tsx'
import { plainReason } from './change/guard-words.ts'
import { inputWords } from './failure-words.ts'

export function IncidentsPage() {
  const { data: incidents, error } = useQuery(incidentsQuery())
  const cases = useQuery(failureCasesQuery()).data ?? []
  const open = incidents?.filter(({ closedAt }) => closedAt === null).length ?? 0
  return (
    <>
      <title>Incidents · Slipway</title>
      <div className="crumb">Incidents</div>
      <h1>
        {incidents === undefined
          ? '\u00a0'
          : open === 0
            ? 'No incident is open.'
            : `${counted(open, 'incident is', 'incidents are')} open.`}
      </h1>
      {error !== undefined && <Failure error={error} />}
      {incidents === undefined && <Waiting what="incidents" />}
      {incidents?.length === 0 && (
        <Panel title="Incidents">
          <Empty
            says="Nothing has gone wrong yet. This proposes a change that passes every check and fails in production:"
            command="slipway change run samples/slow-burn/change.yaml"
          />
        </Panel>
      )}
      {incidents?.map((incident) => (
        <IncidentPanel
          key={incident.id}
          incident={incident}
          cases={cases.filter(({ incidentId }) => incidentId === incident.id)}
        />
      ))}
      <Cases cases={cases} />
    </>
  )
}

function IncidentPanel({ incident, cases }: { incident: Incident; cases: readonly FailureCase[] }) {
  const { openedAt, closedAt, changeId } = incident
  return (
    <Panel
      title={plainReason(incident.title)}
      sub={
        <>
          {incident.id} · {incident.model}
          {incident.version === null ? '' : ` ${incident.version}`} · <Ago at={openedAt} /> ·{' '}
          {closedAt === null ? <b className="bad">open</b> : `closed after ${duration(closedAt - openedAt)}`}
          {changeId !== null && (
            <>
              {' '}
              · <Link href={`/changes/${changeId}`}>{changeId}</Link>
            </>
          )}
        </>
      }
    >
      <div className="two">
        <div>
          <h3>What was done</h3>
          <ol className="log">
            {incident.actions.map((action) => (
              <li key={`${action.at} ${action.what}`}>
                <span className="mute">
                  <At at={action.at} withSeconds />
                </span>
                <span>{action.what}</span>
              </li>
            ))}
          </ol>
        </div>
        <div>
          <h3>What changed before</h3>
          <ul className="before">
            {incident.before.map((what) => (
              <li key={what}>{what}</li>
            ))}
            {incident.before.length === 0 && <li className="mute">nothing that we know of</li>}
          </ul>
          {cases.length > 0 && (
            <p className="mute">{counted(cases.length, 'failing request')} kept as cases, below.</p>
          )}
        </div>
      </div>
    </Panel>
  )
}

/** Failing requests with their input: the next version’s test items. */
function Cases({ cases }: { cases: readonly FailureCase[] }) {
  if (cases.length === 0) return null
  return (
    <Panel
      title="Which requests failed?"
      sub={`${grouped(cases.length)} kept with their input, so that the next version is tested on them.`}
    >
      <DataTable columns={CASE_COLUMNS} rows={cases.slice(0, 50)} keyOf={({ id }) => id} />
    </Panel>
  )
}

const SHOWN_CHARACTERS = 160

/** Its beginning; the rest is opened, since a prompt may have 64 KiB. */
function Input({ words }: { words: string }) {
  if (words.length <= SHOWN_CHARACTERS) return words
  return (
    <details>
      <summary>{words.slice(0, SHOWN_CHARACTERS)} …</summary>
      <pre className="whole-input">{words}</pre>
    </details>
  )
}

const CASE_COLUMNS: readonly Column<FailureCase>[] = [
  { head: 'When', className: 'nowrap', cell: ({ at }) => <At at={at} withSeconds /> },
  { head: 'Version', className: 'nowrap', cell: ({ model, version }) => `${model} ${version}` },
  { head: 'Failure', className: 'nowrap', cell: ({ code }) => code },
  { head: 'Label', cell: ({ label }) => label },
  {
    head: 'Input',
    className: 'case-input',
    cell: ({ input }) => <Input words={inputWords(input)} />,
  },
  {
    head: 'Change',
    cell: ({ changeId }) => changeId !== null && <Link href={`/changes/${changeId}`}>{changeId}</Link>,
  },
]
