import { priorityClass } from '../../contracts/index.ts'
import type { VersionLoad } from '../text/loads.ts'
import { MetricText } from './render.ts'

/** Versions of text whose model bounds or hedges them; only what there is to tell where none does. */
export function renderLoadMetrics(loads: readonly VersionLoad[]): string {
  const text = new MetricText()
  const labelsOf = ({ model, version }: VersionLoad) => `model="${model}",version="${version}"`
  const gated = loads.filter(({ gate }) => gate !== undefined)
  for (const [name, help, read] of GAUGES) {
    text.head(name, 'gauge', help)
    for (const load of gated)
      for (const [rank, priority] of priorityClass.options.entries()) {
        const view = load.gate?.view(rank)
        if (view !== undefined) text.line(name, `${labelsOf(load)},class="${priority}"`, read(view))
      }
  }
  const refused = 'slipway_gateway_text_refused_total'
  text.head(refused, 'counter', 'Requests for which no place came in time, by reason.')
  for (const load of gated)
    for (const [priority, reasons] of load.refused)
      for (const [reason, count] of Object.entries(reasons))
        if (count > 0) text.line(refused, `${labelsOf(load)},class="${priority}",reason="${reason}"`, count)
  const hedged = loads.filter(({ hedges }) => hedges !== undefined)
  const hedges = 'slipway_gateway_text_hedges_total'
  text.head(hedges, 'counter', 'Second attempts by what came of them.')
  for (const load of hedged)
    for (const [end, count] of Object.entries(load.hedged))
      text.line(hedges, `${labelsOf(load)},end="${end}"`, count)
  return text.toString()
}

interface ClassView {
  readonly limit: number
  readonly inFlight: number
  readonly queued: number
}

const GAUGES: readonly [name: string, help: string, read: (view: ClassView) => number][] = [
  [
    'slipway_gateway_text_concurrency_limit',
    'The most that may be at the version when one of the class starts.',
    (view) => view.limit,
  ],
  ['slipway_gateway_text_in_flight', 'Attempts at the version now.', (view) => view.inFlight],
  ['slipway_gateway_text_queued', 'Requests that wait for a place.', (view) => view.queued],
]
