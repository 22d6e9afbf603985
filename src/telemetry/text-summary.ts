import { costState, type TextStats, type TextTotals, type TextWindow } from '../contracts/index.ts'
import { type Histogram, histogramQuantileMs } from '../kernel/index.ts'
import { addCounts } from './text-windows.ts'

export type TextSummary = Pick<TextStats, 'total' | 'versions' | 'series' | 'rungs' | 'rules' | 'tries'>

type Counts = Readonly<Record<string, number>>

/** What minutes of text say together, in words of the contract. `sizeMs`: of a point of the series, whole minutes. */
export function textSummary(windows: readonly TextWindow[], sizeMs: number): TextSummary {
  const total: Record<string, number> = {}
  const versions = new Map<string, Record<string, number>>()
  const points = new Map<string, { startMs: number; version: string; counts: Record<string, number> }>()
  for (const { counts, startMs, version } of windows) {
    addCounts(total, counts)
    addCounts(within(versions, version, emptyCounts), counts)
    const from = startMs - (startMs % sizeMs)
    addCounts(
      within(points, `${from} ${version}`, () => ({ startMs: from, version, counts: {} })).counts,
      counts,
    )
  }
  return {
    total: totalsOf(total),
    versions: [...versions]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([version, counts]) => ({ version, ...totalsOf(counts) })),
    series: [...points.values()].map(pointOf),
    rungs: [...under(total, 'rung.')]
      .map(([name, answers]) => ({ rung: name === '' ? null : name, answers }))
      .sort((left, right) => right.answers - left.answers),
    rules: rulesOf(total),
    tries: triesOf(total),
  }
}

function totalsOf(counts: Counts): TextTotals {
  const of = (key: string) => counts[key] ?? 0
  return {
    requests: of('requests'),
    outcomes: Object.fromEntries(under(counts, 'outcome.')),
    codes: Object.fromEntries(under(counts, 'code.')),
    tokens: {
      input: of('tokens.input'),
      cacheRead: of('tokens.cacheRead'),
      cacheWrite: of('tokens.cacheWrite'),
      output: of('tokens.output'),
      unknownRequests: of('tokens.unknown'),
    },
    costs: costState.options
      .filter((state) => of(`cost.${state}`) > 0)
      .map((state) => ({
        state,
        requests: of(`cost.${state}`),
        costUsd: state === 'unknown' ? null : dollars(of(`nanoUsd.${state}`)),
      })),
    ttft: quantilesOf(counts, 'ttft.'),
    itl: quantilesOf(counts, 'itl.'),
    cache: {
      hit: of('cache.hit'),
      stale: of('cache.stale'),
      semantic: of('cache.semantic'),
      miss: of('cache.miss'),
      savedUsd: dollars(of('savedNanoUsd')),
    },
  }
}

function pointOf({ counts, startMs, version }: { startMs: number; version: string; counts: Counts }) {
  const ttft = quantilesOf(counts, 'ttft.')
  const itl = quantilesOf(counts, 'itl.')
  return {
    startMs,
    version,
    requests: counts.requests ?? 0,
    outputTokens: counts['tokens.output'] ?? 0,
    ttftP50Ms: ttft.p50Ms,
    ttftP95Ms: ttft.p95Ms,
    itlP50Ms: itl.p50Ms,
    itlP95Ms: itl.p95Ms,
  }
}

function quantilesOf(counts: Counts, prefix: string) {
  const histogram: Histogram = Object.fromEntries(under(counts, prefix))
  const count = Object.values(histogram).reduce((sum, bucket) => sum + bucket, 0)
  return {
    count,
    p50Ms: histogramQuantileMs(histogram, 0.5),
    p95Ms: count < FOR_P95 ? null : histogramQuantileMs(histogram, 0.95),
  }
}

/** Below it the largest value would be called a p95. */
const FOR_P95 = 20

function rulesOf(counts: Counts): TextSummary['rules'] {
  const rules = new Map<string, TextSummary['rules'][number]>()
  for (const [key, count] of under(counts, 'rule.')) {
    const [mode, checkpoint, verdict, ...name] = key.split('.')
    if ((mode !== 'shadow' && mode !== 'enforce') || checkpoint === undefined || !isVerdict(verdict)) continue
    const rule = name.join('.')
    const row = within(rules, `${mode} ${checkpoint} ${rule}`, () => ({
      rule,
      checkpoint,
      mode,
      pass: 0,
      block: 0,
      redact: 0,
      error: 0,
    }))
    row[verdict] += count
  }
  return [...rules.values()].sort((left, right) => (left.rule < right.rule ? -1 : 1))
}

function isVerdict(verdict: string | undefined): verdict is 'pass' | 'block' | 'redact' | 'error' {
  return verdict === 'pass' || verdict === 'block' || verdict === 'redact' || verdict === 'error'
}

function triesOf(counts: Counts): TextSummary['tries'] {
  const accounts = new Map<string, TextSummary['tries'][number]>()
  for (const [key, count] of under(counts, 'try.')) {
    const [, end = '', name = ''] = /^([^.]*)\.(.*)$/s.exec(key) ?? []
    const [provider = '', account = ''] = name.split('/')
    const row = within(accounts, name, () => ({ provider, account, ends: {} as Record<string, number> }))
    row.ends[end] = (row.ends[end] ?? 0) + count
  }
  return [...accounts.values()]
}

function* under(counts: Counts, prefix: string): Generator<[string, number]> {
  for (const [key, count] of Object.entries(counts))
    if (key.startsWith(prefix)) yield [key.slice(prefix.length), count]
}

function within<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function emptyCounts(): Record<string, number> {
  return {}
}

/** Nanodollars as decimal text. */
function dollars(nano: number): string {
  const amount = BigInt(Math.max(0, Math.round(nano)))
  const fraction = (amount % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  const whole = (amount / 1_000_000_000n).toString()
  return fraction === '' ? whole : `${whole}.${fraction}`
}
