import type { DataPathRow } from './data-path.ts'
import type { ServiceJudgement } from './judge-service.ts'
import type { Recovery } from './recovery.ts'
import type { Share } from './token-counts.ts'

/** Markdown, for people. */
export function serviceReport(
  names: readonly [before: string, after: string],
  judgement: ServiceJudgement,
  data: readonly DataPathRow[],
  recovery: Recovery | null = null,
): string {
  return [
    '# Service: A against B',
    '',
    `- A: ${names[0]}`,
    `- B: ${names[1]}`,
    `- **${judgement.status}**: ${judgement.summary}`,
    '',
    ...contractPart(judgement),
    ...tokensPart(judgement),
    ...cachePart(judgement),
    ...dataPart(data),
    ...(recovery === null
      ? []
      : ['## A process of B was killed', '', `**${recovery.status}**: ${recovery.summary}`, '']),
  ].join('\n')
}

function contractPart({ rows }: ServiceJudgement): string[] {
  if (rows.length === 0) return ['## Contract', '', 'No difference was found.', '']
  const ordered = rows.toSorted((one, other) => ORDER.indexOf(one.effect) - ORDER.indexOf(other.effect))
  return drawn(
    '## Contract',
    ['Effect', 'Probe', 'What', 'A', 'B', 'Concerns'],
    ordered.map((row) => [row.effect, row.probe, row.aspect, row.before ?? '–', row.after ?? '–', row.hurts]),
  )
}

function tokensPart({ tokens }: ServiceJudgement): string[] {
  if (tokens === null) return []
  const { ratio } = tokens
  const factor = (value: number) => value.toFixed(3)
  return drawn(
    '## Recorded requests',
    ['', 'A', 'B'],
    [
      ['tokens a prompt, mean', whole(tokens.meanBefore), whole(tokens.meanAfter)],
      ['past the context', shareOf(tokens.overflowBefore), shareOf(tokens.overflowAfter)],
      ['perhaps cut without a word', String(tokens.truncatedBefore), String(tokens.truncatedAfter)],
    ],
  ).concat(
    ratio === null
      ? ['Fewer than two requests were counted by both, so there is no ratio.', '']
      : [
          `Tokens B ÷ A: ${factor(ratio.estimate)} (95 %: ${factor(ratio.lower)} to ${factor(ratio.upper)}), ${tokens.counted} of ${tokens.asked} requests counted by both.`,
          '',
        ],
  )
}

function cachePart({ cache }: ServiceJudgement): string[] {
  if (cache === null) return []
  const { before, after } = cache
  return drawn(
    '## Caches, nothing evicted',
    ['', 'A', 'B'],
    [
      ['exact hits', percent(before.exactHitShare), percent(after.exactHitShare)],
      [
        'exact hits in the second half',
        percent(before.exactHitShareWithoutSwitch),
        `${percent(after.exactHitShareAfterSwitch)} (cold keys)`,
      ],
      ['prompt blocks met before', percent(before.prefixReuseShare), percent(after.prefixReuseShare)],
    ],
  )
}

function dataPart(rows: readonly DataPathRow[]): string[] {
  if (rows.length === 0) return []
  return drawn(
    '## Data path, by calculation',
    ['Forecast ×', 'peak requests/s', 'GB a day', 'GB kept', 'lag after a busiest hour'],
    rows.map((row) => [
      String(row.times),
      row.peakPerSecond.toFixed(1),
      (row.bytesPerDay / 1e9).toFixed(3),
      (row.keptBytes / 1e9).toFixed(2),
      row.lagSeconds === null ? 'not measured' : `${Math.round(row.lagSeconds)} s`,
    ]),
  )
}

function drawn(heading: string, header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [heading, '', line(header), line(header.map(() => '---')), ...rows.map(line), '']
}

function shareOf({ count, of, lower, upper }: Share): string {
  return of === 0 ? 'unknown' : `${count} of ${of} (95 %: ${percent(lower)} to ${percent(upper)})`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function whole(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(0)
}

const ORDER = ['breaking', 'unknown', 'compatible']
