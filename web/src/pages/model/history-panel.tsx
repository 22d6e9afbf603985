import { useState } from 'react'
import { useSearchParams } from 'wouter'
import type { Traffic } from '../../../../src/contracts/index.ts'
import { heldBetween, historyCsv, tellingSpan } from '../../charts/split-history.ts'
import { SplitHistoryChart } from '../../charts/split-history-chart.tsx'
import { trafficAtQuery, trafficHistoryQuery } from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { counted, duration } from '../../format/numbers.ts'
import { absolute, fieldTime, momentTime, timeOfField } from '../../format/times.ts'
import { ChartMenu } from '../../parts/chart-menu.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { Segments } from '../../parts/segments.tsx'
import { splitWords } from './split-draft.ts'

const TITLE = 'Who answered when?'
const HOUR_MS = 3_600_000
const PAGE = 100
const MOST = 1000
const ROWS_AT_FIRST = 5
const LONGEST_MS = 100 * 365 * 24 * HOUR_MS
const SPANS = [
  { value: String(HOUR_MS), label: 'hour' },
  { value: String(24 * HOUR_MS), label: 'day' },
  { value: String(7 * 24 * HOUR_MS), label: 'week' },
  { value: String(LONGEST_MS), label: 'all' },
] as const

interface HistoryPanelProps {
  readonly model: string
  readonly nowMs: number
  readonly colourOf: (version: string) => number
}

/** Every split that was written, and which one held at a time. The time stands in the address, to be sent along. */
export function HistoryPanel({ model, nowMs, colourOf }: HistoryPanelProps) {
  const [limit, setLimit] = useState(PAGE)
  const { data: history, error } = useQuery(trafficHistoryQuery(model, limit))
  const [at, setAt] = useAskedTime()
  const [chosen, setChosen] = useState<string>()
  const splits = history?.items ?? []
  const spanMs = Number(
    chosen ??
      tellingSpan(
        splits,
        nowMs,
        SPANS.map(({ value }) => Number(value)),
      ),
  )
  const oldest = splits.at(-1)?.updatedAt ?? nowMs
  const fromMs = Math.max(nowMs - spanMs, oldest - (nowMs - oldest) * 0.02)
  const toMs = Math.max(nowMs, fromMs + 1000)
  const held = heldBetween(splits, fromMs, toMs)
  const versions = [...new Set(splits.flatMap(({ shares }) => Object.keys(shares)))].sort(
    (left, right) => colourOf(left) - colourOf(right) || left.localeCompare(right, 'en'),
  )
  return (
    <Panel
      title={TITLE}
      sub="Share of the traffic by version; a split holds until the next one is written."
      aside={<ChartMenu of={TITLE} csv={() => historyCsv(splits)} />}
    >
      <div className="history-asks">
        <label>
          What was live at{' '}
          <input
            type="datetime-local"
            step="1"
            className="select"
            value={at === undefined ? '' : fieldTime(at)}
            max={fieldTime(nowMs)}
            onChange={(event) => setAt(timeOfField(event.target.value))}
          />
        </label>
        {at !== undefined && (
          <button type="button" className="copy" onClick={() => setAt(undefined)}>
            clear
          </button>
        )}
        <Segments
          legend="Span"
          value={String(spanMs) as (typeof SPANS)[number]['value']}
          onChange={setChosen}
          options={SPANS}
        />
      </div>
      {at !== undefined && <HeldAt model={model} at={at} nowMs={nowMs} />}
      {error !== undefined && <Failure error={error} />}
      {history === undefined ? (
        <Waiting what="the splits" />
      ) : splits.length === 0 ? (
        <p className="mute">No split was written yet.</p>
      ) : (
        <>
          <ul className="legend">
            {versions.map((version) => (
              <li key={version}>
                <svg width="12" height="12" aria-hidden="true">
                  <rect width="12" height="12" rx="2" className={`layer layer-${colourOf(version)}`} />
                </svg>
                {version}
              </li>
            ))}
          </ul>
          <SplitHistoryChart
            title={TITLE}
            held={held}
            fromMs={fromMs}
            toMs={toMs}
            at={at}
            versions={versions}
            colourOf={colourOf}
            textOf={({ split, from, to }) =>
              `${absolute(split.updatedAt)} · ${splitWords(split.shares)} for ${duration(to - from)} · ${split.reason}`
            }
            onChoose={setAt}
          />
          <Revisions splits={splits} at={at} onChoose={setAt} />
          {history.next !== null && limit < MOST && (
            <button type="button" className="button" onClick={() => setLimit(limit + PAGE)}>
              Read older splits
            </button>
          )}
        </>
      )}
    </Panel>
  )
}

/** Asked of the store, not read off the drawing: the answer holds however long ago it was. */
function HeldAt({ model, at, nowMs }: { model: string; at: number; nowMs: number }) {
  const { data: split, error } = useQuery(trafficAtQuery(model, at))
  if (error !== undefined) return <Failure error={error} />
  if (split === undefined) return <Waiting what="the split" />
  const when = at > nowMs ? 'That is still to come; now' : `At ${absolute(at)}`
  return (
    <p className="held" role="status">
      {split === null ? (
        <>
          {when} <b>no version answered</b>: the first split was written later.
        </>
      ) : (
        <>
          {when} <b>{splitWords(split.shares) || 'no version'}</b> answered: split {split.revision},{' '}
          {split.reason}, written {absolute(split.updatedAt)}.
        </>
      )}
    </p>
  )
}

interface RevisionsProps {
  readonly splits: readonly Traffic[]
  readonly at: number | undefined
  readonly onChoose: (at: number) => void
}

function Revisions({ splits, at, onChoose }: RevisionsProps) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? splits : splits.slice(0, ROWS_AT_FIRST)
  const columns: readonly Column<Traffic>[] = [
    {
      head: 'Written',
      className: 'nowrap',
      cell: ({ updatedAt }) => (
        <button
          type="button"
          className="link"
          aria-pressed={updatedAt === at}
          onClick={() => onChoose(updatedAt)}
        >
          <time dateTime={new Date(updatedAt).toISOString()} title={absolute(updatedAt)}>
            {momentTime(updatedAt)}
          </time>
        </button>
      ),
    },
    { head: 'Split', isNumber: true, cell: ({ revision }) => revision },
    { head: 'Who answered', className: 'nowrap', cell: ({ shares }) => splitWords(shares) },
    { head: 'Why', className: 'mute', cell: ({ reason }) => reason },
  ]
  return (
    <>
      <DataTable columns={columns} rows={shown} keyOf={({ revision }) => revision} />
      {shown.length < splits.length && (
        <button type="button" className="button" onClick={() => setWhole(true)}>
          Show {counted(splits.length - shown.length, 'older split')}
        </button>
      )}
    </>
  )
}

/** The time as `?at=2026-11-25T14:06:00.000Z`. */
function useAskedTime(): [number | undefined, (at: number | undefined) => void] {
  const [search, setSearch] = useSearchParams()
  const asked = Date.parse(search.get('at') ?? '')
  const set = (at: number | undefined) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        if (at === undefined) next.delete('at')
        else next.set('at', new Date(at).toISOString())
        return next
      },
      { replace: true },
    )
  return [Number.isNaN(asked) ? undefined : asked, set]
}
