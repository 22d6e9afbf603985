import type { Ladder, TextStats } from '../../../../../src/contracts/index.ts'
import { counted, grouped, percent } from '../../../format/numbers.ts'
import { type Column, DataTable } from '../../../parts/data-table.tsx'
import { Empty, Panel } from '../../../parts/panel.tsx'
import { monthOf } from './text-words.ts'

/** As the gateways grant it to each of them before it has answered any: `routing/text/degraded-budget`. */
const GRANTED_ANSWERS = 1000

interface Row {
  readonly name: string
  readonly what: string
  readonly quality: number
  readonly answers: number
  readonly share: number | null
  /** Undefined where no gateway tells. */
  readonly isAside: boolean | undefined
}

/** The rungs with what each of them answered, and how much of the month's budget of lesser answers is used. */
export function LadderPanel({ stats, ladder }: { stats: TextStats; ladder: Ladder | undefined }) {
  if (ladder === undefined)
    return (
      <Panel title="What answers when the best does not?">
        <Empty
          says="Nothing: failures are told as they are. A ladder is part of the serving policy:"
          command={`slipway policy set ${stats.model} samples/llm/serving.yaml`}
        />
      </Panel>
    )
  const rows = rowsOf(stats, ladder)
  return (
    <Panel
      title="What answers when the best does not?"
      sub="Rungs from the top; shares are of what was answered."
    >
      <DataTable columns={COLUMNS} rows={rows} keyOf={({ name }) => name} />
      <Budget stats={stats} share={ladder.monthlyDegradedShare} />
    </Panel>
  )
}

function Budget({ stats, share }: { stats: TextStats; share: number }) {
  const gateways = stats.gateways.filter(({ ladders }) => ladders.length > 0).length
  if (gateways === 0) return <p className="mute">No gateway tells of this month’s budget just now.</p>
  const { answers, degraded } = monthOf(stats.gateways)
  const allowed = Math.floor(share * (answers + GRANTED_ANSWERS * gateways))
  const used = allowed === 0 ? (degraded > 0 ? 1 : 0) : Math.min(1, degraded / allowed)
  const words = `${counted(degraded, 'lesser answer')} this month of ${grouped(allowed)} allowed`
  return (
    <>
      <div className="budget" role="img" aria-label={words}>
        <span
          className={used >= 1 ? 'budget-used full' : 'budget-used'}
          style={{ width: `${used * 100}%` }}
        />
      </div>
      <p className="mute small-text">
        {words} ({percent(share)} of {grouped(answers)} answers, and {grouped(GRANTED_ANSWERS)} granted a
        gateway). {used >= 1 && <b className="bad">Used up: failures are told now.</b>}
      </p>
    </>
  )
}

function rowsOf({ gateways, rungs }: TextStats, ladder: Ladder): Row[] {
  const all = rungs.reduce((sum, { answers }) => sum + answers, 0)
  const states = gateways.flatMap(({ ladders }) => ladders.flatMap((one) => one.rungs))
  return ladder.rungs.map((rung) => {
    const answers =
      rungs.find((one) => one.rung === (rung.kind === 'primary' ? null : rung.name))?.answers ?? 0
    const told = states.filter(({ name }) => name === rung.name)
    return {
      name: rung.name,
      what:
        rung.kind === 'primary'
          ? 'the version that the split chose'
          : rung.kind === 'version'
            ? `version ${rung.version}${rung.model === undefined ? '' : ` of ${rung.model}`}`
            : rung.kind === 'cached'
              ? 'an earlier answer to the same question'
              : `“${rung.text.slice(0, 60)}”`,
      quality: rung.quality,
      answers,
      share: all === 0 ? null : answers / all,
      isAside: told.length === 0 ? undefined : told.some(({ state }) => state !== 'closed'),
    }
  })
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Rung', isName: true, cell: ({ name }) => name },
  { head: 'Answers with', className: 'mute', cell: ({ what }) => what },
  { head: 'Quality', isNumber: true, cell: ({ quality }) => quality },
  { head: 'Answers', isNumber: true, cell: ({ answers }) => grouped(answers) },
  { head: 'Share', isNumber: true, cell: ({ share }) => (share === null ? '–' : percent(share)) },
  {
    head: 'Now',
    className: ({ isAside }) => (isAside === true ? 'bad' : 'mute'),
    cell: ({ isAside }) => (isAside === undefined ? 'not told' : isAside ? 'set aside' : 'asked'),
  },
]
