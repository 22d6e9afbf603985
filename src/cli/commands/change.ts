import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Change, ChangeEvent } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import { classTable, exitCodeOf } from '../change-view.ts'
import { writeNewChange } from '../new-change.ts'
import { ago, type Output, seconds, styled, table } from '../output.ts'
import { proposeAndStart, readProposal } from '../propose.ts'
import { type GlobalOptions, openSession } from '../session.ts'
import { watchChange } from '../watch-change.ts'

export function addChangeCommands(program: Command): void {
  const change = program.command('change').description('propose, check, roll out, take back')
  const on = (
    usage: string,
    description: string,
    example: string,
    act: (id: string, options: GlobalOptions & Record<string, unknown>) => Promise<void>,
  ) =>
    change
      .command(usage)
      .description(description)
      .addHelpText('after', `\nExample:\n  $ slipway ${example}`)
      .action((id: string, _: unknown, command: Command) => act(id, command.optsWithGlobals()))

  on('new <file>', 'write a change file from a few questions', 'change new change.yaml', writeNewChange)
  on(
    'plan <file>',
    'what would be run, how long, what it can detect',
    'change plan samples/spam/change.yaml',
    plan,
  )
  on(
    'run <file>',
    'propose, check and roll out, and watch',
    'change run samples/spam/change.yaml',
    run,
  ).option('--detach', 'do not wait for the end')
  on(
    'start <change>',
    'run checks again that were invalid or broke off, or let a change into its canary',
    'change start c-7f3a',
    start,
  )
  on('watch <change>', 'follow a change that runs', 'change watch c-7f3a', watch)
  change
    .command('list')
    .description('all changes, newest first')
    .action((_, command: Command) => list(command.optsWithGlobals()))
  on('status <change>', 'where a change stands', 'change status c-7f3a', status)
  on('report <change>', 'the report as Markdown', 'change report c-7f3a --bundle bundle.json', report).option(
    '--bundle <file>',
    'write the bundle for `slipway verify`',
  )
  on('approve <change>', 'sign the evidence', 'change approve c-7f3a --note "looks right"', approve).option(
    '--note <text>',
    'why',
    '',
  )
  on(
    'waive <change>',
    'let a blocked or inconclusive change go on, until a day',
    'change waive c-7f3a --until 2026-12-24 --why "the slow page is rebuilt by then"',
    waive,
  )
    .requiredOption('--until <date>', 'when it ends, at most 30 days from now: 2026-12-24, or with a time')
    .requiredOption('--why <text>', 'why it may go on')
  on('abort <change>', 'roll back or withdraw', 'change abort c-7f3a --reason "not now"', abort).option(
    '--reason <text>',
    'why',
    'stopped by hand',
  )
  on('pause <change>', 'hold the canary where it is', 'change pause c-7f3a', pause)
  on(
    'resume <change>',
    'go on with a held canary, or into one that waits for a key with deploy',
    'change resume c-7f3a',
    resume,
  )
}

async function plan(file: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const planned = await api.call('planChange', { body: await readProposal(api, file) })
  output.result(planned)
  output.line(`${styled('bold', 'policy')}         ${planned.policy.name}   ${planned.policy.hash}`)
  for (const check of planned.plans) {
    output.line(`${styled('bold', check.check.padEnd(14))} about ${seconds(check.expectedMs)}`)
    for (const says of check.says) output.line(`  ${says}`)
  }
  output.line(styled('bold', 'canary'))
  for (const line of table(
    ['Step', 'Guard', 'Requests/s', 'Equal one promoted', 'Rise caught'],
    planned.rollout.map((step) => [
      `${step.sharePercent} %`,
      step.guard,
      step.requestsPerSecond.toFixed(0),
      step.promoteMs === null ? 'never at this traffic' : seconds(step.promoteMs),
      step.detectableRise === null
        ? '–'
        : `+${(step.detectableRise * 100).toFixed(1)} pp in ${seconds(step.withinMs)}`,
    ]),
  ))
    output.line(`  ${line}`)
  for (const reason of planned.impossible) output.line(`${styled('red', '✘')} ${reason}`)
  // A doubt refuses nothing, but it says that the plan may not decide.
  if (planned.impossible.length > 0) process.exitCode = 2
}

async function run(file: string, options: GlobalOptions & { detach?: boolean }): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const change = await proposeAndStart(api, file)
  output.line(headline(change))
  if (options.detach === true) {
    output.result(change)
    output.line(`  slipway change watch ${change.id}`)
    return
  }
  await follow(change.id, options)
}

async function start(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  output.line(headline(await client().call('startChange', { params: { change: id } })))
  await follow(id, options)
}

async function watch(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  output.line(headline(await client().call('getChange', { params: { change: id } })))
  await follow(id, options)
}

async function follow(id: string, options: GlobalOptions): Promise<void> {
  const { output, client, credentials } = openSession(options)
  const stop = new AbortController()
  process.once('SIGINT', () => {
    stop.abort()
    output.line(
      `\n  It goes on in control. To follow it again: slipway change watch ${id}. To end it: slipway change abort ${id}`,
    )
    process.exit(2)
  })
  const change = await watchChange(client(), id, output, stop.signal)
  output.result(change)
  output.line(`  ${credentials().control}/changes/${id}`)
  process.exitCode = exitCodeOf(change)
}

export function headline(change: Change): string {
  const { proposal } = change
  return `▸ change ${styled('bold', change.id)}  ${proposal.model} ${change.champion.label} → ${change.candidate.label}   goal: ${proposal.goal}    “${proposal.hypothesis}”`
}

async function list(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const { items } = await client().call('listChanges')
  output.result(items)
  for (const line of table(
    ['Change', 'Model', 'From → to', 'Goal', 'State', 'Opened', 'Why'],
    items.map((item) => [
      item.id,
      item.proposal.model,
      `${item.champion.label} → ${item.candidate.label}`,
      item.proposal.goal,
      item.state,
      ago(item.createdAt, Date.now()),
      cut(item.reason ?? item.verdict?.sentence ?? ''),
    ]),
  ))
    output.line(line)
}

function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

async function status(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const change = await api.call('getChange', { params: { change: id } })
  const { rollout, looks } = await api.call('getRollout', { params: { change: id } })
  const { items: events } = await api.call('listChangeEvents', { params: { change: id } })
  output.result({ change, rollout, look: looks.at(-1) ?? null, events })
  output.line(headline(change))
  output.line(`  ${styled('bold', change.state)}${change.reason === null ? '' : `: ${change.reason}`}`)
  for (const check of change.checks)
    output.line(
      `  ${check.check.padEnd(14)} ${check.status.padEnd(12)} ${check.summary ?? `${check.done}/${check.total} ${check.unit}`}`,
    )
  for (const line of debtLines(events)) output.line(`  ${line}`)
  if (change.verdict !== null) {
    output.line()
    for (const line of classTable(change.verdict.table)) output.line(`  ${line}`)
    output.line(`\n  ${styled('bold', change.verdict.sentence)}`)
  }
  const look = looks.at(-1)
  if (rollout !== null)
    output.line(
      `\n  canary ${rollout.state} at ${rollout.plan.steps[rollout.step] ?? 0} %${look === undefined ? '' : `: ${look.reason}`}`,
    )
  output.line()
  for (const event of events)
    output.line(
      `  ${styled('dim', new Date(event.at).toISOString())}  ${event.actor.padEnd(12)} ${event.type}`,
    )
  process.exitCode = ['blocked', 'rolled-back'].includes(change.state) ? 1 : 0
}

/** What the change goes on by, and how often its held-out data was used. */
function debtLines(events: readonly ChangeEvent[]): string[] {
  const read = events.findLast(({ type }) => type === 'holdout-read')?.data
  const lines = events
    .filter(({ type }) => type === 'change-waived')
    .map(({ actor, data }) => {
      const until = new Date(Number(data.until))
      const state = until.getTime() > Date.now() ? '' : ' (ended)'
      return `${styled('yellow', 'waived')}         by ${actor} until ${until.toISOString()}${state}: ${data.why}`
    })
  if (read === undefined) return lines
  const isWorn = Number(read.judged) > Number(read.warnAbove)
  const worn = isWorn ? `; ${styled('yellow', `more than ${read.warnAbove}: refresh the held-out data`)}` : ''
  return [
    ...lines,
    `holdout        ${read.dataset} read ${read.reads} times, judged ${read.judged} candidates${worn}`,
  ]
}

async function report(id: string, options: GlobalOptions & { bundle?: string }): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const markdown = await api.call('getReport', { params: { change: id } })
  output.result({ report: markdown })
  output.line(markdown)
  if (options.bundle === undefined) return
  await writeFile(
    options.bundle,
    `${JSON.stringify(await api.call('getBundle', { params: { change: id } }))}\n`,
  )
  output.line(`bundle: ${options.bundle}`)
}

async function approve(id: string, options: GlobalOptions & { note?: string }): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  const change = await api.call('getChange', { params: { change: id } })
  if (change.verdict === null)
    throw new SlipwayError('change_conflict', {
      change: id,
      state: change.state,
      action: 'be signed before its verdict',
    })
  const { evidenceHash } = change.verdict
  const approved = await api.call('approveChange', {
    params: { change: id },
    body: { evidenceHash, note: options.note ?? '' },
  })
  told(output, approved, `signed ${evidenceHash.slice(7, 15)}…`)
}

async function waive(id: string, options: GlobalOptions & { until?: string; why?: string }): Promise<void> {
  const { output, client } = openSession(options)
  const until = Date.parse(options.until ?? '')
  if (Number.isNaN(until))
    throw new SlipwayError(
      'invalid_request',
      { reason: `"${options.until}" is no date; write 2026-12-24 or 2026-12-24T18:00Z.` },
      { pointer: '--until' },
    )
  const waived = await client().call('waiveChange', {
    params: { change: id },
    body: { until, why: options.why ?? '' },
  })
  told(output, waived, `waived until ${new Date(until).toISOString()}`)
}

async function abort(id: string, options: GlobalOptions & { reason?: string }): Promise<void> {
  const { output, client } = openSession(options)
  told(
    output,
    await client().call('abortChange', {
      params: { change: id },
      body: { reason: options.reason ?? 'stopped by hand' },
    }),
    'stopped',
  )
}

async function pause(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  told(output, await client().call('pauseChange', { params: { change: id } }), 'held')
}

async function resume(id: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  told(output, await client().call('resumeChange', { params: { change: id } }), 'goes on')
}

function told(output: Output, change: Change, what: string): void {
  output.result(change)
  output.line(`${styled('green', '✔')} ${change.id} ${what}; it is ${change.state}`)
}
