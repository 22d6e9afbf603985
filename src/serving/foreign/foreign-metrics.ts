import type { Health } from '../health.ts'
import type { MetricsText } from '../probes.ts'
import type { ForeignGauges } from './foreign-kind.ts'
import type { Scrape, ScrapedHistogram } from './scrape.ts'

export interface ForeignMetricsOptions {
  readonly labels: Readonly<Record<string, string>>
  readonly health: Health
  /** A look at the server's own metrics; undefined where it tells none just now. */
  readonly scrape: () => Promise<Scrape | undefined>
}

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string]

const ROWS: Readonly<Record<keyof ForeignGauges, Row>> = {
  running: ['text_running_requests', 'gauge', 'Requests that are being answered.'],
  waiting: ['text_waiting_requests', 'gauge', 'Requests that wait for their turn.'],
  kvCacheShare: ['text_kv_cache_share', 'gauge', 'How much of the KV cache is used, 0 to 1.'],
  prefixQueriedTokens: [
    'text_prefix_queried_tokens_total',
    'counter',
    'Tokens that were looked up in the prefix cache.',
  ],
  prefixHitTokens: ['text_prefix_hit_tokens_total', 'counter', 'Tokens that were found in the prefix cache.'],
  inputTokens: ['text_input_tokens_total', 'counter', 'Tokens of questions.'],
  outputTokens: ['text_output_tokens_total', 'counter', 'Tokens of answers.'],
  preemptions: [
    'text_preemptions_total',
    'counter',
    'Times that a request was put back to give its KV cache to others.',
  ],
  draftedTokens: ['text_drafted_tokens_total', 'counter', 'Tokens that speculation proposed.'],
  acceptedTokens: ['text_accepted_tokens_total', 'counter', 'Tokens of speculation that stood.'],
}

/**
 * The metrics of a foreign server under our names, read from it when they are asked for, in Prometheus' text format
 * 0.0.4. What it does not tell is left out: a zero would say that there was none.
 */
export function foreignMetrics({ health, labels, scrape }: ForeignMetricsOptions): MetricsText {
  const shared = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    async metrics() {
      const found = await scrape()
      const told = [
        seriesOf(['ready', 'gauge', '1 when requests are answered.'], Number(health.isReady), shared),
        seriesOf(
          ['stuck', 'gauge', '1 when there is work and nothing comes out of it.'],
          Number(health.isStuck),
          shared,
        ),
      ]
      for (const [key, row] of Object.entries(ROWS) as [keyof ForeignGauges, Row][]) {
        const value = found?.gauges[key]
        if (value !== undefined) told.push(seriesOf(row, value, shared))
      }
      if (found?.firstToken !== undefined) told.push(histogramOf(found.firstToken, shared))
      return told.join('\n')
    },
  }
}

function seriesOf([name, type, help]: Row, value: number, labels: readonly string[]): string {
  return `${headOf(name, type, help)}${lineOf(name, labels, value)}`
}

function histogramOf({ buckets, count, sum }: ScrapedHistogram, labels: readonly string[]): string {
  const name = 'text_first_token_seconds'
  const lines = buckets.map((bucket) => {
    const le = bucket.le === Number.POSITIVE_INFINITY ? '+Inf' : String(bucket.le)
    return lineOf(`${name}_bucket`, [`le="${le}"`, ...labels], bucket.count)
  })
  return [
    headOf(name, 'histogram', 'From a request to its first token.'),
    ...lines,
    lineOf(`${name}_sum`, labels, sum),
    lineOf(`${name}_count`, labels, count),
  ].join('')
}

function headOf(name: string, type: string, help: string): string {
  return `# HELP slipway_replica_${name} ${help}\n# TYPE slipway_replica_${name} ${type}\n`
}

function lineOf(name: string, labels: readonly string[], value: number): string {
  return `slipway_replica_${name}{${labels.join(',')}} ${value}\n`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
