import { readFile, stat, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { isSlipwayError, SlipwayError, systemClock } from '../../kernel/index.ts'
import {
  type DataPathRow,
  dataPath,
  probeRecovery,
  type RecordedRequest,
  type Recovery,
  readRecords,
  readServiceTarget,
  runService,
  type ServiceTarget,
  serviceReport,
} from '../../lab/index.ts'
import { type GlobalOptions, openSession, type Session } from '../session.ts'

interface ServiceOptions {
  readonly records?: string
  readonly report?: string
  readonly repeats: number
  readonly most: number
  readonly timeout: number
  readonly contextA?: number
  readonly contextB?: number
  readonly requestsPerDay?: number
  readonly bytesPerRecord?: number
  readonly drain?: number
  readonly peak: number
  readonly kill?: number
  readonly recoverWithin: number
  readonly mostLost: number
  readonly retention: number
  readonly keyEnv?: string
  readonly keyEnvB?: string
}

export function addLabServiceCommand(program: Command): void {
  const lab =
    program.commands.find((command) => command.name() === 'lab') ??
    program.command('lab').description('instruments that need no change')
  lab
    .command('service <A> <B>')
    .description('what clients of A meet when B answers them: contract, tokens, context, caches, data path')
    .option('--records <file>', 'recorded requests as JSON lines, in the order they came')
    .option('--most <n>', 'recorded requests that are asked', Number, 200)
    .option('--repeats <n>', 'requests of each probe', Number, 3)
    .option('--timeout <seconds>', 'of each request', Number, 60)
    .option('--context-a <tokens>', 'that a request of A may use', Number)
    .option('--context-b <tokens>', 'that a request of B may use', Number)
    .option('--requests-per-day <n>', 'forecast, for the data path', Number)
    .option('--bytes-per-record <n>', 'of the log, measured', Number)
    .option('--drain <n>', 'records a second that the store takes, measured', Number)
    .option('--peak <factor>', 'busiest hour over the mean of the day', Number, 3)
    .option('--retention <days>', 'of the log', Number, 30)
    .option('--kill <pid>', 'then kill this process of B, on this machine, under load', Number)
    .option('--recover-within <seconds>', 'after the kill', Number, 10)
    .option('--most-lost <percent>', 'of the requests after the kill', Number, 1)
    .option(
      '--key-env <variable>',
      'environment variable that holds the key of A, and of B without --key-env-b',
    )
    .option('--key-env-b <variable>', 'the same for B')
    .option('--report <file>', 'write it as Markdown')
    .addHelpText(
      'after',
      '\nThe gateway of this installation gets its own key.\n\nExamples:\n  $ slipway lab service slipway+http://127.0.0.1:8080#support@v1 slipway+http://127.0.0.1:8080#support@v2\n  $ slipway lab service openai+http://127.0.0.1:8000/v1#old openai+http://127.0.0.1:8001/v1#new --records asked.jsonl --report diff.md',
    )
    .action((a: string, b: string, wanted: ServiceOptions, command: Command) =>
      service(a, b, wanted, command.optsWithGlobals()),
    )
}

async function service(a: string, b: string, wanted: ServiceOptions, options: GlobalOptions): Promise<void> {
  checkNumbers(wanted)
  const session = openSession(options)
  const keyOf = (address: string, variable: string | undefined) =>
    variable === undefined ? ownKey(address, session) : keyIn(variable)
  const targets = [
    readServiceTarget(a, keyOf(a, wanted.keyEnv)),
    readServiceTarget(b, keyOf(b, wanted.keyEnvB ?? wanted.keyEnv)),
  ] as const
  const records = wanted.records === undefined ? [] : await readFileOf(wanted.records)
  const stop = new AbortController()
  const onInterrupt = () => stop.abort(new SlipwayError('invalid_request', { reason: 'Stopped.' }))
  process.once('SIGINT', onInterrupt)
  try {
    const plan = {
      repeats: wanted.repeats,
      mostAsked: wanted.most,
      timeoutMs: wanted.timeout * 1000,
      windows: { before: wanted.contextA ?? null, after: wanted.contextB ?? null },
    }
    const run = await runService(targets, records, plan, { clock: systemClock, signal: stop.signal })
    const recovery = await recoveryOf(targets[1], wanted, stop.signal)
    const data = dataOf(wanted)
    const names = [targets[0].name, targets[1].name] as const
    const report = serviceReport(names, run.judgement, data, recovery)
    session.output.result({ targets: names, plan, ...run, dataPath: data, recovery })
    for (const line of report.split('\n')) session.output.line(line)
    if (wanted.report !== undefined) await writeFile(wanted.report, report)
    process.exitCode = exitOf(run.judgement.status, recovery)
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

function keyIn(variable: string): string {
  const key = process.env[variable]
  if (key !== undefined && key !== '') return key
  throw new SlipwayError('invalid_request', { reason: `The environment variable ${variable} holds no key.` })
}

/** Kills what the user named, once the load on B is answered. */
async function recoveryOf(
  target: ServiceTarget,
  { kill, recoverWithin, mostLost, timeout }: ServiceOptions,
  signal: AbortSignal,
): Promise<Recovery | null> {
  if (kill === undefined) return null
  const plan = {
    ratePerSecond: 10,
    beforeMs: 3000,
    // Twice the bound, so that a late recovery is still seen, and some seconds that show it lasts.
    afterMs: recoverWithin * 2000 + 5000,
    timeoutMs: timeout * 1000,
    recoverWithinMs: recoverWithin * 1000,
    mostLostShare: mostLost / 100,
  }
  return probeRecovery(target, () => void process.kill(kill, 'SIGKILL'), plan, { clock: systemClock, signal })
}

function exitOf(status: keyof typeof EXIT, recovery: Recovery | null): number {
  if (status === 'fail' || recovery?.status === 'fail') return EXIT.fail
  return recovery?.status === 'invalid' ? EXIT.inconclusive : EXIT[status]
}

function checkKill(pid: number | undefined): void {
  if (pid === undefined) return
  if (!Number.isInteger(pid) || pid < 2 || pid === process.pid)
    throw refused('--kill must be the id of another process')
  try {
    // Signal 0 asks whether it is there and may be killed.
    process.kill(pid, 0)
  } catch {
    throw refused(`--kill ${pid} is no process that may be killed`)
  }
}

function checkNumbers(wanted: ServiceOptions): void {
  const whole = (option: string, value: number | undefined, most: number) => {
    if (value !== undefined && !(Number.isInteger(value) && value > 0 && value <= most))
      throw refused(`${option} must be a whole number from 1 to ${most}`)
  }
  whole('--repeats', wanted.repeats, 20)
  whole('--most', wanted.most, 10_000)
  whole('--timeout', wanted.timeout, 600)
  whole('--context-a', wanted.contextA, 1e9)
  whole('--context-b', wanted.contextB, 1e9)
  whole('--retention', wanted.retention, 10_000)
  whole('--recover-within', wanted.recoverWithin, 600)
  if (!(wanted.mostLost >= 0 && wanted.mostLost <= 100)) throw refused('--most-lost must be from 0 to 100')
  checkKill(wanted.kill)
  for (const [option, value] of [
    ['--requests-per-day', wanted.requestsPerDay],
    ['--bytes-per-record', wanted.bytesPerRecord],
    ['--drain', wanted.drain],
    ['--peak', wanted.peak],
  ] as const)
    if (value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw refused(`${option} must be a number above 0`)
  if ((wanted.requestsPerDay === undefined) !== (wanted.bytesPerRecord === undefined))
    throw refused('The data path needs both --requests-per-day and --bytes-per-record')
}

function dataOf({ requestsPerDay, bytesPerRecord, drain, peak, retention }: ServiceOptions): DataPathRow[] {
  if (requestsPerDay === undefined || bytesPerRecord === undefined) return []
  return dataPath({
    requestsPerDay,
    bytesPerRecord,
    peakOverMean: peak,
    retentionDays: retention,
    drainPerSecond: drain ?? null,
  })
}

/** The installation's key goes to its own gateway and nowhere else. */
function ownKey(address: string, session: Session): string | undefined {
  try {
    const { gateway, key } = session.credentials()
    const url = address.replace(/^slipway\+/, '')
    return URL.canParse(url) && new URL(url).origin === new URL(gateway).origin ? key : undefined
  } catch (error) {
    if (isSlipwayError(error) && error.code === 'control_unavailable') return undefined
    throw error
  }
}

async function readFileOf(file: string): Promise<RecordedRequest[]> {
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => undefined,
  )
  if (bytes === undefined) throw refused(`${file} is not there`)
  if (bytes > MOST_FILE_BYTES) throw refused(`${file} is larger than ${MOST_FILE_BYTES} bytes`)
  return readRecords(await readFile(file, 'utf8'), file)
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason: `${reason}.` })
}

const MOST_FILE_BYTES = 256_000_000
const EXIT = { pass: 0, fail: 1, inconclusive: 2 } as const
