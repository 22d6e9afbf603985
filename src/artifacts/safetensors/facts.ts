import type { ByteSource } from '../byte-source.ts'
import type { JsonObject } from '../json.ts'
import { member, numberAt, textAt } from '../json.ts'
import { type AdapterFacts, type ModelFacts, noFacts } from '../model-facts.ts'
import { configFacts } from './config.ts'
import { type StoredTensor, safetensorsHeader } from './header.ts'
import { precisionOf } from './quantisation.ts'
import { chatTemplateOf, specialTokens } from './tokens.ts'

/** What lies beside the weights in a folder of transformers. */
export interface Companions {
  readonly config?: JsonObject | undefined
  readonly generation?: JsonObject | undefined
  readonly tokenizer?: JsonObject | undefined
  readonly tokenizerConfig?: JsonObject | undefined
  readonly adapter?: JsonObject | undefined
  readonly chatTemplate?: string | undefined
}

const EXPERT = /\.experts(\.|_)/
const LORA_HALF = /(?:^base_model\.model\.)?(.+)\.lora_A(?:\.\w+)?\.weight$/

/** One file, or all shards of a model, with what lies beside them. */
export function safetensorsFacts(shards: readonly ByteSource[], companions: Companions = {}): ModelFacts {
  const headers = shards.map((shard) => safetensorsHeader(shard))
  return factsOf(
    headers.flatMap(({ tensors }) => tensors),
    headers[0]?.metadata ?? {},
    companions,
  )
}

function factsOf(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
  companions: Companions,
): ModelFacts {
  const { config, adapter } = companions
  const base = config === undefined ? noFacts('safetensors') : configFacts(config)
  const { parameters, precision } = precisionOf(tensors, config)
  const hasTensors = tensors.length > 0
  const { experts } = base
  const inExperts = experts === null ? 0 : precisionOf(tensors.filter(isExpert), config).parameters
  const lora = adapterOf(tensors, adapter, metadata)
  return {
    ...base,
    format: hasTensors ? 'safetensors' : 'config',
    architecture: base.architecture ?? metadata['modelspec.architecture'] ?? null,
    parameters: hasTensors ? parameters : base.parameters,
    activeParameters: !hasTensors
      ? base.activeParameters
      : experts === null
        ? parameters
        : Math.round(parameters - inExperts * (1 - experts.active / experts.total)),
    isEstimated: !hasTensors && base.isEstimated,
    weightBytes: hasTensors ? tensors.reduce((sum, { bytes }) => sum + bytes, 0) : null,
    precision: hasTensors ? precision : base.precision,
    vocabulary: base.vocabulary,
    chatTemplate: chatTemplateOf(companions.tokenizerConfig, companions.chatTemplate),
    specialTokens: specialTokens({
      tokenizerConfig: companions.tokenizerConfig,
      tokenizer: companions.tokenizer,
      config,
      generation: companions.generation,
    }),
    adapter: lora,
    notes: [
      ...base.notes,
      ...(hasTensors ? [] : ['no weights are here; sizes are computed from the configuration']),
    ],
  }
}

function isExpert({ name }: StoredTensor): boolean {
  return EXPERT.test(name)
}

/** adapter_config.json of PEFT; without it what the tensors' names and shapes show. */
function adapterOf(
  tensors: readonly StoredTensor[],
  adapter: JsonObject | undefined,
  metadata: Readonly<Record<string, string>>,
): AdapterFacts | null {
  const halves = tensors.flatMap(({ name, shape }) => {
    const module = LORA_HALF.exec(name)?.[1]
    return module === undefined ? [] : [{ module: module.split('.').at(-1)!, rank: shape[0] ?? 0 }]
  })
  if (adapter === undefined && halves.length === 0) return null
  const listed = member(adapter, 'target_modules')
  const targets = Array.isArray(listed)
    ? listed.filter((target): target is string => typeof target === 'string')
    : typeof listed === 'string'
      ? [listed]
      : halves.map(({ module }) => module)
  return {
    kind: (textAt(adapter, 'peft_type') ?? 'lora').toLowerCase(),
    rank:
      numberAt(adapter, 'r') ??
      (halves.length === 0 ? null : halves.reduce((most, { rank }) => Math.max(most, rank), 0)),
    alpha: numberAt(adapter, 'lora_alpha'),
    targets: [...new Set(targets)].sort().slice(0, 100),
    base: textAt(adapter, 'base_model_name_or_path') ?? metadata.base_model ?? null,
  }
}
