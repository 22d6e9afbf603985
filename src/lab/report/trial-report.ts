import type { TrialReading } from '../trial/analyse.ts'
import type { Block } from '../trial/block.ts'
import { atFloor, type MetricName, metricNames, type Percentile, valuesOf } from '../trial/metrics.ts'
import type { TrialPlan } from '../trial/plan.ts'
import { halvesIn, soundPairs } from '../trial/sequence.ts'
import { cdfChart, differenceChart, heatMap, ladderChart, timelineChart } from './chart-latency.ts'
import { escaped, htmlPage, htmlTable } from './html-page.ts'

export interface TrialTable {
  readonly heading: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const NAMES: Record<MetricName, string> = {
  e2e: 'end to end',
  ttft: 'first content (TTFT)',
  tpot: 'per token (TPOT)',
  itl: 'between pieces (ITL)',
  maxGap: 'longest gap',
}

/** The tables that terminal, Markdown and HTML show alike. */
export function trialTables(plan: TrialPlan, reading: TrialReading): TrialTable[] {
  const letters = ['A', 'B']
  const ladder: TrialTable = {
    heading: 'Ladder',
    header: ['target', 'at once', 'requests', 'answers/s', 'p50 ms', 'p95 ms', 'failed'],
    rows: reading.rungs.map((rung) => [
      rung.arm === 'champion' ? 'A' : 'B',
      String(rung.concurrency),
      String(rung.requests),
      rung.goodPerSecond.toFixed(1),
      rung.p50Ms?.toFixed(1) ?? 'needs 6',
      rung.p95Ms?.toFixed(1) ?? 'needs 72',
      failedText(rung.failures),
    ]),
  }
  const delays: TrialTable = {
    heading: `Open loop at ${reading.ratePerSecond ?? '?'} requests a second, from the intended start, ms`,
    header: ['target', 'measure', 'p50', 'p90', 'p95', 'p99', 'p99.9'],
    rows: reading.targets.flatMap((target, index) =>
      metricNames
        .filter((metric) => target.metrics[metric][0]!.n > 0)
        .map((metric) => [letters[index]!, NAMES[metric], ...target.metrics[metric].map(percentileText)]),
    ),
  }
  const targets: TrialTable = {
    heading: 'Targets',
    header: ['target', 'name', 'knee/s', 'offered', 'failed', goodputName(plan), 'tokens in', 'tokens out'],
    rows: reading.targets.map((target, index) => [
      letters[index]!,
      target.name,
      target.kneePerSecond?.toFixed(1) ?? '–',
      String(target.offered),
      failedText(target.failures),
      `${(target.goodput * 100).toFixed(1)} %`,
      spreadText(target.inputTokens),
      spreadText(target.outputTokens),
    ]),
  }
  return [targets, ladder, delays].filter(({ rows }) => rows.length > 0)
}

function goodputName({ slo }: TrialPlan): string {
  const bounds = [
    slo.ttftMs === null ? [] : [`TTFT ≤ ${slo.ttftMs} ms`],
    slo.e2eMs === null ? [] : [`e2e ≤ ${slo.e2eMs} ms`],
  ].flat()
  return bounds.length === 0 ? 'answered of offered' : `goodput (${bounds.join(', ')})`
}

/** A percentile below its floor is not printed; neither is one among requests that failed. */
function percentileText({ valueMs, n, needs }: Percentile): string {
  if (n < needs) return `needs ${needs}`
  return valueMs === null ? 'failed' : valueMs.toFixed(1)
}

function spreadText(spread: { mean: number; least: number; most: number } | null): string {
  return spread === null ? 'not told' : `${spread.mean} (${spread.least}–${spread.most})`
}

function failedText(failures: Readonly<Record<string, number>>): string {
  const told = Object.entries(failures).map(([name, count]) => `${count} ${name}`)
  return told.length === 0 ? '0' : told.join(', ')
}

function instrumentText({ instrument }: TrialReading): string {
  const { lagP99Ms, achieved, loopDelayP99Ms } = instrument
  return `Instrument: send lag p99 ${lagP99Ms.toFixed(2)} ms, ${(achieved * 100).toFixed(1)} % of the rate sent, event loop late p99 ${loopDelayP99Ms.toFixed(1)} ms.`
}

export function markdownTrial(plan: TrialPlan, reading: TrialReading, hash: string): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const tables = trialTables(plan, reading).map(({ heading, header, rows }) =>
    [
      `## ${heading}`,
      '',
      `| ${header.map(cell).join(' | ')} |`,
      `|${header.map(() => '---|').join('')}`,
      ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
    ].join('\n'),
  )
  const head = `# Latency\n\n**${reading.status}**: ${reading.summary}\n\n${instrumentText(reading)}`
  return `${[head, ...tables, `Evidence \`${hash}\`, seed ${plan.seed}.`].join('\n\n')}\n`
}

export function htmlTrial(
  plan: TrialPlan,
  blocks: readonly Block[],
  reading: TrialReading,
  hash: string,
): string {
  const phase = plan.targets.length === 1 ? 'single' : 'ab'
  const halves = halvesIn(blocks, phase)
  const values = plan.targets.map((_, target) =>
    valuesOf(
      halves.filter(({ step }) => step.target === target).flatMap(({ rows }) => rows),
      plan.metric,
    ),
  )
  const cells = blocks.flatMap(({ step, rows }) =>
    step.kind === 'cell' && step.target === 0
      ? [{ name: step.class, medianMs: atFloor(valuesOf(rows, 'e2e'), 0.5) }]
      : [],
  )
  const pictures: [string, string][] = [
    [
      'Ladder',
      ladderChart(
        reading.rungs,
        reading.targets.map(({ kneePerSecond }) => kneePerSecond),
      ),
    ],
    ['Within which time', cdfChart(values)],
    ['Where they differ', differenceChart(soundPairs(plan, blocks, 'ab'), plan.metric, plan.confidence)],
    ['One stretch, request by request', halves[0] === undefined ? '' : timelineChart(halves[0])],
    ['Size matrix of A, median end to end', heatMap(cells)],
  ]
  return htmlPage('Latency', [
    `<p><b>${escaped(reading.status)}</b>: ${escaped(reading.summary)}</p><p>${escaped(instrumentText(reading))}</p>`,
    ...trialTables(plan, reading).map(
      ({ heading, header, rows }) => `<h2>${escaped(heading)}</h2>${htmlTable(header, rows)}`,
    ),
    ...pictures.filter(([, svg]) => svg !== '').map(([name, svg]) => `<h2>${escaped(name)}</h2>${svg}`),
    `<p>Evidence <code>${escaped(hash)}</code>, seed ${plan.seed}.</p>`,
  ])
}
