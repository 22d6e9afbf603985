/** How an engine takes memory and what it is called; numbers are its documented defaults. */
export interface EngineProfile {
  readonly name: string
  readonly aliases: readonly string[]
  /** Part of the GPU's memory that it lets itself use. */
  readonly memoryShare: number
  /** Tokens of a block of its KV cache. */
  readonly blockTokens: number
  /** Tokens that one forward pass takes at most; they make the peak of the activations. */
  readonly passTokens: number
  /** Context of the driver, libraries, captured graphs: what is gone before weights are loaded, each GPU. */
  readonly reserveBytes: number
  /** KV blocks are taken as a sequence grows, or a sequence's whole context is held from its start. */
  readonly kv: 'paged' | 'whole'
  readonly source: string
}

const GIB = 2 ** 30
const MIB = 2 ** 20

export const engineProfiles = {
  vllm: {
    name: 'vLLM',
    aliases: [],
    memoryShare: 0.9,
    blockTokens: 16,
    passTokens: 8192,
    reserveBytes: 1.5 * GIB,
    kv: 'paged',
    source:
      'https://docs.vllm.ai/en/latest/configuration/engine_args/ (gpu-memory-utilization 0.9, block-size 16)',
  },
  sglang: {
    name: 'SGLang',
    aliases: [],
    memoryShare: 0.88,
    blockTokens: 1,
    passTokens: 8192,
    reserveBytes: 1.5 * GIB,
    kv: 'paged',
    source:
      'https://docs.sglang.io/advanced_features/server_arguments.html (mem-fraction-static, page-size 1)',
  },
  tgi: {
    name: 'Text Generation Inference',
    aliases: ['text-generation-inference'],
    memoryShare: 0.95,
    blockTokens: 16,
    passTokens: 4096,
    reserveBytes: 1.5 * GIB,
    kv: 'paged',
    source: 'https://huggingface.co/docs/text-generation-inference/reference/launcher',
  },
  'tensorrt-llm': {
    name: 'TensorRT-LLM',
    aliases: ['trtllm', 'triton-trtllm', 'trt-llm'],
    memoryShare: 0.9,
    blockTokens: 32,
    passTokens: 8192,
    reserveBytes: 1.5 * GIB,
    kv: 'paged',
    source:
      'https://nvidia.github.io/TensorRT-LLM/features/kvcache.html (90 % of free memory, 32 tokens a block)',
  },
  'llama.cpp': {
    name: 'llama.cpp',
    aliases: ['llamacpp', 'llama-server'],
    memoryShare: 1,
    blockTokens: 256,
    passTokens: 512,
    reserveBytes: 1024 * MIB,
    kv: 'whole',
    source:
      'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (ubatch-size 512, fit-target 1024 MiB)',
  },
  'node-llama-cpp': {
    name: 'node-llama-cpp',
    aliases: ['llama'],
    memoryShare: 1,
    blockTokens: 256,
    passTokens: 512,
    reserveBytes: 1024 * MIB,
    kv: 'whole',
    source: 'https://node-llama-cpp.withcat.ai',
  },
  onnxruntime: {
    name: 'ONNX Runtime GenAI',
    aliases: ['onnx', 'onnxruntime-genai', 'ort'],
    memoryShare: 1,
    blockTokens: 1,
    passTokens: 2048,
    reserveBytes: 1024 * MIB,
    kv: 'whole',
    source: 'https://onnxruntime.ai/docs/genai',
  },
  ollama: {
    name: 'Ollama',
    aliases: [],
    memoryShare: 1,
    blockTokens: 256,
    passTokens: 512,
    reserveBytes: 1024 * MIB,
    kv: 'whole',
    source: 'https://docs.ollama.com/faq',
  },
} as const satisfies Readonly<Record<string, EngineProfile>>

export type EngineId = keyof typeof engineProfiles

/** undefined for a name that the tables do not know. */
export function engineOf(name: string): EngineId | undefined {
  const wanted = name.toLowerCase()
  return (Object.keys(engineProfiles) as EngineId[]).find(
    (id) => id === wanted || (engineProfiles[id].aliases as readonly string[]).includes(wanted),
  )
}
