import type { TextReplica, TextStats } from '../../../../../src/contracts/index.ts'
import { grouped, percent, perSecond } from '../../../format/numbers.ts'
import { type Column, DataTable } from '../../../parts/data-table.tsx'
import { Panel } from '../../../parts/panel.tsx'

type Load = TextStats['gateways'][number]['loads'][number] & { readonly gateway: string }

/** Places, early refusals and second tries by version; and our own replicas with their caches. */
export function LoadPanel({ stats: { gateways, replicas } }: { stats: TextStats }) {
  const loads: Load[] = gateways.flatMap(({ gateway, loads: own }) =>
    own.map((load) => ({ ...load, gateway })),
  )
  return (
    <Panel
      title="How loaded is it?"
      sub="Places and second tries at each gateway, since it started; our own replicas as they tell it now."
    >
      {loads.length === 0 ? (
        <p className="mute">Nothing bounds or hedges it: neither `overload` nor `hedge` is in its policy.</p>
      ) : (
        <DataTable
          caption="At the gateways"
          columns={LOADS}
          rows={loads}
          keyOf={({ gateway, version }) => `${gateway} ${version}`}
        />
      )}
      {replicas.length > 0 && (
        <DataTable
          caption="Our replicas"
          columns={REPLICAS}
          rows={replicas}
          keyOf={({ replica }) => replica}
        />
      )}
    </Panel>
  )
}

const LOADS: readonly Column<Load>[] = [
  {
    head: 'Version',
    isName: true,
    className: 'nowrap',
    cell: ({ gateway, version }) => `${version} at ${gateway}`,
  },
  {
    head: 'Places',
    isNumber: true,
    className: 'nowrap',
    cell: ({ inFlight, limit }) =>
      limit === null ? 'not bounded' : `${grouped(inFlight)} of ${grouped(limit)}`,
  },
  { head: 'Waiting', isNumber: true, cell: ({ queued }) => grouped(queued) },
  {
    head: 'Refused early',
    isNumber: true,
    cell: ({ refused }) => grouped(refused.predicted + refused['queue-full']),
  },
  { head: 'After waiting', isNumber: true, cell: ({ refused }) => grouped(refused.waited) },
  {
    head: 'Second tries',
    className: 'nowrap',
    cell: ({ hedges }) =>
      `${grouped(hedges.won)} won, ${grouped(hedges.lost)} lost, ${grouped(hedges.failed)} failed`,
  },
]

const figure = (value: number | null, words: (value: number) => string) =>
  value === null ? '–' : words(value)

const REPLICAS: readonly Column<TextReplica>[] = [
  { head: 'Replica', isName: true, className: 'nowrap', cell: ({ replica }) => replica },
  {
    head: 'Version',
    className: ({ isReady }) => (isReady ? 'nowrap' : 'nowrap bad'),
    cell: ({ isReady, version }) => `${version}${isReady ? '' : ', not ready'}`,
  },
  { head: 'Running', isNumber: true, cell: ({ running }) => figure(running, grouped) },
  { head: 'Waiting', isNumber: true, cell: ({ waiting }) => figure(waiting, grouped) },
  {
    head: 'KV blocks',
    isNumber: true,
    className: 'nowrap',
    cell: ({ kvBlocks, kvUsedShare }) =>
      figure(
        kvBlocks,
        (blocks) => `${kvUsedShare === null ? '' : `${percent(kvUsedShare)} of `}${grouped(blocks)}`,
      ),
  },
  { head: 'Reused', isNumber: true, cell: ({ reuseShare }) => figure(reuseShare, percent) },
  {
    head: 'Tokens/s',
    isNumber: true,
    cell: ({ outputTokensPerSecond }) => figure(outputTokensPerSecond, perSecond),
  },
]
