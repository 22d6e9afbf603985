import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { SlipwayError } from '../../kernel/index.ts'
import {
  type Assessment,
  assess,
  type EngineFeature,
  engineFeatures,
  findGpu,
  type KvType,
  kvTypes,
} from '../../sizing/index.ts'
import { besideParts } from '../compat/beside.ts'
import { htmlReport, markdownReport, type ReportPart, reportParts } from '../compat/report.ts'
import { type CompatTarget, compatTarget } from '../compat/target.ts'
import { styled, table } from '../output.ts'
import { type GlobalOptions, openSession, type Session } from '../session.ts'

export function addCompatCommand(program: Command): void {
  const lab =
    program.commands.find((command) => command.name() === 'lab') ??
    program.command('lab').description('instruments that need no change')
  lab
    .command('compat <change-or-file>')
    .description('what a model file is, what serves it, and what it takes, before anything is spent')
    .option(
      '--engine <name[@version]>',
      'vllm, sglang, tgi, tensorrt-llm, llama.cpp, node-llama-cpp, onnxruntime, ollama',
    )
    .option('--gpu <name>', 'such as h100, l4, rtx-4090')
    .option('--gpus <n>', 'of one replica; left out: the smallest group that holds it', Number)
    .option('--context <tokens>', 'of each request, prompt and answer', Number)
    .option('--concurrency <n>', 'requests held at once', Number)
    .option('--kv <type>', `type of the cache: ${Object.keys(kvTypes).join(', ')}`)
    .option('--feature <name...>', 'ask for a feature too')
    .option('--price <usd>', 'of one GPU an hour, instead of the list price', Number)
    .option('--train-tokens <n>', 'estimate full, LoRA and QLoRA training on so many', Number)
    .option('--with <file...>', 'other models that are to share the GPU')
    .option('--adapters <rank:count>', 'LoRA adapters on this model, such as 16:8')
    .option('--report <file>', 'write it as .md or .html')
    .addHelpText(
      'after',
      '\nExamples:\n  $ slipway lab compat model.gguf --gpu l4 --context 8192 --concurrency 8\n  $ slipway lab compat ./llama-3-8b --engine vllm@0.32.0 --gpu h100 --report fit.html\n  $ slipway lab compat c-7f3a',
    )
    .action((target: string, wanted: CompatOptions, command: Command) =>
      compat(target, wanted, command.optsWithGlobals()),
    )
}

interface CompatOptions {
  readonly engine?: string
  readonly gpu?: string
  readonly gpus?: number
  readonly context?: number
  readonly concurrency?: number
  readonly kv?: string
  readonly feature?: readonly string[]
  readonly price?: number
  readonly trainTokens?: number
  readonly with?: readonly string[]
  readonly adapters?: string
  readonly report?: string
}

async function compat(name: string, wanted: CompatOptions, options: GlobalOptions): Promise<void> {
  const session = openSession(options)
  if (/^c-[0-9a-f]+$/.test(name) && !existsSync(name)) return ofChange(name, session)
  const target = await compatTarget(name)
  const assessment = assessed(target, wanted)
  const beside = { models: wanted.with ?? [], adapters: adaptersOf(wanted.adapters) }
  const parts = [
    ...reportParts(target.facts, assessment),
    ...besideParts(target.name, target.facts, assessment, beside),
  ]
  session.output.result({ target: target.name, facts: target.facts, assessment })
  for (const part of parts) for (const line of drawn(part)) session.output.line(line)
  if (wanted.report !== undefined) {
    const draw = /\.html?$/i.test(wanted.report) ? htmlReport : markdownReport
    await writeFile(wanted.report, draw(`Compatibility of ${target.name}`, parts))
    session.output.line(`  written to ${wanted.report}`)
  }
  if (assessment.faults.length > 0) process.exitCode = 1
}

/** Evidence of a change that was checked, from a running installation. */
async function ofChange(change: string, { output, client }: Session): Promise<void> {
  const { items } = await client().call('listEvidence', { params: { change } })
  const evidence = items.findLast(({ check }) => check === 'compatibility')
  if (evidence === undefined)
    throw new SlipwayError('invalid_request', { reason: `${change} was not checked for compatibility yet.` })
  output.result(evidence)
  output.line(`${evidence.status === 'pass' ? styled('green', '✔') : styled('red', '✘')} ${evidence.summary}`)
  if (evidence.status !== 'pass') process.exitCode = 1
}

function assessed({ facts, needs, engineVersion }: CompatTarget, wanted: CompatOptions): Assessment {
  const [engine = needs.engine, version = engineVersion] = wanted.engine?.split('@') ?? []
  const context = whole('--context', wanted.context) ?? needs.contextTokens
  const concurrency = whole('--concurrency', wanted.concurrency) ?? needs.concurrency
  const gpus = whole('--gpus', wanted.gpus) ?? needs.gpus
  const trainingTokens = whole('--train-tokens', wanted.trainTokens)
  if (wanted.price !== undefined && !(wanted.price >= 0)) throw refused('--price must be a number of dollars')
  return assess({
    facts,
    ...(engine === null || engine === undefined ? {} : { engine }),
    engineVersion: version ?? null,
    ...(wanted.gpu === undefined ? {} : { gpu: findGpu(wanted.gpu) }),
    ...(gpus == null ? {} : { gpus }),
    ...(context == null ? {} : { contextTokens: context }),
    ...(concurrency == null ? {} : { concurrency }),
    kvType:
      wanted.kv === undefined ? needs.kvType : oneOf('--kv', wanted.kv, Object.keys(kvTypes) as KvType[]),
    features: [
      ...needs.features,
      ...(wanted.feature ?? []).map((feature): EngineFeature => oneOf('--feature', feature, engineFeatures)),
    ],
    ...(wanted.price === undefined ? {} : { usdPerHour: wanted.price }),
    ...(trainingTokens === undefined ? {} : { trainingTokens }),
  })
}

function adaptersOf(words: string | undefined): { rank: number; wanted: number } | null {
  if (words === undefined) return null
  const [, rank, wanted] = /^(\d{1,4}):(\d{1,5})$/.exec(words) ?? []
  if (rank === undefined || wanted === undefined)
    throw refused('--adapters must be a rank and a count, such as 16:8')
  return { rank: Number(rank), wanted: Number(wanted) }
}

function whole(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value
  throw refused(`${option} must be a whole number above 0`)
}

function oneOf<Word extends string>(option: string, word: string, words: readonly Word[]): Word {
  const found = words.find((one) => one === word)
  if (found === undefined) throw refused(`${option} "${word}" is none of ${words.join(', ')}`)
  return found
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason: `${reason}.` })
}

/** Pages are for reports; a terminal has no room for them. */
function drawn({ heading, lines, table: cells }: ReportPart): string[] {
  const isFault = heading === 'What forbids it'
  const rows = cells === null ? [] : table(withoutPage(cells.header), cells.rows.map(withoutPage))
  const mark = isFault ? `${styled('red', '✘')} ` : ''
  return [
    styled('bold', heading),
    ...lines.map((line) => `  ${mark}${line}`),
    ...rows.map((row) => `  ${row}`),
  ]

  function withoutPage(row: readonly string[]): readonly string[] {
    return cells?.header.at(-1) === 'Page' ? row.slice(0, -1) : row
  }
}
