import { useState } from 'react'
import type {
  Change,
  Deployment,
  ModelSummary,
  Scope,
  Traffic,
  TrafficShares,
} from '../../../../src/contracts/index.ts'
import { whoAmIQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { sharePercent } from '../../format/numbers.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty, Panel } from '../../parts/panel.tsx'
import { Ago } from '../../parts/time.tsx'
import { MoveDialog } from './move-dialog.tsx'
import { SplitBar } from './split-bar.tsx'
import { isSameSplit, moveWords } from './split-draft.ts'

interface SplitPanelProps {
  readonly model: ModelSummary
  readonly deployments: readonly Deployment[]
  /** Changes of the model that are on their way. */
  readonly moving: readonly Change[]
  readonly colourOf: (version: string) => number
}

/** Who answers how much of the traffic, with which replicas; and, for those who may, the way to move it. */
export function SplitPanel({ model, deployments, moving, colourOf }: SplitPanelProps) {
  const running = deployments.filter(({ status }) => status !== 'stopped')
  return (
    <Panel title="Who answers?" sub={<Written traffic={model.traffic} />}>
      {model.traffic !== null && (
        <Split
          traffic={model.traffic}
          champion={model.champion}
          running={running}
          canary={moving.find(({ state }) => state === 'canary')}
          colourOf={colourOf}
        />
      )}
      {running.length === 0 ? (
        <Empty says="No version is deployed. This starts one:" command={`slipway deploy ${model.model} v1`} />
      ) : (
        <DataTable
          className="narrow"
          columns={COLUMNS}
          rows={running}
          keyOf={({ deployment_id }) => deployment_id}
        />
      )}
    </Panel>
  )
}

function Written({ traffic }: { traffic: Traffic | null }) {
  if (traffic === null) return 'No traffic split is set.'
  return (
    <>
      Split {traffic.revision}, {traffic.reason}, <Ago at={traffic.updatedAt} />
    </>
  )
}

const COLUMNS: readonly Column<Deployment>[] = [
  { head: 'Version', isName: true, cell: ({ version }) => version },
  { head: 'Traffic', isNumber: true, cell: ({ traffic_pct }) => sharePercent(traffic_pct) },
  {
    head: 'Replicas ready',
    isNumber: true,
    className: ({ ready_replicas, replicas }) => (ready_replicas < replicas ? 'bad strong' : ''),
    cell: ({ ready_replicas, replicas }) => `${ready_replicas} of ${replicas}`,
  },
  {
    head: 'Status',
    cell: ({ status, reason }) => (
      <>
        {status}
        {reason !== undefined && <span className="mute"> · {reason}</span>}
      </>
    ),
  },
  { head: 'Since', className: 'mute', cell: ({ created_at }) => <Ago at={Date.parse(created_at)} /> },
]

interface SplitProps {
  readonly traffic: Traffic
  readonly champion: string | null
  readonly running: readonly Deployment[]
  readonly canary: Change | undefined
  readonly colourOf: (version: string) => number
}

function Split({ traffic, champion, running, canary, colourOf }: SplitProps) {
  const me = useQuery(whoAmIQuery()).data
  const [draft, setDraft] = useState<{ base: Traffic; shares: TrafficShares }>()
  const [isAsked, setAsked] = useState(false)
  const served = Object.keys(traffic.shares).filter((version) => (traffic.shares[version] ?? 0) > 0)
  const able = running
    .filter(({ status, ready_replicas }) => status === 'active' && ready_replicas > 0)
    .map(({ version }) => version)
  const isAllowed = me !== undefined && mayDeploy(me.scopes)
  const versions = [...new Set(isAllowed ? [...served, ...able] : served)].sort(
    (left, right) =>
      Number(right === champion) - Number(left === champion) || left.localeCompare(right, 'en'),
  )
  const why = me === undefined ? undefined : reasonToShowOnly(me, versions)
  const undo = () => {
    setDraft(undefined)
    setAsked(false)
  }
  const shares = draft?.shares ?? traffic.shares
  const isMoved = draft !== undefined && !isSameSplit(draft.base.shares, shares)
  return (
    <>
      <SplitBar
        shares={shares}
        versions={versions}
        colourOf={colourOf}
        onDraft={
          isAllowed && why === undefined
            ? (wanted) => setDraft({ base: isMoved ? draft.base : traffic, shares: wanted })
            : undefined
        }
        onAsk={() => setAsked(isMoved)}
        onUndo={undo}
      />
      {why !== undefined && <p className="mute split-says">{why}</p>}
      {isAllowed && why === undefined && (
        <div className="split-says">
          {isMoved ? (
            <>
              <span role="status">
                {moveWords(draft.base.shares, shares)}
                {draft.base.revision !== traffic.revision && ' The split was written anew meanwhile.'}
              </span>{' '}
              <button type="button" className="button main" onClick={() => setAsked(true)}>
                Move traffic…
              </button>{' '}
              <button type="button" className="button" onClick={undo}>
                Undo
              </button>
            </>
          ) : (
            <span className="mute">Drag a boundary to move traffic, or use ← → on it.</span>
          )}
        </div>
      )}
      {isAsked && draft !== undefined && (
        <MoveDialog
          base={draft.base}
          shares={draft.shares}
          present={traffic}
          canary={canary}
          onClose={() => setAsked(false)}
          onDone={undo}
        />
      )}
    </>
  )
}

function mayDeploy(scopes: readonly Scope[]): boolean {
  return scopes.includes('deploy') || scopes.includes('admin')
}

/** Why the bar cannot be moved; undefined where it can. */
function reasonToShowOnly(
  { name, scopes }: { name: string; scopes: readonly Scope[] },
  versions: readonly string[],
): string | undefined {
  if (!mayDeploy(scopes))
    return `Read only: moving traffic needs the scope deploy, and the key ${name} has ${scopes.join(', ')}.`
  if (versions.length < 2) return 'Only one version runs, so there is nobody to move traffic to.'
  return undefined
}
