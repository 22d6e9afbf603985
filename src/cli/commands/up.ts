import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import packageJson from '#package.json' with { type: 'json' }
import {
  type DataFolder,
  dataFolder,
  endOrphans,
  lastLogLines,
  runningAllInOne,
  startAllInOne,
  stopAllInOne,
  writeWhole,
} from '../../apps/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Client } from '../../sdk/index.ts'
import { exitCodeOf } from '../change-view.ts'
import { becomesReady } from '../connect.ts'
import { megabytes, type Output, seconds, styled } from '../output.ts'
import { proposeAndStart } from '../propose.ts'
import { samplePath, serveModelFile } from '../sample.ts'
import { type GlobalOptions, openSession, type Session } from '../session.ts'
import { watchChange } from '../watch-change.ts'
import { headline } from './change.ts'
import { integer } from './serving.ts'

const START_TIMEOUT_MS = 60_000

interface UpOptions extends GlobalOptions {
  readonly controlPort: number
  readonly gatewayPort: number
  readonly bare?: boolean
}

export function addUpCommands(program: Command): void {
  program
    .command('up')
    .description('start everything on this machine; the first time with the sample change')
    .option('--control-port <port>', 'port of control and the dashboard', integer, 8081)
    .option('--gateway-port <port>', 'port of the gateway', integer, 8080)
    .option('--bare', 'without the sample')
    .addHelpText('after', '\nExample:\n  $ slipway up --bare')
    .action((_, command: Command) => up(command.optsWithGlobals()))
  program
    .command('down')
    .description('stop everything; what was stored stays')
    .addHelpText('after', '\nExample:\n  $ slipway down')
    .action((_, command: Command) => down(command.optsWithGlobals()))
  program
    .command('open [page]')
    .description('print an address that signs a browser in, once')
    .addHelpText('after', '\nExample:\n  $ slipway open /changes/c-7f3a')
    .action((page: string | undefined, _, command: Command) => open(page ?? '/', command.optsWithGlobals()))
}

async function up(options: UpOptions): Promise<void> {
  const session = openSession(options)
  const { output } = session
  const folder = dataFolder(session.folder)
  output.line(
    `  slipway ${packageJson.version}  ·  node ${process.versions.node.split('.')[0]}  ·  store: ${process.env.DATABASE_URL === undefined ? 'embedded' : 'postgres'}  ·  data: ${relative('.', session.folder) || '.'}`,
  )
  await ensureRunning(session, folder, options)
  const { control, gateway } = session.credentials()
  output.line(`  ${styled('green', '✔')} control  ${control}     ${styled('green', '✔')} gateway  ${gateway}`)
  if (options.bare === true) {
    output.result({ control, gateway })
    return
  }
  await tellSample(session, folder)
}

/** Starts what is not running yet, and waits until both doors are open. */
async function ensureRunning(
  { output, folder: root, credentials }: Session,
  folder: DataFolder,
  ports: UpOptions,
): Promise<void> {
  const startedMs = performance.now()
  if (runningAllInOne(folder) !== undefined)
    output.line(`  ${styled('green', '✔')} it runs already; this takes it up`)
  else {
    const { process: supervisor } = await startAllInOne(root, {
      control: ports.controlPort,
      gateway: ports.gatewayPort,
    })
    const hopeless = () => supervisor.exitCode !== null
    const untilMs = startedMs + START_TIMEOUT_MS
    const controlUp = await becomesReady(`http://127.0.0.1:${ports.controlPort}/readyz`, untilMs, hopeless)
    if (!controlUp) throw failedStart(output, folder, 'control', ports.controlPort)
    if (!(await becomesReady(`http://127.0.0.1:${ports.gatewayPort}/readyz`, untilMs, hopeless)))
      throw failedStart(output, folder, 'gateway-0', ports.gatewayPort)
    return
  }
  if (!(await becomesReady(`${credentials().control}/readyz`, startedMs + START_TIMEOUT_MS)))
    throw failedStart(output, folder, 'control', ports.controlPort)
}

function failedStart(output: Output, folder: DataFolder, name: string, port: number): SlipwayError {
  for (const line of lastLogLines(folder, name, 5)) output.line(styled('dim', `    ${line}`))
  return new SlipwayError('control_unavailable', { url: `http://127.0.0.1:${port} (${name})` })
}

/** The first five minutes: a model that serves, a change that goes live. What is stored already is not done again. */
async function tellSample(session: Session, folder: DataFolder): Promise<void> {
  const { output } = session
  const client = session.client()
  const known = await client.call('listModels')
  if (known.items.length > 0 && existsSync(join(folder.root, 'sample-done')))
    return await tellStored(client, session)
  const served = await serveModelFile(
    client,
    samplePath('spam', 'model.yaml'),
    join(folder.root, 'traffic.json'),
  )
  output.line(
    `  ${styled('green', '✔')} ${served.model} ${served.champion} serving (${served.engine}, ${served.replicas} replica, ${await replicaMemory(client)})        live traffic: e-mails of the sample set`,
  )
  const open = await client.call('listChanges', { query: { model: served.model, limit: 100 } })
  const change = open.items.at(-1) ?? (await proposeAndStart(client, samplePath('spam', 'change.yaml')))
  output.line(`  ${headline(change)}`)
  const stop = new AbortController()
  process.once('SIGINT', () => {
    output.line(`\n  It goes on in control. Again: slipway up. To stop everything: slipway down`)
    process.exit(2)
  })
  const ended = await watchChange(client, change.id, output, stop.signal)
  writeWhole(join(folder.root, 'sample-done'), `${change.id}\n`)
  output.line(
    `    ${styled('dim', 'before:')} ${change.champion.label} 100 %   ${styled('dim', 'now:')} ${await splitNow(client, served.model)}`,
  )
  await tellNext(session, client, `/changes/${change.id}`)
  output.result({ ...session.credentials(), key: undefined, change: ended })
  process.exitCode = exitCodeOf(ended)
}

async function tellStored(client: Client, session: Session): Promise<void> {
  const { output } = session
  const untilMs = performance.now() + START_TIMEOUT_MS
  const wantsMore = async () =>
    (await client.call('listDeployments')).items.filter(
      (row) => row.traffic_pct > 0 && row.ready_replicas === 0,
    )
  while ((await wantsMore()).length > 0 && performance.now() < untilMs)
    await new Promise((settle) => setTimeout(settle, 100))
  const report = await client.call('status')
  for (const model of report.models)
    output.line(`  ${styled('green', '✔')} ${model.model} serving: ${await splitNow(client, model.model)}`)
  output.result(report)
  await tellNext(session, client, '/')
}

async function tellNext(session: Session, client: Client, page: string): Promise<void> {
  const { output } = session
  output.line(`  Open ${await signInAddress(session, client, page)}`)
  output.line(`  Next: slipway change run ${relativeSample('slow-burn')}     To stop: slipway down`)
}

function relativeSample(name: string): string {
  return existsSync(join('samples', name)) ? `samples/${name}/change.yaml` : samplePath(name, 'change.yaml')
}

async function signInAddress(session: Session, client: Client, page: string): Promise<string> {
  const { code } = await client.call('createSignIn')
  const query = new URLSearchParams({ code, to: page })
  return `${session.credentials().control}/sign-in?${query}`
}

async function splitNow(client: Client, model: string): Promise<string> {
  const { shares } = await client.call('getTraffic', { params: { model } })
  return Object.entries(shares)
    .filter(([, percent]) => percent > 0)
    .map(([version, percent]) => `${version} ${percent} %`)
    .join(', ')
}

async function replicaMemory(client: Client): Promise<string> {
  const { processes } = await client.call('status')
  return megabytes(processes.find((process) => process.kind === 'replica')?.memoryBytes ?? null)
}

async function down(options: GlobalOptions): Promise<void> {
  const { output, folder: root } = openSession(options)
  const folder = dataFolder(root)
  const startedMs = performance.now()
  const run = runningAllInOne(folder)
  output.live('  stopping: requests in flight are answered first')
  if (run !== undefined && !(await stopAllInOne(run, 90_000)))
    throw new SlipwayError('conflict', { what: `Process ${run.pid} still runs; it` })
  // What a killed supervisor left behind ends here too.
  const orphans = existsSync(folder.run) ? await endOrphans(folder, { replicas: true }) : []
  const stopped = run !== undefined || orphans.length > 0
  output.line(
    stopped
      ? `  ${styled('green', '✔')} stopped in ${seconds(performance.now() - startedMs)}`
      : '  nothing runs here',
  )
  output.result({ stopped })
}

async function open(page: string, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  const address = await signInAddress(session, session.client(), page)
  session.output.line(address)
  session.output.result({ address })
}
