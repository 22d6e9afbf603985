import type { LlamaSettings, VersionSpec, VllmSettings } from '../contracts/index.ts'
import type { EngineFeature } from './features/row.ts'
import { type KvType, kvTypes } from './kv-cache.ts'

/** What the settings of a version ask of its engine, in the words of the tables. null: left to the engine. */
export interface SettingsNeeds {
  /** As in the feature table; null where the version has no engine that is in it. */
  readonly engine: string | null
  readonly features: readonly EngineFeature[]
  readonly contextTokens: number | null
  readonly concurrency: number | null
  readonly gpus: number | null
  readonly kvType: KvType
}

const NOTHING: SettingsNeeds = {
  engine: null,
  features: [],
  contextTokens: null,
  concurrency: null,
  gpus: null,
  kvType: 'fp16',
}

export function needsOfSettings(spec: Pick<VersionSpec, 'engine' | 'llama' | 'vllm'>): SettingsNeeds {
  if (spec.engine === 'llama') return needsOfLlama(spec.llama)
  if (spec.engine === 'vllm' && spec.vllm !== undefined) return needsOfServer(spec.vllm)
  return NOTHING
}

function needsOfLlama(llama: LlamaSettings | undefined): SettingsNeeds {
  const features: EngineFeature[] = []
  if (llama?.speculation?.kind === 'draft') features.push('speculative-draft')
  if (llama?.speculation?.kind === 'prompt-lookup') features.push('speculative-ngram')
  if ((llama?.loras.length ?? 0) > 0) features.push('lora')
  if ((llama?.loras.length ?? 0) > 1) features.push('multi-lora')
  return {
    ...NOTHING,
    engine: 'node-llama-cpp',
    features,
    contextTokens: llama?.contextTokens ?? null,
    concurrency: llama?.sequences ?? null,
    gpus: 1,
  }
}

function needsOfServer(settings: VllmSettings): SettingsNeeds {
  const features: EngineFeature[] = []
  const { quantization, kvCacheDtype, loras, speculative } = settings
  const method =
    quantization === undefined ? undefined : METHODS[quantization.toLowerCase().replace(/_marlin$/, '')]
  if (method !== undefined) features.push(method)
  if (kvCacheDtype?.startsWith('fp8')) features.push('kv-fp8')
  if (loras.length > 0) features.push('lora')
  if (loras.length > 1) features.push('multi-lora')
  if ((settings.tensorParallel ?? 1) > 1) features.push('tensor-parallel')
  if ((settings.pipelineParallel ?? 1) > 1) features.push('pipeline-parallel')
  if (settings.prefixCaching === true) features.push('prefix-caching')
  if (settings.chunkedPrefill === true) features.push('chunked-prefill')
  if (speculative !== undefined) features.push(...speculation(speculative))
  return {
    engine: settings.server,
    features,
    contextTokens: settings.maxModelTokens ?? null,
    concurrency: settings.maxSequences ?? null,
    gpus: settings.tensorParallel ?? null,
    kvType: kvTypeOf(kvCacheDtype),
  }
}

const METHODS: Readonly<Record<string, EngineFeature>> = {
  awq: 'awq',
  gptq: 'gptq',
  fp8: 'fp8',
  gguf: 'gguf',
  bitsandbytes: 'bitsandbytes',
  'bitsandbytes-nf4': 'bitsandbytes',
  'bitsandbytes-fp4': 'bitsandbytes',
  eetq: 'int8',
  modelopt: 'fp8',
  modelopt_fp4: 'fp4',
  mxfp4: 'fp4',
}

function speculation(settings: Readonly<Record<string, unknown>>): EngineFeature[] {
  const method = String(settings.method ?? settings.decoding_type ?? '').toLowerCase()
  if (method.includes('mtp')) return ['multi-token-prediction']
  if (method.includes('eagle')) return ['speculative-eagle']
  if (method.includes('medusa')) return ['speculative-medusa']
  if (method.includes('ngram') || 'speculate' in settings) return ['speculative-ngram']
  return 'model' in settings || method.includes('draft') ? ['speculative-draft'] : []
}

function kvTypeOf(name: string | undefined): KvType {
  if (name === undefined || name === 'auto') return 'fp16'
  if (name.startsWith('fp8')) return 'fp8'
  return Object.hasOwn(kvTypes, name) ? (name as KvType) : 'fp16'
}
