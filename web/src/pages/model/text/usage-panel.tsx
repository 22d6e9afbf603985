import type { ReactNode } from 'react'
import type { TextStats, TextTotals } from '../../../../../src/contracts/index.ts'
import { csvOf } from '../../../charts/scale.ts'
import { counted, grouped, milliseconds, percent } from '../../../format/numbers.ts'
import { ChartMenu } from '../../../parts/chart-menu.tsx'
import { type Column, DataTable } from '../../../parts/data-table.tsx'
import { Empty, Panel } from '../../../parts/panel.tsx'
import { codeWords, costWords, dollarsText, hitShare, outcomeWords } from './text-words.ts'

const TITLE = 'What was asked, and what did it cost?'

type Row = TextTotals & { readonly version: string }

/** Versions and their sum. What is not known is said, not counted as nothing. */
export function UsagePanel({ stats, span }: { stats: TextStats; span: ReactNode }) {
  const { total, versions } = stats
  const rows: readonly Row[] = versions.length > 1 ? [...versions, { version: 'all', ...total }] : versions
  const codes = codeWords(total.codes)
  return (
    <Panel
      title={TITLE}
      sub="All requests for text, pinned ones too; the minute that runs is in it."
      aside={<ChartMenu of={TITLE} csv={() => usageCsv(versions)} />}
    >
      {span}
      {total.requests === 0 ? (
        <Empty
          says="Nothing was asked in this time. One by hand:"
          command={`slipway predict ${stats.model} '{"prompt": "Where is my parcel?"}'`}
        />
      ) : (
        <>
          <DataTable columns={COLUMNS} rows={rows} keyOf={({ version }) => version} />
          {codes !== '' && <p className="mute small-text">Not answered: {codes}.</p>}
          {total.tokens.unknownRequests > 0 && (
            <p className="mute small-text">
              Nobody told the tokens of {counted(total.tokens.unknownRequests, 'request')}: they are in no
              sum.
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Version', isName: true, cell: ({ version }) => version },
  { head: 'Requests', isNumber: true, cell: ({ requests }) => grouped(requests) },
  { head: 'How they ended', className: 'text-ends', cell: outcomeWords },
  { head: 'Tokens in', isNumber: true, cell: ({ tokens }) => <Read tokens={tokens} /> },
  { head: 'Tokens out', isNumber: true, cell: ({ tokens }) => grouped(tokens.output) },
  {
    head: 'First token',
    isNumber: true,
    className: 'nowrap',
    cell: ({ ttft }) => <Quantiles {...ttft} />,
  },
  { head: 'Between', isNumber: true, className: 'nowrap', cell: ({ itl }) => <Quantiles {...itl} /> },
  { head: 'Cost', className: 'nowrap', cell: (row) => <Cost row={row} /> },
  { head: 'Cache', className: 'nowrap', cell: (row) => <Cache row={row} /> },
]

function Read({ tokens }: { tokens: TextTotals['tokens'] }) {
  return (
    <>
      {grouped(tokens.input)}
      {tokens.cacheRead > 0 && (
        <div className="mute small-text">+ {grouped(tokens.cacheRead)} cached there</div>
      )}
    </>
  )
}

function Quantiles({ p50Ms, p95Ms }: TextTotals['ttft']) {
  if (p50Ms === null) return '–'
  return (
    <>
      {milliseconds(p50Ms)}
      {p95Ms !== null && <div className="mute small-text">p95 {milliseconds(p95Ms)}</div>}
    </>
  )
}

function Cost({ row }: { row: Row }) {
  return costWords(row).map(({ state, text }) => (
    <div key={state} className={state === 'unknown' ? 'bad' : undefined}>
      {text}
    </div>
  ))
}

function Cache({ row }: { row: Row }) {
  const share = hitShare(row)
  if (share === null) return <span className="mute">off</span>
  return (
    <>
      {percent(share)} hit
      <div className="mute small-text">saved {dollarsText(row.cache.savedUsd)}</div>
    </>
  )
}

function usageCsv(versions: readonly Row[]): string {
  return csvOf(
    ['version', 'requests', 'input_tokens', 'output_tokens', 'cost_state', 'cost_requests', 'cost_usd'],
    versions.flatMap(({ costs, requests, tokens, version }) =>
      costs.map((cost) => [
        version,
        requests,
        tokens.input,
        tokens.output,
        cost.state,
        cost.requests,
        cost.costUsd,
      ]),
    ),
  )
}
