import { type ModelFacts, noFacts } from '../../artifacts/index.ts'
import { type Assessment, assess, needsOfSettings } from '../../sizing/index.ts'
import { llamaRuntime } from './llama-runtime.ts'
import type { CompatibilityPlan } from './plan.ts'
import type { CompatibilityRaw, FileReading } from './raw.ts'
import { type ServedText, textDiff } from './text-diff.ts'

type Spec = CompatibilityPlan['specs']['candidate']

export interface TextJudgement {
  /** Why the candidate cannot take the champion's place, as clauses. */
  readonly reasons: string[]
  readonly notes: string[]
  readonly assessment: Assessment | null
}

/** What a version of text is judged by before it is asked anything. Pure. */
export function judgeText(plan: CompatibilityPlan, raw: Omit<CompatibilityRaw, 'probe'>): TextJudgement {
  const spec = plan.specs.candidate
  const own = candidateReasons(spec, raw)
  const [before, after] = [served(plan.specs.champion, raw.champion), served(spec, raw.candidate)]
  const diff = before === null || after === null ? { breaking: [], notes: [] } : textDiff(before, after)
  const assessment = assessmentOf(spec, raw.candidate)
  return {
    reasons: [...own, ...(assessment?.faults ?? []), ...diff.breaking],
    notes: [...diff.notes, ...(assessment?.warnings ?? [])],
    assessment,
  }
}

/** Reasons that need no request. A version that runs elsewhere has no file, so nothing here is said of it. */
function candidateReasons(
  spec: Spec,
  raw: Pick<CompatibilityRaw, 'candidate' | 'draft' | 'adapters'>,
): string[] {
  if (spec.engine !== 'llama') return []
  const reading = raw.candidate
  if (reading.kind === 'none') return ['the candidate names no file, and its engine needs one']
  if (reading.kind === 'unreadable') return [`the file cannot be read: ${reading.reason}`]
  if (reading.kind === 'onnx' || reading.facts.format !== 'gguf')
    return [
      `the file is ${reading.kind === 'onnx' ? 'onnx' : reading.facts.format}, and the engine llama runs GGUF`,
    ]
  if (reading.facts.adapter !== null)
    return ['the file is an adapter, and not a model that one could be put on']
  return [...adapterReasons(reading.facts, raw.adapters ?? []), ...draftReasons(reading.facts, raw.draft)]
}

function adapterReasons(base: ModelFacts, adapters: NonNullable<CompatibilityRaw['adapters']>): string[] {
  return adapters.flatMap(({ name, reading }) => {
    if (reading.kind === 'unreadable') return [`the adapter ${name} cannot be read: ${reading.reason}`]
    if (reading.kind !== 'model' || reading.facts.adapter === null)
      return [`the file of the adapter ${name} is none`]
    const { architecture } = reading.facts
    return architecture !== null && base.architecture !== null && architecture !== base.architecture
      ? [`the adapter ${name} is for ${architecture}, the model is ${base.architecture}`]
      : []
  })
}

function draftReasons(model: ModelFacts, draft: FileReading | undefined): string[] {
  if (draft === undefined) return []
  if (draft.kind === 'unreadable') return [`the draft model cannot be read: ${draft.reason}`]
  if (draft.kind !== 'model') return ['the draft model is no GGUF file']
  return draft.facts.vocabulary !== model.vocabulary
    ? [
        `the draft model has ${draft.facts.vocabulary ?? '?'} tokens, the model ${model.vocabulary ?? '?'}: a draft must share its vocabulary`,
      ]
    : []
}

/** Features that the settings ask for against the table; without a readable file those alone. */
function assessmentOf(spec: Spec, reading: FileReading): Assessment | null {
  const needs = needsOfSettings(spec)
  if (needs.engine === null) return null
  const facts = reading.kind === 'model' ? reading.facts : noFacts('config')
  return assess({
    facts,
    engine: needs.engine,
    engineVersion: spec.engine === 'llama' ? llamaRuntime.version : (spec.vllm?.serverVersion ?? null),
    features: needs.features,
    ...(needs.contextTokens === null ? {} : { contextTokens: needs.contextTokens }),
    ...(needs.concurrency === null ? {} : { concurrency: needs.concurrency }),
    kvType: needs.kvType,
  })
}

function served(spec: Spec, reading: FileReading): ServedText | null {
  if (reading.kind !== 'model') return null
  const { contextTokens } = needsOfSettings(spec)
  const most = reading.facts.contextTokens
  return {
    facts: reading.facts,
    contextTokens: contextTokens === null ? most : Math.min(contextTokens, most ?? contextTokens),
  }
}
