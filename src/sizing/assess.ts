import type { ModelFacts } from '../artifacts/index.ts'
import { type EngineId, engineOf, engineProfiles } from './engines.ts'
import { type FeatureAnswer, featureAnswer } from './features/answer.ts'
import { featuresOfArtifact } from './features/needs.ts'
import type { EngineFeature } from './features/row.ts'
import { type Fit, fitOf, fitsByGroup } from './fit.ts'
import type { Gpu } from './gpus.ts'
import type { KvType } from './kv-cache.ts'
import { knownError } from './measured.ts'
import { decodeSpeed, prefillMs } from './roofline.ts'
import { switchMs } from './together.ts'
import { type TrainingNeed, trainingNeed } from './training.ts'

export interface AssessQuestion {
  readonly facts: ModelFacts
  /** Left out: the one that runs such files here. */
  readonly engine?: string
  readonly engineVersion?: string | null
  /** Left out: no sizes, only what the file and the engine's pages say. */
  readonly gpu?: Gpu
  /** Of one replica; left out: the smallest group that holds it. */
  readonly gpus?: number
  /** Left out: what the model says it takes, at most 8,192. */
  readonly contextTokens?: number
  readonly concurrency?: number
  readonly kvType?: KvType
  /** Features that the version's settings ask for, beside those that the file needs. */
  readonly features?: readonly EngineFeature[]
  /** Instead of the list price. */
  readonly usdPerHour?: number
  /** Tokens of a training to estimate; left out: none is. */
  readonly trainingTokens?: number
}

export interface SpeedEstimate {
  readonly gpus: number
  /** Reading a prompt of half the context. */
  readonly firstTokenMs: number
  readonly alone: number
  readonly atConcurrency: number
  readonly stepMs: number
  readonly bound: 'memory' | 'compute'
  /** Nine of ten published measurements that it was not fitted to are within this factor. */
  readonly withinFactor: number
  /** Output tokens at the concurrency, the GPUs always busy; null without a price. */
  readonly usdPerMillionTokens: number | null
}

export interface Assessment {
  readonly engine: EngineId | null
  readonly engineVersion: string | null
  readonly features: readonly FeatureAnswer[]
  readonly contextTokens: number
  readonly concurrency: number
  readonly kvType: KvType
  readonly gpu: Gpu | null
  readonly fit: Fit | null
  readonly groups: readonly Fit[]
  readonly speed: SpeedEstimate | null
  readonly training: readonly TrainingNeed[]
  readonly switching: { readonly fromDiskMs: number; readonly fromHostMs: number } | null
  /** What forbids it, as clauses. */
  readonly faults: readonly string[]
  /** What a person should look at first, as clauses. */
  readonly warnings: readonly string[]
}

const MOST_DEFAULT_CONTEXT = 8192
const TRAINING = { sequenceTokens: 2048, batch: 1, rank: 16 } as const

/** Everything that can be said of a file before anything is spent. Pure. */
export function assess(question: AssessQuestion): Assessment {
  const { facts, gpu = null, concurrency = 1, kvType = 'fp16', engineVersion = null } = question
  const engine = question.engine === undefined ? usualEngine(facts) : (engineOf(question.engine) ?? null)
  const contextTokens =
    question.contextTokens ?? Math.min(facts.contextTokens ?? MOST_DEFAULT_CONTEXT, MOST_DEFAULT_CONTEXT)
  const wanted = [...new Set([...featuresOfArtifact(facts), ...(question.features ?? [])])]
  const features = wanted.map((feature) =>
    featureAnswer(question.engine ?? engine ?? '', engineVersion, feature, gpu ?? undefined),
  )
  const groups = gpu === null || engine === null ? [] : groupsOf(question, engine, gpu, contextTokens)
  const fit =
    question.gpus === undefined
      ? (groups.find(({ risk }) => risk !== 'out-of-memory') ?? groups.at(-1) ?? null)
      : (groups[0] ?? null)
  const usdPerHour = question.usdPerHour ?? gpu?.price?.usdPerHour ?? null
  return {
    engine,
    engineVersion,
    features,
    contextTokens,
    concurrency,
    kvType,
    gpu,
    fit,
    groups,
    speed: gpu === null || fit === null ? null : speedOf(question, gpu, fit.gpus, contextTokens, usdPerHour),
    training:
      gpu === null || question.trainingTokens === undefined ? [] : trainings(question, gpu, usdPerHour),
    switching: gpu === null || facts.weightBytes === null ? null : switchMs(facts.weightBytes, gpu),
    faults: faultsOf(question, features, fit, contextTokens),
    warnings: warningsOf(question, engine, features, fit),
  }
}

function groupsOf(question: AssessQuestion, engine: EngineId, gpu: Gpu, contextTokens: number): Fit[] {
  const { facts, concurrency = 1, kvType = 'fp16' } = question
  const common = { facts, gpu, engine: engineProfiles[engine], contextTokens, concurrency, kvType }
  // An engine that cannot split weights has one GPU, whatever would fit on more.
  const splits =
    featureAnswer(engine, question.engineVersion ?? null, 'tensor-parallel').answer !== 'not-supported'
  if (question.gpus === undefined && splits) return fitsByGroup(common)
  const fit = fitOf({ ...common, gpus: question.gpus ?? 1 })
  return fit === null ? [] : [fit]
}

function speedOf(
  question: AssessQuestion,
  gpu: Gpu,
  gpus: number,
  contextTokens: number,
  usdPerHour: number | null,
): SpeedEstimate | null {
  const { facts, concurrency = 1, kvType = 'fp16' } = question
  const common = { facts, gpu, gpus, kvType }
  const promptTokens = Math.max(1, Math.round(contextTokens / 2))
  const alone = decodeSpeed({ ...common, batch: 1, contextTokens })
  const busy = decodeSpeed({ ...common, batch: concurrency, contextTokens })
  const firstTokenMs = prefillMs({ ...common, batch: 1, promptTokens })
  if (alone === null || busy === null || firstTokenMs === null) return null
  return {
    gpus,
    firstTokenMs,
    alone: alone.tokensPerS,
    atConcurrency: busy.totalTokensPerS,
    stepMs: busy.stepMs,
    bound: busy.bound,
    withinFactor: knownError().ninetiethFactor,
    usdPerMillionTokens:
      usdPerHour === null ? null : (usdPerHour * gpus * 1e6) / (3600 * busy.totalTokensPerS),
  }
}

function trainings(question: AssessQuestion, gpu: Gpu, usdPerHour: number | null): TrainingNeed[] {
  return (['full', 'lora', 'qlora'] as const)
    .map((kind) =>
      trainingNeed({
        facts: question.facts,
        gpu,
        kind,
        tokens: question.trainingTokens ?? 0,
        usdPerHour,
        ...TRAINING,
      }),
    )
    .filter((need) => need !== null)
}

function usualEngine(facts: ModelFacts): EngineId | null {
  if (facts.format === 'gguf') return 'node-llama-cpp'
  if (facts.format === 'onnx') return 'onnxruntime'
  return facts.format === 'safetensors' || facts.format === 'config' ? 'vllm' : null
}

function faultsOf(
  { facts, gpu, concurrency = 1 }: AssessQuestion,
  features: readonly FeatureAnswer[],
  fit: Fit | null,
  contextTokens: number,
): string[] {
  const faults = features
    .filter(({ answer }) => answer === 'not-supported' || answer === 'supported-from')
    .map(({ feature, engine, version, answer, from, line }) =>
      answer === 'supported-from'
        ? `${engine}${version === null ? '' : ` ${version}`} does not have ${feature}, ${from} does: ${line}`
        : `${engine}${version === null ? '' : ` ${version}`} does not have ${feature}: ${line}`,
    )
  if (facts.contextTokens !== null && contextTokens > facts.contextTokens)
    faults.push(`${contextTokens} tokens of context are asked for, the model takes ${facts.contextTokens}`)
  if (fit !== null && gpu !== undefined && fit.risk === 'out-of-memory')
    faults.push(
      `${gib(fit.needs.total)} are needed on each of ${fit.gpus} × ${gpu.name}, ${gib(fit.usableBytes)} may be used; ${
        fit.mostSequences === 0
          ? 'not one sequence of that context fits'
          : `${fit.mostSequences} of ${concurrency} sequences of that context fit`
      }`,
    )
  return faults
}

function warningsOf(
  { facts, engine: asked }: AssessQuestion,
  engine: EngineId | null,
  features: readonly FeatureAnswer[],
  fit: Fit | null,
): string[] {
  const warnings = [...facts.notes]
  if (asked !== undefined && engine === null)
    warnings.push(`no engine "${asked}" is in the tables, so nothing is known of it`)
  for (const { feature, answer, line } of features)
    if (answer === 'unknown') warnings.push(`whether the engine has ${feature} is not known: ${line}`)
  if (fit?.risk === 'tight')
    warnings.push(`it fits with ${gib(fit.headroomBytes)} to spare, which fragmentation may use up`)
  if (fit !== null) warnings.push(...fit.guesses)
  return warnings
}

export function gib(bytes: number): string {
  const size = Math.abs(bytes)
  if (size >= 0.1 * 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`
  return size >= 0.1 * 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 10).toFixed(1)} KiB`
}
