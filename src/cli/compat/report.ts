import type { ModelFacts } from '../../artifacts/index.ts'
import { type Assessment, gib, kvBytesPerToken } from '../../sizing/index.ts'

/** The parts of a report: a heading, sentences, a table. Terminal, Markdown and HTML are drawn from the same ones. */
export interface ReportPart {
  readonly heading: string
  readonly lines: readonly string[]
  readonly table: { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] } | null
}

export function reportParts(facts: ModelFacts, assessment: Assessment): ReportPart[] {
  const parts = [
    part('File', factLines(facts)),
    part('Engine', [], featureTable(assessment)),
    part('Memory of each GPU', [], fitTable(assessment)),
    part('Speed, estimated', speedLines(assessment)),
    part('Training, estimated', [], trainingTable(assessment)),
    part('What forbids it', assessment.faults),
    part('Look at', assessment.warnings),
  ]
  return parts.filter(({ lines, table }) => lines.length > 0 || table !== null)
}

function part(heading: string, lines: readonly string[], table: ReportPart['table'] = null): ReportPart {
  return { heading, lines, table }
}

function factLines(facts: ModelFacts): string[] {
  const { attention, precision, experts, adapter, table } = facts
  const lines = [
    [facts.format, facts.architecture, facts.name].filter((word) => word !== null).join(' · '),
    facts.parameters === null
      ? null
      : `${(facts.parameters / 1e9).toFixed(3)} B parameters${facts.isEstimated ? ' by its configuration' : ''}${facts.weightBytes === null ? '' : `, ${gib(facts.weightBytes)}`}`,
    precision === null
      ? null
      : `${precision.name}${precision.bitsPerWeight === null ? '' : `, ${precision.bitsPerWeight.toFixed(2)} bits a weight`}`,
    attention === null
      ? null
      : `${facts.layers} layers, ${attention.kind} ${attention.heads}/${attention.kvHeads} heads of ${attention.keyDim}; ${gib(kvBytesPerToken(attention))} of cache a token in 16 bits`,
    attention?.window == null
      ? null
      : `${attention.window.layers} layers keep ${attention.window.tokens} tokens only`,
    experts === null ? null : `${experts.active} of ${experts.total} experts a token`,
    facts.contextTokens === null
      ? null
      : `${facts.contextTokens} tokens of context, ${facts.vocabulary ?? '?'} in the vocabulary`,
    facts.layers === null ? null : facts.chatTemplate === null ? 'no chat template' : 'a chat template',
    adapter === null
      ? null
      : `adapter: ${adapter.kind} of rank ${adapter.rank ?? '?'} on ${adapter.targets.join(', ')}`,
    table === null
      ? null
      : `${table.trees ?? '?'} trees over ${table.features ?? '?'} features, ${table.objective ?? 'no objective named'}`,
    facts.signature === null
      ? null
      : `takes ${facts.signature.inputs.map(({ name }) => name).join(', ')}; gives ${facts.signature.outputs.map(({ name }) => name).join(', ')}`,
  ]
  return lines.filter((line) => line !== null)
}

function featureTable({ features }: Assessment): ReportPart['table'] {
  if (features.length === 0) return null
  return {
    header: ['Feature', 'Answer', 'The line that says so', 'Page'],
    rows: features.map(({ feature, answer, from, line, source }) => [
      feature,
      from === null ? answer : `${answer} ${from}`,
      line,
      source ?? '–',
    ]),
  }
}

function fitTable({ groups, gpu }: Assessment): ReportPart['table'] {
  if (gpu === null || groups.length === 0) return null
  return {
    header: [
      'GPUs',
      'Weights',
      'Cache',
      'Activations',
      'Reserve',
      'Of',
      'Risk',
      'Most sequences',
      'Longest context',
    ],
    rows: groups.map(({ gpus, needs, usableBytes, risk, mostSequences, mostContextTokens }) => [
      `${gpus} × ${gpu.name}`,
      gib(needs.weights),
      gib(needs.kv),
      gib(needs.activations),
      gib(needs.reserve),
      gib(usableBytes),
      risk,
      mostSequences === null ? 'no limit' : String(mostSequences),
      mostContextTokens === null ? 'no limit' : String(mostContextTokens),
    ]),
  }
}

function speedLines({ speed, switching, concurrency }: Assessment): string[] {
  const lines: string[] = []
  if (speed !== null) {
    lines.push(
      `first token after ${speed.firstTokenMs.toFixed(0)} ms, then ${speed.alone.toFixed(0)} tokens/s alone, ${speed.atConcurrency.toFixed(0)} in all at ${concurrency} (bound by ${speed.bound})`,
      `nine of ten published measurements lie within a factor of ${speed.withinFactor.toFixed(2)} of such an estimate`,
    )
    if (speed.usdPerMillionTokens !== null)
      lines.push(
        `$${speed.usdPerMillionTokens.toFixed(2)} for a million output tokens, GPUs always busy, at the list price`,
      )
  }
  if (switching !== null)
    lines.push(
      `bringing the weights onto the GPU takes about ${(switching.fromDiskMs / 1000).toFixed(1)} s from disk, ${(switching.fromHostMs / 1000).toFixed(1)} s from memory`,
    )
  return lines
}

function trainingTable({ training, gpu }: Assessment): ReportPart['table'] {
  if (training.length === 0 || gpu === null) return null
  return {
    header: ['Training', 'Trained parameters', 'Memory', 'GPUs', 'Hours', 'Cost'],
    rows: training.map(({ kind, trainedParameters, needs, gpus, hours, costUsd }) => [
      kind,
      `${(trainedParameters / 1e6).toFixed(1)} M`,
      gib(needs.total),
      `${gpus} × ${gpu.name}`,
      hours.toFixed(1),
      costUsd === null ? 'no price known' : `$${costUsd.toFixed(2)}`,
    ]),
  }
}

export function markdownReport(title: string, parts: readonly ReportPart[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  const body = parts.flatMap(({ heading, lines, table }) => [
    `## ${heading}`,
    '',
    ...lines.map((line) => `- ${line}`),
    ...(table === null
      ? []
      : [row(table.header), row(table.header.map(() => '---')), ...table.rows.map(row)]),
    '',
  ])
  return [`# ${title}`, '', ...body].join('\n')
}

export function htmlReport(title: string, parts: readonly ReportPart[]): string {
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  const body = parts.map(
    ({ heading, lines, table }) =>
      `<h2>${escaped(heading)}</h2>${lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`}${table === null ? '' : `<table>${row('th', table.header)}${table.rows.map((cells) => row('td', cells)).join('')}</table>`}`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse}td,th{border-bottom:1px solid #8886;padding:.3rem .6rem;text-align:left}</style>
<h1>${escaped(title)}</h1>${body.join('\n')}</html>
`
}

/** Names and templates come from files of strangers. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
}
