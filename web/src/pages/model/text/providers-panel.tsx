import type { TextStats } from '../../../../../src/contracts/index.ts'
import { counted, grouped } from '../../../format/numbers.ts'
import { type Column, DataTable } from '../../../parts/data-table.tsx'
import { Empty, Panel } from '../../../parts/panel.tsx'
import { Ago, At } from '../../../parts/time.tsx'
import { codeWords, headroomWords } from './text-words.ts'

type Account = TextStats['gateways'][number]['providers'][number]['accounts'][number]
type Row = Account & { readonly gateway: string; readonly provider: string; readonly ends: string }

const STATES: Readonly<Record<Account['state'], string>> = {
  ready: 'ready',
  resting: 'rests',
  open: 'circuit open',
  'half-open': 'tried again',
  unready: 'not ready',
}

/** Accounts as each gateway sees them now, with what came of their tries in the span. */
export function ProvidersPanel({ stats }: { stats: TextStats }) {
  const rows: Row[] = stats.gateways.flatMap(({ gateway, providers }) =>
    providers.flatMap(({ accounts, provider }) =>
      accounts.map((account) => ({
        ...account,
        gateway,
        provider,
        ends: endsOf(stats, provider, account.account),
      })),
    ),
  )
  return (
    <Panel
      title="Who is asked, and do they answer?"
      sub="Accounts as each gateway sees them now; its counts are since it opened them."
    >
      {rows.length === 0 ? (
        <Told stats={stats} />
      ) : (
        <DataTable
          columns={columnsFor(rows)}
          rows={rows}
          keyOf={(row) => `${row.gateway} ${row.provider} ${row.account}`}
        />
      )}
    </Panel>
  )
}

/** What is known from requests where no gateway tells of its accounts. */
function Told({ stats }: { stats: TextStats }) {
  if (stats.tries.length === 0)
    return <Empty says="No provider was asked. Who there is:" command="slipway provider list" />
  return (
    <ul className="before">
      {stats.tries.map(({ account, ends, provider }) => (
        <li key={`${provider} ${account}`}>
          {provider} {account}: {codeWords(ends)}
        </li>
      ))}
    </ul>
  )
}

function endsOf({ tries }: TextStats, provider: string, account: string): string {
  return codeWords(tries.find((one) => one.provider === provider && one.account === account)?.ends ?? {}, 3)
}

function columnsFor(rows: readonly Row[]): Column<Row>[] {
  const isMany = new Set(rows.map(({ gateway }) => gateway)).size > 1
  return [
    {
      head: 'Account',
      isName: true,
      className: 'nowrap',
      cell: ({ account, provider }) => `${provider} / ${account}`,
    },
    ...(isMany ? [{ head: 'Gateway', className: 'mute nowrap', cell: ({ gateway }: Row) => gateway }] : []),
    {
      head: 'State',
      className: ({ state }) => (state === 'ready' ? 'nowrap' : 'nowrap bad strong'),
      cell: (row) => <State row={row} />,
    },
    { head: 'In flight', isNumber: true, cell: ({ inFlight }) => grouped(inFlight) },
    {
      head: 'Tries',
      isNumber: true,
      className: 'nowrap',
      cell: ({ answered, tries }) => `${grouped(answered)} of ${grouped(tries)} answered`,
    },
    { head: 'In this time', className: 'mute nowrap', cell: ({ ends }) => ends || '–' },
    {
      head: 'Left of its limits',
      className: 'mute nowrap',
      cell: ({ headroom, headroomAt }) => (
        <>
          {headroomWords(headroom)}
          {headroomAt !== null && (
            <>
              {' · '}
              <Ago at={headroomAt} />
            </>
          )}
        </>
      ),
    },
  ]
}

function State({ row }: { row: Row }) {
  const { circuitOpenings, reason, restsUntil, state } = row
  return (
    <>
      {STATES[state]}
      {restsUntil !== null && (
        <>
          {' until '}
          <At at={restsUntil} withSeconds />
        </>
      )}
      {reason !== null && <div className="small-text">{reason}</div>}
      {circuitOpenings > 0 && (
        <div className="mute small-text">opened {counted(circuitOpenings, 'time')}</div>
      )}
    </>
  )
}
