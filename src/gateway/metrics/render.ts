import { bucketEdgeMs, HISTOGRAM_BUCKETS } from '../../kernel/index.ts'
import type { VersionMetrics } from './version-metrics.ts'

/** Figures of the process as a whole, read when somebody asks for /metrics. */
export interface GatewayGauges {
  readonly inFlight: number
  readonly connections: number
  readonly unauthenticated: number
  readonly requestsRefusedEarly: number
  readonly telemetryQueued: number
  readonly telemetrySent: number
  readonly telemetryDropped: number
  readonly spillBytes: number
  readonly spillBatches: number
  /** -1 before the first snapshot. */
  readonly snapshotRevision: number
  readonly snapshotAgeSeconds: number
  readonly controlConnected: boolean
  readonly residentBytes: number
  readonly eventLoopDelaySeconds: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly replicas: readonly { model: string; version: string; ready: number; inFlight: number }[]
}

/** Every 16th edge of the fine histogram: 0.02 ms, 0.04 ms … 21 s, each exact since it is an edge. */
const EDGES = Array.from({ length: 21 }, (_, index) => (index + 1) * 16)

/** Prometheus text, version 0.0.4. By hand: the counters live where they are counted, as plain numbers. */
export function renderMetrics(versions: Iterable<VersionMetrics>, gauges: GatewayGauges): string {
  const text = new MetricText()
  const all = [...versions]
  const perVersion = (metrics: VersionMetrics) => `model="${metrics.model}",version="${metrics.version}"`
  text.head('slipway_gateway_requests_total', 'counter', 'Predict requests by status class.')
  for (const metrics of all)
    for (const [statusClass, count] of metrics.statusClasses.entries())
      if (count > 0)
        text.line('slipway_gateway_requests_total', `${perVersion(metrics)},class="${statusClass}xx"`, count)
  text.head('slipway_gateway_outcomes_total', 'counter', 'Predict requests by outcome.')
  for (const metrics of all)
    for (const [outcome, count] of Object.entries(metrics.outcomes))
      if (count > 0)
        text.line('slipway_gateway_outcomes_total', `${perVersion(metrics)},outcome="${outcome}"`, count)
  for (const [name, help, read] of VERSION_COUNTERS) {
    text.head(name, 'counter', help)
    for (const metrics of all) text.line(name, perVersion(metrics), read(metrics))
  }
  text.head('slipway_gateway_request_seconds', 'histogram', 'From arrival to answer.')
  for (const metrics of all)
    renderHistogram(
      text,
      'slipway_gateway_request_seconds',
      perVersion(metrics),
      metrics.latency,
      metrics.latencySumMs,
      EDGES,
    )
  for (const [name, type, help, read] of GAUGES) {
    text.head(name, type, help)
    text.line(name, '', read(gauges))
  }
  text.head(
    'slipway_gateway_event_loop_delay_seconds',
    'gauge',
    'Delay of the event loop since the last read.',
  )
  for (const [quantile, seconds] of Object.entries(gauges.eventLoopDelaySeconds))
    text.line('slipway_gateway_event_loop_delay_seconds', `quantile="${quantile}"`, seconds)
  text.head('slipway_gateway_replicas_ready', 'gauge', 'Replicas that take requests.')
  for (const { model, version, ready } of gauges.replicas)
    text.line('slipway_gateway_replicas_ready', `model="${model}",version="${version}"`, ready)
  text.head('slipway_gateway_replica_requests_in_flight', 'gauge', 'Requests at replicas now.')
  for (const { model, version, inFlight } of gauges.replicas)
    text.line('slipway_gateway_replica_requests_in_flight', `model="${model}",version="${version}"`, inFlight)
  return text.toString()
}

const VERSION_COUNTERS: readonly [name: string, help: string, read: (metrics: VersionMetrics) => number][] = [
  ['slipway_gateway_rows_total', 'Rows in answered requests.', (metrics) => metrics.rows],
  ['slipway_gateway_retries_total', 'Attempts beyond the first.', (metrics) => metrics.retries],
  [
    'slipway_gateway_exposures_total',
    'Units shown this version, once per unit and minute; requests without a unit are not counted.',
    (metrics) => metrics.exposures,
  ],
]

const GAUGES: readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  read: (gauges: GatewayGauges) => number,
][] = [
  ['slipway_gateway_in_flight', 'gauge', 'Admitted requests now.', (g) => g.inFlight],
  ['slipway_gateway_connections', 'gauge', 'Open client connections.', (g) => g.connections],
  [
    'slipway_gateway_unauthenticated_total',
    'counter',
    'Requests without a valid key, or without its scope.',
    (g) => g.unauthenticated,
  ],
  [
    'slipway_gateway_refused_early_total',
    'counter',
    'Requests turned away by a limit before their body was read.',
    (g) => g.requestsRefusedEarly,
  ],
  ['slipway_gateway_telemetry_queued', 'gauge', 'Records that wait in memory.', (g) => g.telemetryQueued],
  ['slipway_gateway_telemetry_sent_total', 'counter', 'Records that control took.', (g) => g.telemetrySent],
  [
    'slipway_gateway_telemetry_dropped_total',
    'counter',
    'Records that were lost.',
    (g) => g.telemetryDropped,
  ],
  [
    'slipway_gateway_spill_bytes',
    'gauge',
    'Records on disk while control is away, bytes.',
    (g) => g.spillBytes,
  ],
  ['slipway_gateway_spill_batches', 'gauge', 'Batches on disk while control is away.', (g) => g.spillBatches],
  ['slipway_gateway_snapshot_revision', 'gauge', 'Snapshot in use; -1 for none.', (g) => g.snapshotRevision],
  [
    'slipway_gateway_snapshot_age_seconds',
    'gauge',
    'Age of the snapshot in use.',
    (g) => g.snapshotAgeSeconds,
  ],
  [
    'slipway_gateway_control_connected',
    'gauge',
    'Whether snapshots flow now.',
    (g) => Number(g.controlConnected),
  ],
  ['process_resident_memory_bytes', 'gauge', 'Resident memory.', (g) => g.residentBytes],
]

/** @param edges buckets whose upper edges are told. */
export function renderHistogram(
  text: MetricText,
  name: string,
  labels: string,
  counts: Uint32Array,
  sumMs: number,
  edges: readonly number[],
): void {
  let seen = 0
  let bucket = 0
  for (const edge of edges) {
    for (; bucket <= edge; bucket++) seen += counts[bucket] as number
    text.line(`${name}_bucket`, `${labels},le="${bucketEdgeMs(edge) / 1000}"`, seen)
  }
  for (; bucket < HISTOGRAM_BUCKETS; bucket++) seen += counts[bucket] as number
  text.line(`${name}_bucket`, `${labels},le="+Inf"`, seen)
  text.line(`${name}_sum`, labels, sumMs / 1000)
  text.line(`${name}_count`, labels, seen)
}

export class MetricText {
  #text = ''

  head(name: string, type: string, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  line(name: string, labels: string, value: number): void {
    this.#text += labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`
  }

  toString(): string {
    return this.#text
  }
}
