import { useState } from 'react'
import { Link } from 'wouter'
import type { ModelContract } from '../../../../src/contracts/index.ts'
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
import { ChartMenu } from '../../parts/chart-menu.tsx'
import { Empty, Failure, Panel, Waiting } from '../../parts/panel.tsx'
import { isOpen, stateWords } from '../change/states.ts'
import { HistoryPanel } from './history-panel.tsx'
import { RequestsPanel } from './requests-panel.tsx'
import { SplitPanel } from './split-panel.tsx'
import { TextSection } from './text/text-section.tsx'
import { VersionsPanel } from './versions-panel.tsx'

const TRAFFIC_TITLE = 'How much traffic does each version answer?'
const LATENCY_TITLE = 'How long do answers take?'
const BIN_MS = 5000
const SPAN_MS = 10 * 60_000
const VITALS_MS = 60_000

export function ModelPage({ model: name }: { model: string }) {
  const { data: model, error } = useQuery(modelQuery(name))
  const live = useQuery(windowsQuery(name, BIN_MS)).data
  const deployments = useQuery(deploymentsQuery(name)).data ?? []
  const versions = useQuery(versionsQuery(name)).data ?? []
  const changes = useQuery(changesQuery()).data ?? []
  const [openedMs] = useState(() => Date.now())
  if (model === undefined) return error === undefined ? <Waiting what={name} /> : <Failure error={error} />
  const windows = live?.windows ?? []
  const at = { sizeMs: BIN_MS, nowMs: live?.nowMs ?? 0 }
  const series = championFirst(seriesOf(windows, { ...at, spanMs: SPAN_MS }), model.champion)
  const latencies = series.map(({ version }) => ({
    version,
    ...vitalsOf(windows, { ...at, spanMs: SPAN_MS, version }),
  }))
  const colourOf = colours(
    series.map(({ version }) => version),
    model.champion,
  )
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
      <SplitPanel model={model} deployments={deployments} moving={moving} colourOf={colourOf} />
      <div className="two">
        <Panel
          title={TRAFFIC_TITLE}
          sub="Requests a second in the last ten minutes, versions stacked"
          aside={<ChartMenu of={TRAFFIC_TITLE} csv={() => trafficCsv(series)} />}
        >
          {series.length === 0 ? (
            <Empty
              says="No request in the last ten minutes. One by hand:"
              command={`slipway predict ${name} '${isText(model.contract) ? '{"prompt": "Hello"}' : '{"features": …}'}'`}
            />
          ) : (
            <>
              <VersionLegend versions={series.map(({ version }) => version)} />
              <TrafficChart title={TRAFFIC_TITLE} series={series} />
            </>
          )}
        </Panel>
        <Panel
          title={LATENCY_TITLE}
          sub="Share of requests by latency (log scale), last ten minutes"
          aside={<ChartMenu of={LATENCY_TITLE} csv={() => histogramCsv(latencies)} />}
        >
          <VersionLegend versions={series.map(({ version }) => version)} />
          <HistogramChart title={LATENCY_TITLE} series={latencies} />
        </Panel>
      </div>
      {isText(model.contract) && <TextSection model={name} champion={model.champion} />}
      <HistoryPanel model={name} nowMs={live?.nowMs ?? openedMs} colourOf={colourOf} />
      <VersionsPanel model={model} versions={versions} deployments={deployments} />
      <RequestsPanel model={name} versions={versions.map(({ label }) => label)} />
    </>
  )
}

/** `{prompt}` → `{text}`, as the contract of every model of text is. */
function isText({ inputs, outputs }: ModelContract): boolean {
  return (
    inputs.length === 1 && inputs[0]?.name === 'prompt' && outputs.length === 1 && outputs[0]?.name === 'text'
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

/** Versions in the charts keep their colour; one without traffic takes the last. */
function colours(order: readonly string[], champion: string | null): (version: string) => number {
  return (version) => {
    const at = order.indexOf(version)
    if (at >= 0) return Math.min(at, 3)
    return version === champion ? 0 : Math.min(Math.max(1, order.length), 3)
  }
}

function servesWords(now: ReturnType<typeof vitalsOf>): string {
  if (now.requests === 0) return 'no traffic in the last minute.'
  const failed = now.failedShare === 0 ? 'none failed' : `${percent(now.failedShare ?? 0)} failed`
  const slowest = now.p99Ms === null ? '' : `, p99 ${milliseconds(now.p99Ms)}`
  return `${perSecond(now.perSecond)} requests a second, ${failed}${slowest}.`
}
