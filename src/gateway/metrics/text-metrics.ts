import type { TextRecord } from '../../contracts/index.ts'
import { bucketOf, HISTOGRAM_BUCKETS } from '../../kernel/index.ts'

/** What the text of one version of one model did here. Plain numbers: counted on the hot path. */
export class TextMetrics {
  readonly model: string
  readonly version: string
  /** To the first content. */
  readonly ttft = new Uint32Array(HISTOGRAM_BUCKETS)
  ttftSumMs = 0
  readonly tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }
  /** Requests that ended without anybody having told their tokens. */
  usageUnknown = 0
  costUsd = 0
  costUnknown = 0
  streamsOpen = 0
  /** Of replicas of ours. */
  readonly replicaMs = { queue: 0, prefill: 0, decode: 0 }
  /** Attempts by how they ended: `ok`, or the code of the failure. */
  readonly attempts = new Map<string, number>()
  /** Answers of rungs below the primary. */
  readonly fallbacks = new Map<string, number>()

  constructor(model: string, version: string) {
    this.model = model
    this.version = version
  }

  /** One request that has settled. */
  count(record: TextRecord): void {
    const { attempts, cost, rung, ttftMs, usage } = record
    if (ttftMs !== null) {
      const bucket = bucketOf(ttftMs)
      this.ttft[bucket] = (this.ttft[bucket] as number) + 1
      this.ttftSumMs += ttftMs
    }
    const { tokens } = this
    if (usage.input === null && usage.output === null) this.usageUnknown++
    tokens.input += usage.input ?? 0
    tokens.cacheRead += usage.cacheRead ?? 0
    tokens.cacheWrite += (usage.cacheWrite ?? 0) + (usage.cacheWriteHour ?? 0)
    tokens.output += usage.output ?? 0
    tokens.reasoning += usage.reasoning ?? 0
    if (cost.costUsd === null) this.costUnknown++
    else this.costUsd += Number(cost.costUsd)
    for (const { aside, code } of attempts) if (aside === undefined) add(this.attempts, code ?? 'ok')
    for (const { decodeMs = 0, prefillMs = 0, queueMs = 0 } of attempts) {
      this.replicaMs.queue += queueMs
      this.replicaMs.prefill += prefillMs
      this.replicaMs.decode += decodeMs
    }
    if (rung !== null) add(this.fallbacks, rung)
  }
}

/** Codes and rungs come from tables and policies, so both maps are bounded by those. */
function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** As `VersionMetricsTable`: one per model and version that was ever named here. */
export class TextMetricsTable {
  readonly #all = new Map<string, TextMetrics>()

  of(model: string, version: string): TextMetrics {
    const name = `${model}\n${version}`
    const known = this.#all.get(name)
    if (known !== undefined) return known
    const metrics = new TextMetrics(model, version)
    this.#all.set(name, metrics)
    return metrics
  }

  all(): Iterable<TextMetrics> {
    return this.#all.values()
  }
}
