import { SlipwayError } from '../../../kernel/index.ts'

/**
 * llama.cpp as `node-llama-cpp` carries it, one level below that package's documented classes: its model, context and sampler objects, so
 * that batches are ours to make. Everything that is used is named here and looked for at load, which is why the
 * package's minor version is pinned. Decoding and sampling run in libuv's pool: the event loop stays free.
 */
export interface NativeModel {
  init(): Promise<boolean>
  dispose(): Promise<void>
  loadLora(lora: NativeLora): Promise<void>
  /** With special tokens: texts such as `<|user|>` are read as the tokens that they name. */
  tokenize(text: string, specialTokens: boolean): Uint32Array
  getTokenString(token: number): string
  getTokenAttributes(token: number): number
  isEogToken(token: number): boolean
  getVocabularyType(): number
  tokenBos(): number
  tokenEos(): number
  shouldPrependBosToken(): boolean
  getTrainContextSize(): number
  getEmbeddingVectorSize(): number
  getModelSize(): number
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
}

export interface NativeContext {
  init(): Promise<boolean>
  dispose(): Promise<void>
  /** Begins a batch of at most so many tokens; the one before is forgotten. */
  initBatch(size: number): void
  /** Returns, for each place in `logitsOf`, where its logits will be. */
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  /** Draws a token and tells the sampler; -1 where nothing can be drawn. */
  sampleToken(logits: number, sampler: NativeSampler): Promise<number>
  sampleToken(
    logits: number,
    sampler: NativeSampler,
    probabilities: false,
    confidence: boolean,
    logitsOf?: [tokens: number[], most: boolean, least: boolean, selected: boolean, top: number],
    totalWeight?: boolean,
  ): Promise<
    [
      token: number,
      probabilities: undefined,
      confidence: number | undefined,
      logits: number[] | undefined,
      totalWeight: number | undefined,
    ]
  >
  disposeSequence(sequence: number): void
  /** False where this architecture cannot forget a part. */
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>
  getEmbedding(inputTokens: number): Float64Array
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
  setLoras(loras: NativeLora[], scales: number[]): void
  /** Throws where the vocabularies differ. */
  ensureDraftContextIsCompatibleForSpeculative(draft: NativeContext): void
}

export interface NativeSampler {
  applyConfig(config: SamplerConfig): void
  dispose(): void
}

/** Left out: off; without a temperature the likeliest token is taken. */
export interface SamplerConfig {
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly seed?: number
  readonly repeatPenalty?: number
  readonly repeatPenaltyMaxTokens?: number
  readonly repeatPenaltyTokens?: Uint32Array
  readonly repeatPenaltyPresencePenalty?: number
  readonly repeatPenaltyFrequencyPenalty?: number
  readonly tokenBiasKeys?: Uint32Array
  readonly tokenBiasValues?: Float32Array
  readonly grammarEvaluationState?: object
}

export interface NativeLora {
  dispose(): Promise<void>
}

export interface ModelParameters {
  readonly gpuLayers: 0
  readonly useMmap: boolean
  /** Everything is laid out and nothing taken: how much memory a load would need. */
  readonly noAlloc: boolean
}

export interface ContextParameters {
  /** Of all sequences together. */
  readonly contextSize: number
  readonly batchSize: number
  readonly sequences: number
  readonly threads: number
  readonly flashAttention: 'auto'
  readonly swaFullCache: boolean
  readonly embeddings?: boolean
}

export interface Binding {
  readonly AddonModel: new (path: string, parameters: ModelParameters) => NativeModel
  readonly AddonModelLora: new (model: NativeModel, path: string) => NativeLora
  readonly AddonContext: new (model: NativeModel, parameters: ContextParameters) => NativeContext
  readonly AddonSampler: new (model: NativeModel) => NativeSampler
  readonly AddonGrammar: new (grammar: string) => object
  readonly AddonGrammarEvaluationState: new (model: NativeModel, grammar: object) => object
  readonly AddonJinjaRenderer: new (template: string) => { render(items: Record<string, unknown>): string }
}

export interface Llama {
  readonly binding: Binding
  readonly runtime: string
  readonly physicalCores: number
  /** What llama.cpp last said of a failure; asking forgets it. */
  takeLastError(): Promise<string | undefined>
  /** Only of files that llama.cpp could read. */
  readMetadata(path: string): Promise<GgufMetadata>
}

export interface GgufMetadata {
  readonly architecture: string
  readonly chatTemplate: string | undefined
  /** Of a token, in all layers: bytes of keys and values in half precision. */
  readonly kvBytesPerToken: number
  readonly contextTokens: number
  readonly vocabularySize: number
}

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  AddonModel: [
    'init',
    'dispose',
    'loadLora',
    'tokenize',
    'getTokenString',
    'isEogToken',
    'getMemoryBreakdown',
  ],
  AddonModelLora: ['dispose'],
  AddonContext: [
    'init',
    'dispose',
    'initBatch',
    'addToBatch',
    'decodeBatch',
    'sampleToken',
    'disposeSequence',
    'removeTokenCellsFromSequence',
    'copySequenceStateFromOtherSequence',
    'getEmbedding',
    'getMemoryBreakdown',
    'setLoras',
    'ensureDraftContextIsCompatibleForSpeculative',
  ],
  AddonSampler: ['applyConfig', 'dispose'],
  AddonGrammar: [],
  AddonGrammarEvaluationState: [],
  AddonJinjaRenderer: ['render'],
}

/** One for the process, as llama.cpp itself is; it holds no model's memory. */
let shared: Promise<Llama> | undefined

/** Throws `artifact_unreadable` where the runtime is not installed or is another than the one this was written for. */
export async function openLlama(name: string): Promise<Llama> {
  shared ??= startLlama()
  try {
    return await shared
  } catch (cause) {
    shared = undefined
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SlipwayError('artifact_unreadable', { name, format: 'GGUF', reason }, { cause })
  }
}

async function startLlama(): Promise<Llama> {
  const runtime = await import('node-llama-cpp').catch((cause: unknown) => {
    throw new Error('node-llama-cpp is not installed; see docs/local-llm.md', { cause })
  })
  let lastError: string | undefined
  const llama = await runtime
    .getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      logLevel: runtime.LlamaLogLevel.error,
      logger: (_, message) => {
        lastError ??= message.trim()
      },
    })
    .catch((cause: unknown) => {
      throw new Error('llama.cpp has no binary for this machine; see docs/local-llm.md', { cause })
    })
  const binding = (llama as unknown as { _bindings?: Record<string, unknown> })._bindings ?? {}
  const missing = missingOf(binding)
  if (missing !== undefined) throw new Error(`this node-llama-cpp has no ${missing}; 3.22 has`)
  return {
    binding: binding as unknown as Binding,
    runtime: `llama.cpp ${llama.llamaCppRelease.release} (node-llama-cpp)`,
    physicalCores: llama.cpuMathCores,
    async takeLastError() {
      // It comes by way of the event loop, after the failure itself.
      await new Promise((resolve) => setTimeout(resolve, 1))
      const said = lastError
      lastError = undefined
      return said
    },
    async readMetadata(path) {
      const { metadata } = await runtime.readGgufFileInfo(path, {
        logWarnings: false,
        sourceType: 'filesystem',
      })
      return metadataOf(metadata)
    },
  }
}

function missingOf(binding: Record<string, unknown>): string | undefined {
  for (const [name, methods] of Object.entries(NEEDED)) {
    const made = binding[name] as (new () => unknown) | undefined
    if (typeof made !== 'function') return name
    const without = methods.find(
      (method) => typeof (made.prototype as Record<string, unknown>)[method] !== 'function',
    )
    if (without !== undefined) return `${name}.${without}`
  }
  return
}

function metadataOf(metadata: unknown): GgufMetadata {
  const { general, tokenizer, ...rest } = metadata as {
    general?: { architecture?: string }
    tokenizer?: { chat_template?: string; ggml?: { tokens?: string[] } }
  } & Record<string, unknown>
  const architecture = general?.architecture ?? 'unknown'
  const facts = (rest[architecture] ?? {}) as {
    block_count?: number
    context_length?: number
    embedding_length?: number
    attention?: {
      head_count?: number | number[]
      head_count_kv?: number | number[]
      key_length?: number
      value_length?: number
    }
  }
  const layers = facts.block_count ?? 0
  const perLayer = (heads: number | number[] | undefined, layer: number) =>
    Array.isArray(heads) ? (heads[layer] ?? 0) : heads
  let kvBytesPerToken = 0
  for (let layer = 0; layer < layers; layer++) {
    const heads = perLayer(facts.attention?.head_count, layer) ?? 1
    const kvHeads = perLayer(facts.attention?.head_count_kv, layer) ?? heads
    const usual = (facts.embedding_length ?? 0) / Math.max(1, heads)
    kvBytesPerToken +=
      kvHeads * ((facts.attention?.key_length ?? usual) + (facts.attention?.value_length ?? usual)) * 2
  }
  return {
    architecture,
    chatTemplate: tokenizer?.chat_template,
    kvBytesPerToken,
    contextTokens: facts.context_length ?? 0,
    vocabularySize: tokenizer?.ggml?.tokens?.length ?? 0,
  }
}
