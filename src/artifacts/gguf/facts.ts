import type { ByteSource } from '../byte-source.ts'
import {
  type Attention,
  attentionKind,
  boundedTemplate,
  type ModelFacts,
  noFacts,
  type SpecialToken,
} from '../model-facts.ts'
import {
  type GgufArray,
  type GgufHeader,
  type GgufTensor,
  type GgufValue,
  ggufHeader,
  textsAt,
} from './header.ts'
import { fileTypes } from './tensor-types.ts'

/** In these one layer of so many keeps the whole context, the others a window; llama.cpp has the pattern in code. */
const WINDOW_PATTERN: Readonly<Record<string, number>> = { gemma2: 2, gemma3: 6, 'gpt-oss': 2, cohere2: 4 }

const SPECIAL_TOKEN = /^tokenizer\.ggml\.(.+)_token_id$/

export function ggufFacts(source: ByteSource): ModelFacts {
  const header = ggufHeader(source)
  const architecture = textOf(header.values.get('general.architecture'))
  const of = (key: string) => header.values.get(`${architecture}.${key}`)
  const parameters = sumOf(header.tensors, ({ elements }) => elements)
  const total = numberOf(of('expert_count')) ?? 0
  const active = numberOf(of('expert_used_count')) ?? total
  const experts = sumOf(header.tensors, ({ name, elements }) => (name.includes('_exps') ? elements : 0))
  const tokens = header.values.get('tokenizer.ggml.tokens')
  const notes: string[] = []
  const parts = numberOf(header.values.get('split.count')) ?? 1
  if (parts > 1) notes.push(`one of ${parts} parts of a model; sizes are of this part`)
  const isAdapter = textOf(header.values.get('general.type')) === 'adapter'
  const layers = numberOf(of('block_count'))
  return {
    ...noFacts('gguf'),
    architecture,
    name: textOf(header.values.get('general.name')),
    parameters,
    activeParameters: total > 0 ? Math.round(parameters - experts * (1 - active / total)) : parameters,
    weightBytes: sumOf(header.tensors, ({ bytes }) => bytes),
    precision: precisionOf(header, parameters),
    layers,
    hiddenSize: numberOf(of('embedding_length')),
    attention: layers === null ? null : attentionOf(of, layers, architecture ?? '', notes),
    experts: total > 0 ? { total, active, shared: numberOf(of('expert_shared_count')) ?? 0 } : null,
    predictLayers: numberOf(of('nextn_predict_layers')) ?? 0,
    contextTokens: numberOf(of('context_length')),
    rope: ropeOf(of),
    vocabulary: isArray(tokens) ? tokens.length : numberOf(of('vocab_size')),
    chatTemplate: boundedTemplate(header.values.get('tokenizer.chat_template')),
    specialTokens: specialTokensOf(source, header, isArray(tokens) ? tokens : undefined),
    adapter: isAdapter ? adapterOf(header) : null,
    notes,
  }
}

function precisionOf({ tensors, values }: GgufHeader, parameters: number): ModelFacts['precision'] {
  const byType: Record<string, number> = {}
  for (const { type, elements } of tensors) byType[type] = (byType[type] ?? 0) + elements
  const most = Object.entries(byType).toSorted(([, left], [, right]) => right - left)[0]?.[0]
  if (most === undefined) return null
  const declared = fileTypes[numberOf(values.get('general.file_type')) ?? -1]
  const bytes = sumOf(tensors, (tensor) => tensor.bytes)
  return {
    name: declared ?? most,
    method: /^(F|BF)\d/.test(most) ? null : 'gguf',
    bitsPerWeight: parameters === 0 ? null : (bytes * 8) / parameters,
    byType,
  }
}

function attentionOf(
  of: (key: string) => GgufValue | undefined,
  layers: number,
  architecture: string,
  notes: string[],
): Attention | null {
  const heads = mostOf(of('attention.head_count'))
  const hidden = numberOf(of('embedding_length'))
  if (heads === null || heads === 0) return null
  const kvHeads = mostOf(of('attention.head_count_kv')) ?? heads
  const keyDim = numberOf(of('attention.key_length')) ?? (hidden === null ? null : hidden / heads)
  if (keyDim === null) return null
  const valueDim = numberOf(of('attention.value_length')) ?? keyDim
  const rank = numberOf(of('attention.kv_lora_rank')) ?? 0
  const windowTokens = numberOf(of('attention.sliding_window')) ?? 0
  // Hybrid models give a list in which layers without a growing cache have no heads of keys.
  const perLayer = listOf(of('attention.head_count_kv'))
  const attending = perLayer === null ? layers : perLayer.slice(0, layers).filter((count) => count > 0).length
  let windowLayers = 0
  if (windowTokens > 0) {
    const pattern = WINDOW_PATTERN[architecture]
    if (pattern === undefined)
      notes.push('it has a sliding window, but not in which layers; its cache is counted as if it had none')
    else windowLayers = attending - Math.floor(attending / pattern)
  }
  return {
    kind: rank > 0 ? 'MLA' : attentionKind(heads, kvHeads),
    heads,
    kvHeads,
    keyDim,
    valueDim,
    latent: rank > 0 ? { rank, ropeDim: numberOf(of('rope.dimension_count')) ?? 0 } : null,
    fullLayers: attending - windowLayers,
    window: windowLayers > 0 ? { tokens: windowTokens, layers: windowLayers } : null,
  }
}

function ropeOf(of: (key: string) => GgufValue | undefined): ModelFacts['rope'] {
  const base = numberOf(of('rope.freq_base'))
  const scaling = textOf(of('rope.scaling.type'))
  if (base === null && scaling === null) return null
  return { base, scaling: scaling === 'none' ? null : scaling, factor: numberOf(of('rope.scaling.factor')) }
}

function specialTokensOf(
  source: ByteSource,
  { values }: GgufHeader,
  tokens: GgufArray | undefined,
): Record<string, SpecialToken> {
  const ids = new Map<string, number>()
  for (const [key, value] of values) {
    const role = SPECIAL_TOKEN.exec(key)?.[1]
    if (role !== undefined && typeof value === 'number' && ids.size < 64) ids.set(role, value)
  }
  const texts =
    tokens === undefined ? new Map<number, string>() : textsAt(source, tokens, new Set(ids.values()))
  return Object.fromEntries([...ids].map(([role, id]) => [role, { id, text: texts.get(id) ?? null }]))
}

function adapterOf({ values, tensors }: GgufHeader): ModelFacts['adapter'] {
  const halves = tensors.filter(({ name }) => name.endsWith('.lora_a'))
  const ranks = halves.map(({ shape }) => shape[1] ?? 0)
  const targets = halves.map(({ name }) => name.replace(/^blk\.\d+\.|\.weight\.lora_a$/g, ''))
  return {
    kind: textOf(values.get('adapter.type')) ?? 'unknown',
    rank: ranks.length === 0 ? null : ranks.reduce((most, rank) => Math.max(most, rank), 0),
    alpha: numberOf(values.get('adapter.lora.alpha')),
    targets: [...new Set(targets)].sort().slice(0, 100),
    base: textOf(values.get('general.base_model.0.name')),
  }
}

function isArray(value: GgufValue | undefined): value is GgufArray {
  return typeof value === 'object'
}

function listOf(value: GgufValue | undefined): number[] | null {
  return isArray(value) ? value.first.map(Number) : null
}

/** A number, or the largest of a number for each layer. */
function mostOf(value: GgufValue | undefined): number | null {
  return listOf(value)?.reduce((most, one) => Math.max(most, one), 0) ?? numberOf(value)
}

function numberOf(value: GgufValue | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

function textOf(value: GgufValue | undefined): string | null {
  return typeof value === 'string' ? value.slice(0, 4096) : null
}

function sumOf(tensors: readonly GgufTensor[], number: (tensor: GgufTensor) => number): number {
  return tensors.reduce((sum, tensor) => sum + number(tensor), 0)
}
