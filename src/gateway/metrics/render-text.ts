import { MetricText, renderHistogram } from './render.ts'
import type { TextMetrics } from './text-metrics.ts'

/** Every 16th edge from 0.64 ms to 336 s: a first token is rarely sooner than the one or later than the other. */
const EDGES = Array.from({ length: 20 }, (_, index) => (index + 6) * 16)

/** Models of text, beside what all requests are counted as; nothing where none was ever named. */
export function renderTextMetrics(versions: Iterable<TextMetrics>, unsentBytes: number): string {
  const all = [...versions]
  if (all.length === 0) return ''
  const text = new MetricText()
  const labelsOf = ({ model, version }: TextMetrics) => `model="${model}",version="${version}"`
  const ttft = 'gen_ai_server_time_to_first_token_seconds'
  text.head(ttft, 'histogram', 'From arrival to the first content of a stream.')
  for (const metrics of all)
    renderHistogram(text, ttft, labelsOf(metrics), metrics.ttft, metrics.ttftSumMs, EDGES)
  text.head('gen_ai_client_token_usage_total', 'counter', 'Tokens by type, over all attempts.')
  for (const metrics of all)
    for (const [type, tokens] of Object.entries(metrics.tokens))
      text.line(
        'gen_ai_client_token_usage_total',
        `${labelsOf(metrics)},gen_ai_token_type="${TOKEN_TYPES[type] ?? type}"`,
        tokens,
      )
  for (const [name, type, help, read] of FIGURES) {
    text.head(name, type, help)
    for (const metrics of all) text.line(name, labelsOf(metrics), read(metrics))
  }
  text.head('slipway_gateway_text_attempts_total', 'counter', 'Attempts by how they ended.')
  for (const metrics of all)
    for (const [code, count] of metrics.attempts)
      text.line('slipway_gateway_text_attempts_total', `${labelsOf(metrics)},code="${code}"`, count)
  const seconds = 'slipway_gateway_text_replica_seconds_total'
  text.head(seconds, 'counter', 'Time of requests in replicas of ours, by what they did meanwhile.')
  for (const metrics of all)
    for (const [part, ms] of Object.entries(metrics.replicaMs))
      text.line(seconds, `${labelsOf(metrics)},part="${part}"`, ms / 1000)
  text.head('slipway_gateway_text_fallbacks_total', 'counter', 'Answers of rungs below the primary.')
  for (const metrics of all)
    for (const [rung, count] of metrics.fallbacks)
      text.line('slipway_gateway_text_fallbacks_total', `${labelsOf(metrics)},rung="${rung}"`, count)
  text.head('slipway_gateway_text_unsent_bytes', 'gauge', 'Bytes of answers that wait for slow clients.')
  text.line('slipway_gateway_text_unsent_bytes', '', unsentBytes)
  return text.toString()
}

const TOKEN_TYPES: Record<string, string> = { cacheRead: 'cache_read', cacheWrite: 'cache_write' }

const FIGURES: readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  read: (metrics: TextMetrics) => number,
][] = [
  ['slipway_gateway_text_cost_usd_total', 'counter', 'Known costs, dollars.', (m) => m.costUsd],
  ['slipway_gateway_text_cost_unknown_total', 'counter', 'Requests of unknown cost.', (m) => m.costUnknown],
  [
    'slipway_gateway_text_usage_unknown_total',
    'counter',
    'Requests of unknown usage.',
    (m) => m.usageUnknown,
  ],
  ['slipway_gateway_text_streams_open', 'gauge', 'Streams that are being sent.', (m) => m.streamsOpen],
]
