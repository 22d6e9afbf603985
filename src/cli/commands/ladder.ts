import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { type Ladder, ladder } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { explainLadder, type LadderOutcome } from '../../sim/index.ts'
import { styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

export function addLadderCommand(program: Command): void {
  program
    .command('ladder')
    .description('what answers when the best does not')
    .command('explain <file>')
    .description('draw the rungs of a policy, and how they do in trouble, before it is switched on')
    .option('--requests-per-second <n>', 'traffic to try it with', Number, 50)
    .option('--seed <n>', 'of the simulated faults', Number, 1)
    .addHelpText('after', '\nExample:\n  $ slipway ladder explain serving.yaml')
    .action((file: string, options: ExplainOptions, command: Command) =>
      explain(file, options, command.optsWithGlobals()),
    )
}

interface ExplainOptions {
  readonly requestsPerSecond: number
  readonly seed: number
}

async function explain(file: string, wanted: ExplainOptions, options: GlobalOptions): Promise<void> {
  const { output } = openSession(options)
  const { requestsPerSecond, seed } = wanted
  if (!(requestsPerSecond > 0 && requestsPerSecond <= 1000))
    throw new SlipwayError('invalid_request', {
      reason: '--requests-per-second must be above 0, at most 1000.',
    })
  const policy = readLadder(await readFile(file, 'utf8'), file)
  const { faults, outcomes } = explainLadder(policy, requestsPerSecond, seed)
  output.result({ ladder: policy, faults, outcomes })
  for (const line of drawing(policy)) output.line(line)
  output.line()
  for (const fault of faults) output.line(`${styled('red', '✘')} ${fault}`)
  if (faults.length > 0) {
    process.exitCode = 1
    return
  }
  output.line(`Seven minutes at ${requestsPerSecond} requests a second; trouble from minute 1 to minute 4:`)
  for (const line of outcomesTable(policy, outcomes)) output.line(line)
}

/** A file that is a ladder, or has one under `ladder`, as a serving policy does. */
export function readLadder(text: string, file: string): Ladder {
  let written: unknown
  try {
    written = parse(text, { maxAliasCount: 50 })
  } catch (error) {
    throw new SlipwayError('policy_invalid', { reason: `${file} is not YAML: ${(error as Error).message}` })
  }
  const isPolicy = typeof written === 'object' && written !== null && 'ladder' in written
  const parsed = ladder.safeParse(isPolicy ? (written as { ladder: unknown }).ladder : written)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = [...(isPolicy ? ['ladder'] : []), ...(issue?.path ?? [])].join('.')
  throw new SlipwayError('policy_invalid', {
    reason: `${file}: ${place}: ${issue?.message ?? 'not a ladder'}`,
  })
}

function drawing(policy: Ladder): string[] {
  const lines = policy.rungs.flatMap((rung, index) => {
    const { on, openAboveRate, closeBelowRate, holdMs, windowMs } = rung.trigger
    const isLast = index === policy.rungs.length - 1
    const bar = '█'.repeat(Math.max(1, Math.round(rung.quality * 20))).padEnd(20)
    const head = `${styled('bold', rung.name.padEnd(14))} ${bar} quality ${rung.quality}   ${whatOf(rung)}`
    if (rung.kind === 'static') return [head]
    return [
      head,
      `  ${isLast ? '└' : '│'} on ${on.join(', ') || 'nothing'}; set aside at ${percent(openAboveRate)} of ${windowMs / 1000} s, back below ${percent(closeBelowRate)}, each for ${holdMs / 1000} s at least`,
    ]
  })
  const refuses =
    policy.rungs.at(-1)?.kind === 'static' ? [] : ['refused        the first failure is told as it was']
  return [
    ...lines,
    ...refuses,
    `At most ${percent(policy.monthlyDegradedShare)} of a month's answers may come from below.`,
  ]
}

function whatOf(rung: Ladder['rungs'][number]): string {
  if (rung.kind === 'primary') return 'the version that the traffic split chose'
  if (rung.kind === 'version')
    return `version ${rung.version}${rung.model === undefined ? '' : ` of ${rung.model}`}`
  if (rung.kind === 'cached') return `an answer to the same question, at most ${rung.maxAgeMs / 1000} s old`
  return `“${rung.text.slice(0, 60)}”`
}

function outcomesTable(policy: Ladder, outcomes: readonly LadderOutcome[]): string[] {
  const seconds = (ms: number | null) => (ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`)
  return table(
    [
      'When',
      ...policy.rungs.map(({ name }) => name),
      'refused',
      'quality',
      'aside after',
      'back after',
      'switches',
    ],
    outcomes.map((outcome) => [
      outcome.scenario,
      ...policy.rungs.map(({ name }) => percent(outcome.answered[name] ?? 0)),
      percent(outcome.refused),
      outcome.quality.toFixed(2),
      seconds(outcome.setAsideAfterMs),
      seconds(outcome.backAfterMs),
      String(outcome.switches),
    ]),
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
}
