import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RanBatch } from './batch-runner.ts'
import type { Batcher } from './batcher/batcher.ts'
import type { Health } from './health.ts'
import type { RequestPart } from './request-part.ts'

export interface ReplicaMetrics {
  onBatch(ran: RanBatch): void
  onRefused(code: string): void
  onExpired(): void
  readonly registry: Registry
}

export interface MetricsOptions {
  readonly labels: { readonly model: string; readonly version: string; readonly replica: string }
  readonly batcher: () => Batcher<RequestPart>
  readonly health: Health
  readonly connections: () => number
}

const SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30,
]
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]

/** Counted once a batch, not once a request; what can be read when asked is read then. */
export function replicaMetrics({ labels, batcher, health, connections }: MetricsOptions): ReplicaMetrics {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `slipway_replica_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `slipway_replica_${name}`, help, buckets, registers })
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `slipway_replica_${name}`, help, labelNames, registers })

  gauge('queue_rows', 'Rows that wait for a batch.', () => batcher().queuedRows)
  gauge(
    'queue_requests',
    'Requests, or parts of large ones, that wait for a batch.',
    () => batcher().queuedWork,
  )
  gauge('running_rows', 'Rows in the batch that runs.', () => batcher().runningRows)
  gauge(
    'batch_fixed_seconds',
    'Fitted cost of a batch without its rows: how long company is waited for at most.',
    () => batcher().service.fixedMs / 1000,
  )
  gauge(
    'batch_row_seconds',
    'Fitted cost of one more row in a batch.',
    () => batcher().service.perRowMs / 1000,
  )
  gauge(
    'batch_hold_seconds',
    'How long a batch would wait for company now, at most; less than 1 ms is no wait.',
    () => batcher().holdMs / 1000,
  )
  new Counter({
    name: 'slipway_replica_batches_total',
    help: 'Batches by why they ran when they did.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, runs] of Object.entries(batcher().runs)) this.inc({ reason }, runs)
    },
  })
  gauge('ready', '1 when requests are answered.', () => Number(health.isReady))
  gauge('stuck', '1 when there is work and nothing comes out of it.', () => Number(health.isStuck))
  gauge('link_connections', 'Gateways that are connected.', connections)
  gauge('resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())

  const batchRows = histogram('batch_rows', 'Rows a batch.', ROWS)
  const compute = histogram('batch_compute_seconds', 'Time of a batch in the engine.', SECONDS)
  const preprocess = histogram(
    'batch_preprocess_seconds',
    'Time of a batch in the preprocess module.',
    SECONDS,
  )
  const waited = histogram('queue_seconds', 'How long the oldest request of a batch had waited.', SECONDS)
  const rows = counter('rows_total', 'Rows that went through a batch.')
  const requests = counter('requests_total', 'Requests, or parts of large ones, by outcome.', ['outcome'])
  return {
    registry,
    onBatch(ran) {
      batchRows.observe(ran.rows)
      compute.observe(ran.computeMs / 1000)
      if (ran.preprocessMs > 0) preprocess.observe(ran.preprocessMs / 1000)
      waited.observe(ran.waitedMs / 1000)
      rows.inc(ran.rows)
      if (ran.failedRequests > 0) requests.inc({ outcome: 'model_failed' }, ran.failedRequests)
      requests.inc({ outcome: 'ok' }, ran.requests - ran.failedRequests)
    },
    onRefused: (code) => requests.inc({ outcome: code }),
    onExpired: () => requests.inc({ outcome: 'deadline_exceeded' }),
  }
}
