import type { Command } from 'commander'
import type { TextStats, TextTotals } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { count, styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

const SPANS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `slipway text stats <model>`: what the page of a model of text shows, in a terminal. */
export function addTextStatsCommand(program: Command): void {
  program
    .command('text')
    .description('what models of text answered')
    .command('stats <model>')
    .description('requests, tokens, costs, first tokens, fallbacks, caches, rules and accounts of a model')
    .option('--since <span>', 'how far back: 30m, 1h, 7d (a week at most)', '1h')
    .addHelpText('after', '\nExample:\n  $ slipway text stats support_chat --since 24h')
    .action((model: string, { since }: { since: string }, command: Command) =>
      stats(model, since, command.optsWithGlobals()),
    )
}

async function stats(model: string, since: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const spanMs = spanOf(since)
  const toMs = Date.now() + 1
  const told = await client().call('getTextStats', {
    params: { model },
    query: { fromMs: toMs - spanMs, toMs, sizeMs: Math.max(60_000, Math.ceil(spanMs / 1000)) },
  })
  output.result(told)
  for (const line of linesOf(told, since)) output.line(line)
}

function spanOf(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const spanMs = Number(amount) * (SPANS_MS[unit] ?? Number.NaN)
  if (spanMs > 0 && spanMs <= 7 * 86_400_000) return spanMs
  throw new SlipwayError('invalid_request', { reason: `"${text}" is no span; write 30m, 1h or 7d at most.` })
}

/** For people; nothing that is unknown is shown as zero. */
export function linesOf(stats: TextStats, since: string): string[] {
  const { model, rules, total, versions } = stats
  if (total.requests === 0) return [`${model}: nothing was asked in the last ${since}.`]
  const codes = Object.entries(total.codes).sort(([, left], [, right]) => right - left)
  return [
    `${model}: ${count(total.requests)} requests in the last ${since}`,
    '',
    ...table(
      HEADER,
      versions.map((version) => rowOf(version.version, version)),
    ),
    ...(codes.length === 0
      ? []
      : ['', `Not answered: ${codes.map(([code, n]) => `${code} ${count(n)}`).join(', ')}`]),
    ...ladderLines(stats),
    ...section(
      ['Rule', 'At', 'Mode', 'Passed', 'Redacted', 'Blocked', 'Broke'],
      rules.map((rule) => [
        rule.rule,
        rule.checkpoint,
        rule.mode,
        count(rule.pass),
        count(rule.redact),
        count(rule.block),
        count(rule.error),
      ]),
    ),
    ...section(['Account', 'Gateway', 'State', 'Answered', 'Left of its limits'], accountRows(stats)),
    ...section(
      ['Replica', 'Version', 'Running', 'Waiting', 'KV used', 'Reused', 'Tokens/s'],
      replicaRows(stats),
    ),
  ]
}

const HEADER = [
  'Version',
  'Requests',
  'Answered',
  'Tokens in',
  'out',
  'TTFT p50',
  'p95',
  'Gap p50',
  'Cached',
  'Cost',
]

function rowOf(version: string, totals: TextTotals): string[] {
  const { cache, itl, outcomes, requests, tokens, ttft } = totals
  const hits = cache.hit + cache.stale + cache.semantic
  return [
    version,
    count(requests),
    percent((outcomes.ok ?? 0) / requests),
    tokensOf(tokens.input, totals),
    tokensOf(tokens.output, totals),
    ms(ttft.p50Ms),
    ms(ttft.p95Ms),
    ms(itl.p50Ms),
    hits + cache.miss === 0 ? 'off' : percent(hits / (hits + cache.miss)),
    costOf(totals),
  ]
}

/** A sum that misses some requests says so. */
function tokensOf(tokens: number, { requests, tokens: { unknownRequests } }: TextTotals): string {
  if (unknownRequests === requests) return 'unknown'
  return unknownRequests > 0 ? `≥ ${count(tokens)}` : count(tokens)
}

function costOf({ costs }: TextTotals): string {
  return costs
    .map(({ costUsd, requests, state }) =>
      costUsd === null ? styled('yellow', `unknown for ${count(requests)}`) : `$${costUsd} ${state}`,
    )
    .join(', ')
}

function ladderLines({ gateways, rungs }: TextStats): string[] {
  const all = rungs.reduce((sum, { answers }) => sum + answers, 0)
  const months = gateways.flatMap(({ ladders }) => ladders.map(({ month }) => month))
  const lesser = months.reduce((sum, { degraded }) => sum + degraded, 0)
  const answers = months.reduce((sum, month) => sum + month.answers, 0)
  const lines = section(
    ['Rung', 'Answers', 'Share'],
    rungs.map((rung) => [rung.rung ?? 'primary', count(rung.answers), percent(rung.answers / all)]),
  )
  return months.length === 0
    ? lines
    : [...lines, `This month ${count(lesser)} of ${count(answers)} answers came from below the primary.`]
}

function accountRows({ gateways }: TextStats): string[][] {
  return gateways.flatMap(({ gateway, providers }) =>
    providers.flatMap(({ accounts, provider }) =>
      accounts.map(({ account, answered, headroom, state, tries }) => [
        `${provider}/${account}`,
        gateway,
        state === 'ready' ? state : styled('red', state),
        `${count(answered)} of ${count(tries)}`,
        headroom
          .map(
            ({ limit, remaining, what }) =>
              `${count(remaining)}${limit === null ? '' : ` of ${count(limit)}`} ${what || 'requests'}`,
          )
          .join(', ') || 'not told',
      ]),
    ),
  )
}

function replicaRows({ replicas }: TextStats): string[][] {
  const figure = (value: number | null, words: (value: number) => string) =>
    value === null ? '–' : words(value)
  return replicas.map((replica) => [
    replica.replica,
    replica.version,
    figure(replica.running, count),
    figure(replica.waiting, count),
    figure(replica.kvUsedShare, percent),
    figure(replica.reuseShare, percent),
    figure(replica.outputTokensPerSecond, (rate) => rate.toFixed(1)),
  ])
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', ...table(header, rows)]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
}

function ms(value: number | null): string {
  if (value === null) return '–'
  return value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`
}
