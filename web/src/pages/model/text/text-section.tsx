import { useState } from 'react'
import { DelayChart } from '../../../charts/delay-chart.tsx'
import { delayCsv, delaySeries } from '../../../charts/delay-series.ts'
import { championFirst } from '../../../charts/windows.ts'
import { servingPolicyQuery, textStatsQuery } from '../../../data/queries.ts'
import { useQuery } from '../../../data/use-query.ts'
import { ChartMenu } from '../../../parts/chart-menu.tsx'
import { Failure, Panel, Waiting } from '../../../parts/panel.tsx'
import { Segments } from '../../../parts/segments.tsx'
import { LadderPanel } from './ladder-panel.tsx'
import { LoadPanel } from './load-panel.tsx'
import { ProvidersPanel } from './providers-panel.tsx'
import { RulesPanel } from './rules-panel.tsx'
import { UsagePanel } from './usage-panel.tsx'

const SPANS = [
  { value: 'hour', label: 'hour' },
  { value: 'day', label: 'day' },
  { value: 'week', label: 'week' },
] as const
type Span = (typeof SPANS)[number]['value']

const DELAYS = [
  {
    of: 'ttft',
    title: 'How long until the first token?',
    sub: 'Of streams, from arrival; without cached answers (log scale)',
  },
  { of: 'itl', title: 'How long between tokens?', sub: 'Mean gap of each whole stream (log scale)' },
] as const

interface TextSectionProps {
  readonly model: string
  readonly champion: string | null
}

/** What only models of text have. */
export function TextSection({ model, champion }: TextSectionProps) {
  const [span, setSpan] = useState<Span>('hour')
  const { data: stats, error } = useQuery(textStatsQuery(model, span))
  const policy = useQuery(servingPolicyQuery(model)).data
  const choice = <Segments legend="Span of the figures" value={span} onChange={setSpan} options={SPANS} />
  if (stats === undefined)
    return (
      <Panel title="What was asked, and what did it cost?">
        {choice}
        {error === undefined ? <Waiting what="what it answered" /> : <Failure error={error} />}
      </Panel>
    )
  const order = championFirst(stats.versions, champion).map(({ version }) => version)
  const colourOf = (version: string) => Math.min(Math.max(0, order.indexOf(version)), 3)
  return (
    <>
      {error !== undefined && <Failure error={error} />}
      <UsagePanel stats={stats} span={choice} />
      <div className="two">
        {DELAYS.map(({ of, sub, title }) => {
          const series = delaySeries(stats, of)
          return (
            <Panel
              key={of}
              title={title}
              sub={sub}
              aside={<ChartMenu of={title} csv={() => delayCsv(series)} />}
            >
              {series.length === 0 ? (
                <p className="mute">No stream in this time.</p>
              ) : (
                <DelayChart title={title} series={series} colourOf={colourOf} />
              )}
            </Panel>
          )
        })}
      </div>
      <ProvidersPanel stats={stats} />
      {policy !== undefined && <LadderPanel stats={stats} ladder={policy.ladder} />}
      <RulesPanel stats={stats} />
      <LoadPanel stats={stats} />
    </>
  )
}
