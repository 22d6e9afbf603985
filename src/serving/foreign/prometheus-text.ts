export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\S+)?$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '\\': '\\', '"': '"' }
/** More are not read: a server with so many series is not one of ours. */
const MAX_SAMPLES = 20_000

/**
 * The samples of Prometheus' text format 0.0.4 (and of OpenMetrics, as far as both agree). Comments and lines that are
 * none of it are passed over.
 */
export function readPrometheus(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const found = LINE.exec(line.trim())
    if (found === null || samples.length >= MAX_SAMPLES) continue
    const [, name = '', labels = '', value = ''] = found
    samples.push({ name, labels: labelsOf(labels), value: numberOf(value) })
  }
  return samples
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL))
    labels[name] = value.replace(/\\(.)/g, (_, each: string) => ESCAPES[each] ?? each)
  return labels
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  return Number(text)
}
