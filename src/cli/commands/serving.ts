import type { Command } from 'commander'
import { SlipwayError } from '../../kernel/index.ts'
import { ago, megabytes, styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'
import { gatewayCaughtUp } from '../wait-for-gateway.ts'

/** status, deploy, traffic, rollback, predict. */
export function addServingCommands(program: Command): void {
  program
    .command('status')
    .description('what runs: models, traffic, replicas, processes')
    .addHelpText('after', '\nExample:\n  $ slipway status --json')
    .action((_, command: Command) => status(command.optsWithGlobals()))
  program
    .command('deploy <model> <version>')
    .description('run a registered version')
    .option('--replicas <n>', 'how many', integer, 1)
    .option('--traffic <percent>', 'share of the requests once it is ready', Number, 0)
    .addHelpText('after', '\nExample:\n  $ slipway deploy spam_filter v2 --replicas 2')
    .action(
      (model: string, version: string, options: { replicas: number; traffic: number }, command: Command) =>
        deploy(model, version, options, command.optsWithGlobals()),
    )
  program
    .command('scale <model> <version> <replicas>')
    .description('change the number of replicas of a version that runs')
    .addHelpText('after', '\nExample:\n  $ slipway scale spam_filter v2 2')
    .action((model: string, version: string, replicas: string, _, command: Command) =>
      scale(model, version, integer(replicas), command.optsWithGlobals()),
    )
  program
    .command('stop <model> <version>')
    .description('drain and stop a version that has no traffic')
    .addHelpText('after', '\nExample:\n  $ slipway stop spam_filter v1')
    .action((model: string, version: string, _, command: Command) =>
      stop(model, version, command.optsWithGlobals()),
    )
  const traffic = program.command('traffic').description('the split of a model’s requests over its versions')
  traffic
    .command('set <model> <shares...>')
    .description('set the split; shares add up to 100')
    .addHelpText('after', '\nExample:\n  $ slipway traffic set spam_filter v1=90 v2=10')
    .action((model: string, shares: string[], _, command: Command) =>
      setTraffic(model, shares, command.optsWithGlobals()),
    )
  program
    .command('rollback <model>')
    .description('give all traffic back to the version that had it before')
    .addHelpText('after', '\nExample:\n  $ slipway rollback spam_filter')
    .action((model: string, _, command: Command) => rollback(model, command.optsWithGlobals()))
  program
    .command('predict <model> <inputs>')
    .description('send rows as JSON: one object, or a list of them')
    // Not `--version`: that is the program's own, and it would win.
    .option('--pin <version>', 'ask this version, whatever the split says')
    .option('--unit <id>', 'who asks, for the assignment')
    .addHelpText('after', `\nExample:\n  $ slipway predict spam_filter '{"text":"You have won"}'`)
    .action((model: string, inputs: string, options: { pin?: string; unit?: string }, command: Command) =>
      predict(model, inputs, options, command.optsWithGlobals()),
    )
}

async function status(options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const report = await client().call('status')
  output.result(report)
  output.line(
    `slipway ${report.version}  ·  store: ${report.store}  ·  up since ${ago(report.startedAt, Date.now())}`,
  )
  output.line()
  for (const line of table(
    ['Model', 'Version', 'Traffic', 'Status', 'Replicas', 'Reason'],
    report.deployments.map((row) => [
      row.model_name,
      row.version,
      `${row.traffic_pct} %`,
      row.status,
      `${row.ready_replicas}/${row.replicas}`,
      row.reason ?? '',
    ]),
  ))
    output.line(line)
  output.line()
  for (const line of table(
    ['Process', 'PID', 'Ready', 'Memory', 'Where'],
    report.processes.map((row) => [
      row.name,
      String(row.pid ?? '–'),
      row.ready ? styled('green', '✔') : styled('red', '✘'),
      megabytes(row.memoryBytes),
      row.address ?? '',
    ]),
  ))
    output.line(line)
  for (const model of report.models.filter((model) => model.openChanges.length > 0))
    output.line(`\n${model.model}: open changes ${model.openChanges.join(', ')}`)
}

async function deploy(
  model: string,
  version: string,
  wanted: { replicas: number; traffic: number },
  options: GlobalOptions,
): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  let deployment = await api.call('createDeployment', {
    body: {
      model_name: model,
      version,
      traffic_percent: wanted.traffic,
      resources: { replicas: wanted.replicas },
    },
  })
  const untilMs = performance.now() + 120_000
  const isUnderway = () =>
    deployment.status === 'deploying' ||
    (deployment.status === 'active' && wanted.traffic > 0 && deployment.traffic_pct === 0)
  while (isUnderway() && performance.now() < untilMs) {
    output.live(`${model} ${version}: ${deployment.ready_replicas}/${deployment.replicas} ready`)
    await new Promise((resolve) => setTimeout(resolve, 250))
    const { items } = await api.call('getDeployments', { params: { model } })
    deployment = items.find((row) => row.version === version) ?? deployment
  }
  await gatewayCaughtUp(api, 5000)
  output.result(deployment)
  output.line(
    `${deployment.status === 'active' ? styled('green', '✔') : styled('red', '✘')} ${model} ${version} is ${deployment.status}${deployment.reason === undefined ? '' : `: ${deployment.reason}`}`,
  )
  if (deployment.status !== 'active') process.exitCode = 1
}

async function scale(
  model: string,
  version: string,
  replicas: number,
  options: GlobalOptions,
): Promise<void> {
  const { output, client } = openSession(options)
  const deployment = await client().call('scaleDeployment', {
    params: { model, version },
    body: { replicas },
  })
  output.result(deployment)
  output.line(
    `${styled('green', '✔')} ${model} ${version}: ${replicas} wanted, ${deployment.ready_replicas} ready`,
  )
}

async function stop(model: string, version: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const deployment = await client().call('stopDeployment', { params: { model, version } })
  output.result(deployment)
  output.line(`${styled('green', '✔')} ${model} ${version} is ${deployment.status}`)
}

async function setTraffic(model: string, shares: readonly string[], options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const split = Object.fromEntries(shares.map(parseShare))
  const api = client()
  const traffic = await api.call('putTraffic', { params: { model }, body: split })
  await gatewayCaughtUp(api, 5000)
  output.result(traffic)
  output.line(`${styled('green', '✔')} ${model}: ${splitOf(traffic.shares)}`)
}

function parseShare(text: string): [string, number] {
  const [, version, percent] = /^([^=]+)=([\d.]+)%?$/.exec(text) ?? []
  if (version === undefined || percent === undefined)
    throw new SlipwayError('invalid_request', {
      reason: `"${text}" is not a share; write version=percent, like v2=10.`,
    })
  return [version, Number(percent)]
}

async function rollback(model: string, options: GlobalOptions): Promise<void> {
  const { output, client } = openSession(options)
  const api = client()
  let traffic = await api.call('rollback', { params: { model } })
  const { pending, revision } = traffic
  const untilMs = performance.now() + 60_000
  while (pending !== undefined && traffic.revision === revision && performance.now() < untilMs) {
    output.live(`${model} ${pending} was stopped; it is started again and takes all traffic when it is ready`)
    await new Promise((settle) => setTimeout(settle, 200))
    traffic = await api.call('getTraffic', { params: { model } })
  }
  output.result(traffic)
  await gatewayCaughtUp(api, 5000)
  const isBack = pending === undefined || traffic.shares[pending] === 100
  output.line(`${isBack ? styled('green', '✔') : styled('red', '✘')} ${model}: ${splitOf(traffic.shares)}`)
  if (!isBack) process.exitCode = 1
}

function splitOf(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .filter(([, percent]) => percent > 0)
    .map(([version, percent]) => `${version} ${percent} %`)
    .join(', ')
}

async function predict(
  model: string,
  inputs: string,
  options: { pin?: string; unit?: string },
  globals: GlobalOptions,
): Promise<void> {
  const { output, client } = openSession(globals)
  let rows: unknown
  try {
    rows = JSON.parse(inputs)
  } catch (cause) {
    throw new SlipwayError('body_not_json', { reason: (cause as Error).message })
  }
  const list = (Array.isArray(rows) ? rows : [rows]) as Record<string, unknown>[]
  const answer = await client().call('predict', {
    params: { model },
    body: {
      inputs: list,
      ...(options.pin === undefined ? {} : { params: { version: options.pin } }),
      ...(options.unit === undefined ? {} : { user: options.unit }),
    },
  })
  output.result(answer)
  for (const row of answer.outputs) output.line(`${answer.version}  ${JSON.stringify(row)}`)
}

export function integer(text: string): number {
  if (!/^\d+$/.test(text))
    throw new SlipwayError('invalid_request', { reason: `"${text}" is not a whole number.` })
  return Number(text)
}
