import { Link } from 'wouter'
import { HistogramChart, histogramCsv } from '../../charts/histogram-chart.tsx'
import { TrafficChart, trafficCsv } from '../../charts/traffic-chart.tsx'
import { championFirst, seriesOf, vitalsOf } from '../../charts/windows.ts'
import {
  changesQuery,
  deploymentsQuery,
  modelQuery,
  versionsQuery,
  windowsQuery,
} from '../../data/queries.ts'
import { useQuery } from '../../data/use-query.ts'
import { milliseconds, percent, perSecond } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Empty, Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { isOpen, stateWords } from '../change/states.ts'
import { RequestsPanel } from './requests-panel.tsx'
import { SplitPanel } from './split-panel.tsx'
import { VersionsPanel } from './versions-panel.tsx'

const BIN_MS = 5000
const SPAN_MS = 10 * 60_000
const VITALS_MS = 60_000

export function ModelPage({ model: name }: { model: string }) {
  const { data: model, error } = useQuery(modelQuery(name))
  const live = useQuery(windowsQuery(name, BIN_MS)).data
  const deployments = useQuery(deploymentsQuery(name)).data ?? []
  const versions = useQuery(versionsQuery(name)).data ?? []
  const changes = useQuery(changesQuery()).data ?? []
  if (model === undefined) return error === undefined ? <Waiting what={name} /> : <Failure error={error} />
  const windows = live?.windows ?? []
  const at = { sizeMs: BIN_MS, nowMs: live?.nowMs ?? 0 }
  const series = championFirst(seriesOf(windows, { ...at, spanMs: SPAN_MS }), model.champion)
  const latencies = series.map(({ version }) => ({
    version,
    ...vitalsOf(windows, { ...at, spanMs: SPAN_MS, version }),
  }))
  const moving = changes.filter((change) => change.proposal.model === name && isOpen(change))
  const now = vitalsOf(windows, { ...at, spanMs: VITALS_MS })
  return (
    <>
      <title>{`${name} · Slipway`}</title>
      <div className="crumb">
        <Link href="/models">Models</Link> / {name}
        {model.owner === '' ? '' : ` · owned by ${model.owner}`}
        {model.task === '' ? '' : ` · ${model.task}`}
        {model.framework === '' ? '' : ` · ${model.framework}`}
      </div>
      <h1>
        {name}: {live === undefined ? '\u2026' : servesWords(now)}
      </h1>
      {model.description !== '' && <p className="hypothesis">{model.description}</p>}
      <div className="chips">
        <span className={model.champion === null ? 'chip poor' : 'chip good'}>
          {model.champion === null ? 'no version serves' : `champion ${model.champion}`}
        </span>
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
        {model.openIncidents > 0 && (
          <Link href="/incidents" className="chip poor">
            {model.openIncidents} open incident{model.openIncidents === 1 ? '' : 's'}
          </Link>
        )}
      </div>
      <SplitPanel model={model} deployments={deployments} order={series.map(({ version }) => version)} />
      <div className="two">
        <Panel
          title="How much traffic does each version answer?"
          sub="Requests a second in the last ten minutes, versions stacked"
          aside={<CopyButton label="copy CSV" text={() => trafficCsv(series)} />}
        >
          {series.length === 0 ? (
            <Empty
              says="No request in the last ten minutes. One by hand:"
              command={`slipway predict ${name} '{"features": …}'`}
            />
          ) : (
            <>
              <VersionLegend versions={series.map(({ version }) => version)} />
              <TrafficChart title="Requests a second by version" series={series} />
            </>
          )}
        </Panel>
        <Panel
          title="How long do answers take?"
          sub="Share of requests by latency (log scale), last ten minutes"
          aside={<CopyButton label="copy CSV" text={() => histogramCsv(latencies)} />}
        >
          <VersionLegend versions={series.map(({ version }) => version)} />
          <HistogramChart title="Latency by version" series={latencies} />
        </Panel>
      </div>
      <VersionsPanel model={model} versions={versions} deployments={deployments} />
      <RequestsPanel model={name} versions={versions.map(({ label }) => label)} />
    </>
  )
}

function VersionLegend({ versions }: { versions: readonly string[] }) {
  return (
    <ul className="legend">
      {versions.map((version, layer) => (
        <li key={version}>
          <svg width="12" height="12" aria-hidden="true">
            <rect width="12" height="12" rx="2" className={`layer layer-${Math.min(layer, 3)}`} />
          </svg>
          {version}
        </li>
      ))}
    </ul>
  )
}

function servesWords(now: ReturnType<typeof vitalsOf>): string {
  if (now.requests === 0) return 'no traffic in the last minute.'
  const failed = now.failedShare === 0 ? 'none failed' : `${percent(now.failedShare ?? 0)} failed`
  const slowest = now.p99Ms === null ? '' : `, p99 ${milliseconds(now.p99Ms)}`
  return `${perSecond(now.perSecond)} requests a second, ${failed}${slowest}.`
}
