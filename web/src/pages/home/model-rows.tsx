import { Link } from 'wouter'
import type { Change, ModelSummary } from '../../../../src/contracts/index.ts'
import { Sparkline } from '../../charts/sparkline.tsx'
import { championFirst, seriesOf, vitalsOf } from '../../charts/windows.ts'
import { windowsQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { counted, milliseconds, percent, perSecond, sharePercent } from '../../format/numbers.ts'
import { type Heading, TableHead } from '../../parts/data-table.tsx'
import { isOpen, stateWords } from '../change/states.ts'

const BIN_MS = 10_000
const SPAN_MS = 15 * 60_000
const VITALS_MS = 60_000

const HEADINGS: readonly Heading[] = [
  { head: 'Model' },
  { head: 'Traffic' },
  { head: 'Requests/s', isNumber: true },
  { head: 'p50', isNumber: true },
  { head: 'p99', isNumber: true },
  { head: 'Failed', isNumber: true },
  { head: 'Moving' },
]

interface ModelRowsProps {
  readonly models: readonly ModelSummary[]
  readonly changes: readonly Change[]
}

export function ModelRows({ models, changes }: ModelRowsProps) {
  return (
    <div className="scroll">
      <table className="models">
        <TableHead columns={HEADINGS} />
        <tbody>
          {models.map((model) => (
            <ModelRow key={model.model} model={model} changes={changes} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function ModelRow({ model, changes }: { model: ModelSummary; changes: readonly Change[] }) {
  const live = useQuery(windowsQuery(model.model, BIN_MS)).data
  const at = { sizeMs: BIN_MS, nowMs: live?.nowMs ?? 0 }
  const series = championFirst(seriesOf(live?.windows ?? [], { ...at, spanMs: SPAN_MS }), model.champion)
  const vitals = vitalsOf(live?.windows ?? [], { ...at, spanMs: VITALS_MS })
  const failed = vitals.failedShare ?? 0
  const moving = changes.filter((change) => change.proposal.model === model.model && isOpen(change))
  return (
    <tr>
      <th scope="row">
        <Link href={`/models/${model.model}`}>{model.model}</Link>
        <div className="mute small-text">{splitWords(model)}</div>
      </th>
      <td className="spark-cell">
        <Sparkline series={series} says={`Requests of ${model.model}, last 15 minutes`} />
      </td>
      <td className="number strong" data-label="Requests/s">
        {live === undefined ? '' : perSecond(vitals.perSecond)}
      </td>
      <td className="number" data-label="p50">
        {vitals.p50Ms === null ? '–' : milliseconds(vitals.p50Ms)}
      </td>
      <td
        className="number"
        data-label="p99"
        title={vitals.p99Ms === null ? 'A p99 needs 368 requests' : undefined}
      >
        {vitals.p99Ms === null ? '–' : milliseconds(vitals.p99Ms)}
      </td>
      <td className={`number ${failed > 0.01 ? 'bad strong' : ''}`} data-label="Failed">
        {vitals.failedShare === null ? '–' : percent(failed)}
      </td>
      <td className="moving-cell">
        <div className="moving">
          {model.openIncidents > 0 && (
            <Link href="/incidents" className="chip poor">
              {counted(model.openIncidents, 'incident')}
            </Link>
          )}
          {moving.map((change) => {
            const { words, tone } = stateWords(change, {
              sharePercent: model.traffic?.shares[change.candidate.label],
            })
            return (
              <Link key={change.id} href={`/changes/${change.id}`} className={`chip ${tone}`}>
                {change.id} {words}
              </Link>
            )
          })}
          {model.openIncidents === 0 && moving.length === 0 && <span className="mute">nothing</span>}
        </div>
      </td>
    </tr>
  )
}

/** "v1 75 %, v2 25 %", or the champion alone. */
function splitWords({ traffic, champion }: ModelSummary): string {
  const shares = Object.entries(traffic?.shares ?? {}).filter(([, share]) => share > 0)
  if (shares.length === 0) return champion === null ? 'no version deployed' : `${champion}, no traffic`
  if (shares.length === 1) return `${shares[0]![0]} serves`
  return shares
    .sort(([, left], [, right]) => right - left)
    .map(([version, share]) => `${version} ${sharePercent(share)}`)
    .join(', ')
}
