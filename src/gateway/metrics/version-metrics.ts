import type { OutcomeClass } from '../../contracts/index.ts'
import { bucketOf, HISTOGRAM_BUCKETS } from '../../kernel/index.ts'

/** What one version of one model did here since the process started. Plain numbers: counted on the hot path. */
export class VersionMetrics {
  readonly model: string
  readonly version: string
  readonly outcomes: Record<OutcomeClass, number> = {
    ok: 0,
    client_error: 0,
    refused: 0,
    timeout: 0,
    error: 0,
    cancelled: 0,
  }
  /** By hundreds: 2 for 200..299. */
  readonly statusClasses = [0, 0, 0, 0, 0, 0]
  readonly latency = new Uint32Array(HISTOGRAM_BUCKETS)
  latencySumMs = 0
  rows = 0
  retries = 0
  exposures = 0

  constructor(model: string, version: string) {
    this.model = model
    this.version = version
  }

  count(outcome: OutcomeClass, status: number, latencyMs: number, rows: number, retries: number): void {
    this.outcomes[outcome]++
    const statusClass = Math.min(5, Math.floor(status / 100))
    this.statusClasses[statusClass] = (this.statusClasses[statusClass] as number) + 1
    const bucket = bucketOf(latencyMs)
    this.latency[bucket] = (this.latency[bucket] as number) + 1
    this.latencySumMs += latencyMs
    this.rows += rows
    this.retries += retries
  }
}

/**
 * One `VersionMetrics` per model and version that a snapshot named; they outlive the snapshot, since counters must not
 * go back. Bounded by what was ever deployed while this process ran.
 */
export class VersionMetricsTable {
  readonly #all = new Map<string, VersionMetrics>()

  of(model: string, version: string): VersionMetrics {
    const name = `${model}\n${version}`
    const known = this.#all.get(name)
    if (known !== undefined) return known
    const metrics = new VersionMetrics(model, version)
    this.#all.set(name, metrics)
    return metrics
  }

  all(): Iterable<VersionMetrics> {
    return this.#all.values()
  }
}
