/** What a model file says of itself, in one form whatever wrote it. null: the file does not say. */
export interface ModelFacts {
  readonly format: ArtifactFormat
  /** As the file names it: `llama`, `LlamaForCausalLM`, `gbtree`. */
  readonly architecture: string | null
  readonly name: string | null
  /** Numbers that were learned; packed ones count as what they stand for. */
  readonly parameters: number | null
  /** The part of them that one token passes through; below `parameters` for mixtures of experts. */
  readonly activeParameters: number | null
  /** `parameters` comes from the configuration's sizes, not from tensors. */
  readonly isEstimated: boolean
  readonly weightBytes: number | null
  readonly precision: Precision | null
  readonly layers: number | null
  readonly hiddenSize: number | null
  readonly attention: Attention | null
  readonly experts: { readonly total: number; readonly active: number; readonly shared: number } | null
  /** Extra layers that predict tokens further ahead (multi-token prediction). */
  readonly predictLayers: number
  readonly contextTokens: number | null
  readonly rope: {
    readonly base: number | null
    readonly scaling: string | null
    readonly factor: number | null
  } | null
  readonly vocabulary: number | null
  /** Jinja text, cut at 64 KiB. */
  readonly chatTemplate: string | null
  /** By role: `bos`, `eos`, `pad`, `unk`, … */
  readonly specialTokens: Readonly<Record<string, SpecialToken>>
  readonly adapter: AdapterFacts | null
  readonly table: TableFacts | null
  /** What `signature` of the file takes and gives, where it says. */
  readonly signature: {
    readonly inputs: readonly TensorFacts[]
    readonly outputs: readonly TensorFacts[]
  } | null
  /** Things a reader should know before trusting or serving it, as sentences. */
  readonly notes: readonly string[]
}

export type ArtifactFormat =
  | 'onnx'
  | 'gguf'
  | 'safetensors'
  | 'config'
  | 'xgboost'
  | 'lightgbm'
  | 'torchscript'
  | 'exported-program'
  | 'saved-model'

export interface Precision {
  /** `Q4_K_M`, `bfloat16`, `fp8`, `int4 (gptq)`. */
  readonly name: string
  /** Who quantised: `gguf`, `gptq`, `awq`, `fp8`, `bitsandbytes`, `compressed-tensors`, …; null where nothing was. */
  readonly method: string | null
  readonly bitsPerWeight: number | null
  /** Parameters by the type they are stored in. */
  readonly byType: Readonly<Record<string, number>>
}

export interface Attention {
  /** MLA keeps one compressed vector per token; `none` keeps no cache that grows. */
  readonly kind: 'MHA' | 'GQA' | 'MQA' | 'MLA' | 'none'
  readonly heads: number
  readonly kvHeads: number
  readonly keyDim: number
  readonly valueDim: number
  /** MLA: numbers kept per token and layer are `rank` + `ropeDim`. */
  readonly latent: { readonly rank: number; readonly ropeDim: number } | null
  /** Layers whose cache grows with the whole context. */
  readonly fullLayers: number
  /** Layers that keep the last `tokens` only. */
  readonly window: { readonly tokens: number; readonly layers: number } | null
}

export interface SpecialToken {
  readonly id: number | null
  readonly text: string | null
}

export interface AdapterFacts {
  readonly kind: string
  readonly rank: number | null
  readonly alpha: number | null
  readonly targets: readonly string[]
  readonly base: string | null
}

/** Models of rows. */
export interface TableFacts {
  readonly trees: number | null
  readonly features: number | null
  readonly featureNames: readonly string[]
  readonly classes: number | null
  readonly objective: string | null
}

export interface TensorFacts {
  readonly name: string
  readonly dtype: string
  /** With the batch; null inside: free; null: not said. */
  readonly shape: readonly (number | null)[] | null
}

/** Facts with everything unsaid, to be filled by a reader. */
export function noFacts(format: ArtifactFormat): ModelFacts {
  return {
    format,
    architecture: null,
    name: null,
    parameters: null,
    activeParameters: null,
    isEstimated: false,
    weightBytes: null,
    precision: null,
    layers: null,
    hiddenSize: null,
    attention: null,
    experts: null,
    predictLayers: 0,
    contextTokens: null,
    rope: null,
    vocabulary: null,
    chatTemplate: null,
    specialTokens: {},
    adapter: null,
    table: null,
    signature: null,
    notes: [],
  }
}

/** MHA, GQA or MQA by the number of heads that keys and values have. */
export function attentionKind(heads: number, kvHeads: number): Attention['kind'] {
  if (kvHeads === heads) return 'MHA'
  return kvHeads === 1 ? 'MQA' : 'GQA'
}

const MOST_TEMPLATE = 65_536

export function boundedTemplate(template: unknown): string | null {
  return typeof template === 'string' ? template.slice(0, MOST_TEMPLATE) : null
}
