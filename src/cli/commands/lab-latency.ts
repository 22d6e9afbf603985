import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { SlipwayError, systemClock } from '../../kernel/index.ts'
import {
  analyseTrial,
  type EvidenceFile,
  evidenceHash,
  fixedRules,
  htmlTrial,
  markdownTrial,
  measureTrial,
  openEvidenceFile,
  openTarget,
  type Profile,
  profiles,
  readRecording,
  readTargetAddress,
  sizeMatrix,
  sizesOf,
  type TrialPlan,
  targetKinds,
  trialPlan,
  trialTables,
} from '../../lab/index.ts'
import { styled, table } from '../output.ts'
import { type GlobalOptions, openSession } from '../session.ts'

export function addLabLatencyCommand(program: Command): void {
  const lab =
    program.commands.find((command) => command.name() === 'lab') ??
    program.command('lab').description('instruments that need no change')
  lab
    .command('latency <a> [b]')
    .description('how fast anything with a URL is, or which of two is faster')
    .option('--profile <name>', profiles.join(', '), 'quick')
    .option('--rate <per-second>', 'of the open loop; left out: 65 % of the lower knee', Number)
    .option('--shape <name>', 'constant, poisson, gamma, step, ramp, spike', 'poisson')
    .option('--replay <file>', 'send recorded arrivals: JSON lines, or CSV of Azure or BurstGPT')
    .option('--sizes <in/out,...>', 'of short, medium, long')
    .option('--duration <time>', 'of each stretch of load, such as 15s', duration)
    .option('--pairs <n>', 'of stretches', Number)
    .option('--slo <bounds>', 'such as ttft=300ms,e2e=2s')
    .option('--metric <name>', 'that decides between two: e2e, ttft', 'e2e')
    .option('--margin <percent>', 'by which B may be slower', Number, 10)
    .option('--timeout <time>', 'of one request', duration, 60_000)
    .option('--body <file>', 'JSON sent to slipway, oip and http targets')
    .option('--exact', 'send ignore_eos and min_tokens for answers of exact length')
    .option('--key-env <variable>', 'environment variable that holds the key')
    .option('--key-env-b <variable>', 'the same for B')
    .option('--header-env <name=variable...>', 'further headers, from the environment')
    .option('--seed <n>', 'of arrivals and prompts', Number, 1)
    .option('--evidence <file>', 'keep each block there; the same command goes on after a stop')
    .option('--report <file>', 'write it as .md or .html')
    .addHelpText(
      'after',
      `
A target is kind+url#model; kinds: ${targetKinds.join(', ')}.

Examples:
  $ slipway lab latency openai+http://127.0.0.1:8000/v1#llama --slo ttft=300ms,e2e=2s
  $ slipway lab latency slipway+http://127.0.0.1:8080#spam@v1 slipway+http://127.0.0.1:8080#spam@v2 --body rows.json --key-env SLIPWAY_KEY --report out.html`,
    )
    .action((a: string, b: string | undefined, wanted: LatencyOptions, command: Command) =>
      latency(b === undefined ? [a] : [a, b], wanted, command.optsWithGlobals()),
    )
}

interface LatencyOptions {
  readonly profile: string
  readonly rate?: number
  readonly shape: string
  readonly replay?: string
  readonly sizes?: string
  readonly duration?: number
  readonly pairs?: number
  readonly slo?: string
  readonly metric: string
  readonly margin: number
  readonly timeout: number
  readonly body?: string
  readonly exact?: boolean
  readonly keyEnv?: string
  readonly keyEnvB?: string
  readonly headerEnv?: readonly string[]
  readonly seed: number
  readonly evidence?: string
  readonly report?: string
}

const CONNECTIONS = 1024

async function latency(
  names: readonly string[],
  wanted: LatencyOptions,
  options: GlobalOptions,
): Promise<void> {
  const { output } = openSession(options)
  const body = wanted.body === undefined ? null : await readFile(wanted.body, 'utf8')
  const headers = Object.fromEntries((wanted.headerEnv ?? []).map(headerOf))
  const targets = names.map((name, index) =>
    openTarget(readTargetAddress(name), {
      clock: systemClock,
      timeoutMs: wanted.timeout,
      connections: CONNECTIONS,
      key: secretOf(index === 0 ? wanted.keyEnv : (wanted.keyEnvB ?? wanted.keyEnv)),
      headers,
      body,
      exact: wanted.exact === true,
    }),
  )
  const stop = new AbortController()
  const interrupt = () => stop.abort(new DOMException('Stopped.', 'AbortError'))
  process.once('SIGINT', interrupt)
  try {
    const plan = await planOf(
      targets.map(({ name }) => name),
      wanted,
    )
    const file: EvidenceFile =
      wanted.evidence === undefined
        ? { finished: [], keep: async () => {} }
        : await openEvidenceFile(wanted.evidence, plan)
    const blocks = await measureTrial({
      plan,
      targets,
      clock: systemClock,
      signal: stop.signal,
      finished: file.finished,
      keep: file.keep,
      onStep: (step, done) =>
        output.live(
          `${done} blocks done · ${'AB'[step.target]} · ${step.kind === 'rung' ? `${step.concurrency} at once` : step.kind === 'cell' ? step.class : `${step.phase} ${step.pair + 1}, ${step.rate}/s`}`,
        ),
    })
    const reading = analyseTrial(plan, blocks)
    const hash = evidenceHash(plan, blocks)
    output.result({ plan, reading, hash })
    for (const { heading, header, rows } of trialTables(plan, reading)) {
      output.line(styled('bold', heading))
      for (const line of table(header, rows)) output.line(line)
      output.line()
    }
    output.line(`${reading.status}: ${reading.summary}`)
    if (wanted.report !== undefined)
      await writeFile(
        wanted.report,
        /\.html?$/i.test(wanted.report)
          ? htmlTrial(plan, blocks, reading, hash)
          : markdownTrial(plan, reading, hash),
      )
    if (reading.status === 'fail') process.exitCode = 1
    else if (reading.status === 'inconclusive' || reading.status === 'invalid') process.exitCode = 2
  } finally {
    process.off('SIGINT', interrupt)
    await Promise.all(targets.map((target) => target.close()))
  }
}

/** Throws `invalid_request` with the first option that cannot be. */
async function planOf(targets: string[], wanted: LatencyOptions): Promise<TrialPlan> {
  const profile = profiles.find((name) => name === wanted.profile)
  if (profile === undefined) throw wrong(`--profile is one of ${profiles.join(', ')}`)
  const sizes = sizesOf(profile, targets.length === 2)
  const read = trialPlan.safeParse({
    ...fixedRules,
    ...sizes,
    targets,
    seed: wanted.seed,
    classes: classesOf(wanted.sizes, profile),
    rate: wanted.rate ?? null,
    shape: wanted.shape,
    replayMs:
      wanted.replay === undefined
        ? null
        : readRecording(await readFile(wanted.replay, 'utf8'), wanted.replay).map(({ atMs }) => atMs),
    halfMs: wanted.duration ?? sizes.halfMs,
    pairs: wanted.pairs ?? sizes.pairs,
    metric: wanted.metric,
    margin: wanted.margin / 100,
    slo: boundsOf(wanted.slo),
    timeoutMs: wanted.timeout,
  })
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw wrong(`${issue?.path.join('.')}: ${issue?.message}`)
}

function classesOf(text: string | undefined, profile: Profile) {
  if (text === undefined)
    return profile === 'matrix' ? sizeMatrix : sizeMatrix.filter(({ name }) => name === 'short/short')
  return text.split(',').map((name) => {
    const found = sizeMatrix.find((size) => size.name === name.trim())
    if (found === undefined)
      throw wrong(`--sizes: ${name} is not one of ${sizeMatrix.map((size) => size.name).join(', ')}`)
    return found
  })
}

function boundsOf(text: string | undefined): TrialPlan['slo'] {
  const bounds: { ttftMs: number | null; e2eMs: number | null } = { ttftMs: null, e2eMs: null }
  for (const part of text?.split(',') ?? []) {
    const [name, value = ''] = part.trim().split('=')
    if (name !== 'ttft' && name !== 'e2e') throw wrong(`--slo bounds ttft and e2e, not ${name}`)
    bounds[`${name}Ms`] = duration(value)
  }
  return bounds
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text.trim())
  const ms =
    match === null ? 0 : Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm']
  if (!(ms > 0)) throw wrong(`"${text}" is no time such as 300ms, 2s or 1m`)
  return ms
}

function headerOf(text: string): [string, string] {
  const [name = '', variable = ''] = text.split('=')
  return [name.toLowerCase(), secretOf(variable) as string]
}

/** Secrets come from the environment, so that they are in no history and in no list of processes. */
function secretOf(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined
  const value = process.env[variable]
  if (value === undefined || value === '') throw wrong(`the environment has no ${variable}`)
  return value
}

function wrong(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason: reason.endsWith('.') ? reason : `${reason}.` })
}
