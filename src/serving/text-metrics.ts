import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Health } from './health.ts'
import type { TextEngineGauges, TextWorkOutcome } from './text-engine.ts'

export interface TextReplicaMetrics {
  /** @param firstMs from arrival to the first content of a stream; undefined where none came. */
  onSettled(outcome: TextWorkOutcome, firstMs: number | undefined): void
  readonly registry: Registry
}

export interface TextMetricsOptions {
  readonly labels: { readonly model: string; readonly version: string; readonly replica: string }
  /** Undefined before the engine is there. */
  readonly gauges: () => TextEngineGauges | undefined
  readonly health: Health
  readonly connections: () => number
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const TOKENS_PER_SECOND = [1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 5000]

/** Named as those of other projects' servers are (`foreign/`), so that one page shows both. */
const GAUGES: readonly [name: string, help: string, read: (gauges: TextEngineGauges) => number][] = [
  ['text_running_requests', 'Requests that are being answered.', (g) => g.running],
  ['text_waiting_requests', 'Requests that wait for their turn.', (g) => g.waiting],
  ['text_kv_blocks', 'Blocks of the KV cache.', (g) => g.kvBlocksTotal],
  [
    'text_kv_cache_share',
    'How much of the KV cache is used, 0 to 1.',
    (g) => ratio(g.kvBlocksUsed, g.kvBlocksTotal),
  ],
  [
    'text_prefix_hit_share',
    'Of the input tokens since start, those whose KV was there already, 0 to 1.',
    (g) => ratio(g.reusedTokens, g.inputTokens),
  ],
  [
    'text_accepted_share',
    'Of the tokens that speculation proposed since start, those that stood, 0 to 1.',
    (g) => ratio(g.acceptedTokens, g.draftedTokens),
  ],
]

const COUNTERS: readonly [name: string, help: string, read: (gauges: TextEngineGauges) => number][] = [
  ['text_input_tokens_total', 'Tokens of questions.', (g) => g.inputTokens],
  ['text_prefix_hit_tokens_total', 'Tokens of questions whose KV was there already.', (g) => g.reusedTokens],
  ['text_output_tokens_total', 'Tokens of answers.', (g) => g.outputTokens],
  ['text_drafted_tokens_total', 'Tokens that speculation proposed.', (g) => g.draftedTokens],
  ['text_accepted_tokens_total', 'Tokens of speculation that stood.', (g) => g.acceptedTokens],
]

/** Counted once a request; what the engine counts by itself is read when asked. */
export function textReplicaMetrics({
  labels,
  gauges,
  health,
  connections,
}: TextMetricsOptions): TextReplicaMetrics {
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
  const engineNumber = (read: (gauges: TextEngineGauges) => number) => {
    const now = gauges()
    return now === undefined ? 0 : read(now)
  }

  for (const [name, help, read] of GAUGES) gauge(name, help, () => engineNumber(read))
  for (const [name, help, read] of COUNTERS)
    new Counter({
      name: `slipway_replica_${name}`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(engineNumber(read))
      },
    })
  gauge('ready', '1 when requests are answered.', () => Number(health.isReady))
  gauge('stuck', '1 when there is work and nothing comes out of it.', () => Number(health.isStuck))
  gauge('link_connections', 'Gateways that are connected.', connections)
  gauge('resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())

  const requests = new Counter({
    name: 'slipway_replica_requests_total',
    help: 'Requests by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const queue = histogram('text_queue_seconds', 'From arrival to the start of reading the question.', SECONDS)
  const prefill = histogram('text_prefill_seconds', 'Of reading the question.', SECONDS)
  const decode = histogram('text_decode_seconds', 'Of saying the answer.', SECONDS)
  const first = histogram('text_first_token_seconds', 'From a request to its first token.', SECONDS)
  const speed = histogram(
    'text_decode_tokens_per_second',
    'Of one request, while it was decoded.',
    TOKENS_PER_SECOND,
  )
  return {
    registry,
    onSettled({ decodeUs, failure, prefillUs, queueUs, usage }, firstMs) {
      requests.inc({ outcome: failure?.code ?? 'ok' })
      queue.observe(queueUs / 1e6)
      if (failure !== undefined) return
      prefill.observe(prefillUs / 1e6)
      decode.observe(decodeUs / 1e6)
      if (firstMs !== undefined) first.observe(firstMs / 1000)
      if ((usage.output ?? 0) > 1 && decodeUs > 0) speed.observe((usage.output as number) / (decodeUs / 1e6))
    },
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
