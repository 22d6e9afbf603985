import type { ProviderKind } from '../../contracts/index.ts'

/** How one server's chat completions differ from OpenAI's. Data only; `openaiChat(quirks)` is the dialect. */
export interface ChatQuirks {
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /** Takes `stream_options`; others tell the usage of a stream unasked, or refuse unknown fields. */
  readonly hasStreamOptions: boolean
  /** `developer` is a role; else it is written as `system`, which is what it was before. */
  readonly hasDeveloperRole: boolean
  /** Where thinking goes that comes back in the next turn; left out: the server takes none. */
  readonly reasoningField?: 'reasoning_content' | 'reasoning' | undefined
  /** `reasoning_effort`, or OpenRouter's `reasoning: {effort, max_tokens, exclude}`. */
  readonly reasoningWish?: 'reasoning_effort' | 'reasoning' | undefined
  /** Names of sampling that OpenAI does not have. */
  readonly topK?: string
  readonly minP?: string
  readonly repetitionPenalty?: string
  readonly seedField: 'seed' | 'random_seed'
  /** Mistral's word for a choice of tools that must be made. */
  readonly requiredTool: 'required' | 'any'
  /** Content of an assistant's message that only calls tools. */
  readonly emptyContent: 'null' | 'missing' | 'text'
  /** Keys of the neutral form (or `output.schema`, `tools.strict`) that the server does not know or passes over. */
  readonly lacks: readonly string[]
  /** Streams may end without `[DONE]`, as long as every choice has its finish reason. */
  readonly doneIsOptional: boolean
}

const OPENAI: ChatQuirks = {
  maxTokensField: 'max_completion_tokens',
  hasStreamOptions: true,
  hasDeveloperRole: true,
  reasoningWish: 'reasoning_effort',
  seedField: 'seed',
  requiredTool: 'required',
  emptyContent: 'null',
  lacks: [],
  doneIsOptional: false,
}

/** What servers that copied the form before `max_completion_tokens` agree on. */
const COMPATIBLE: ChatQuirks = {
  ...OPENAI,
  maxTokensField: 'max_tokens',
  hasDeveloperRole: false,
  reasoningField: 'reasoning_content',
}

const VLLM: ChatQuirks = {
  ...COMPATIBLE,
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
  lacks: ['metadata', 'serviceTier'],
}

const LLAMA_CPP: ChatQuirks = {
  ...VLLM,
  repetitionPenalty: 'repeat_penalty',
  lacks: ['metadata', 'serviceTier', 'user'],
}

/** By kind of provider, each from the API reference of the server named. */
export const chatQuirks = {
  openai: OPENAI,
  // learn.microsoft.com/azure/ai-services/openai/reference
  'azure-openai': OPENAI,
  'openai-compatible': {
    ...COMPATIBLE,
    topK: 'top_k',
    minP: 'min_p',
    repetitionPenalty: 'repetition_penalty',
  },
  // docs.vllm.ai, "OpenAI-compatible server", extra parameters
  vllm: VLLM,
  // docs.sglang.ai, "OpenAI APIs - Completions"
  sglang: VLLM,
  anyscale: VLLM,
  // github.com/ggml-org/llama.cpp, tools/server
  'llama-cpp': LLAMA_CPP,
  // lmstudio.ai/docs/developer/openai-compat: "Supported payload parameters"
  'lm-studio': { ...LLAMA_CPP, lacks: [...LLAMA_CPP.lacks, 'choices', 'logprobs', 'parallelToolCalls'] },
  // docs.ollama.com/api/openai-compatibility: "Supported request fields"
  ollama: {
    ...COMPATIBLE,
    reasoningField: 'reasoning',
    lacks: ['choices', 'logitBias', 'metadata', 'parallelToolCalls', 'serviceTier', 'toolChoice', 'user'],
  },
  // huggingface.co/docs/text-generation-inference, Messages API
  tgi: {
    ...COMPATIBLE,
    reasoningWish: undefined,
    reasoningField: undefined,
    lacks: ['choices', 'logitBias', 'metadata', 'parallelToolCalls', 'serviceTier', 'tools.strict', 'user'],
  },
  // docs.together.ai/reference/chat-completions-1: `logprobs` is a number there
  together: { ...VLLM, lacks: [...VLLM.lacks, 'logprobs', 'parallelToolCalls', 'user'] },
  // docs.fireworks.ai/api-reference/post-chatcompletions
  fireworks: { ...VLLM, lacks: ['serviceTier'] },
  // docs.mistral.ai/api: refuses fields it does not know
  mistral: {
    ...COMPATIBLE,
    hasStreamOptions: false,
    reasoningWish: undefined,
    reasoningField: undefined,
    seedField: 'random_seed',
    requiredTool: 'any',
    emptyContent: 'text',
    lacks: ['logitBias', 'logprobs', 'serviceTier', 'user'],
  },
  // console.groq.com/docs/api-reference#chat-create
  groq: {
    ...COMPATIBLE,
    maxTokensField: 'max_completion_tokens',
    reasoningField: 'reasoning',
    lacks: ['choices', 'logitBias', 'logprobs', 'metadata'],
  },
  // api-docs.deepseek.com/api/create-chat-completion
  deepseek: {
    ...COMPATIBLE,
    reasoningWish: undefined,
    lacks: [
      'choices',
      'logitBias',
      'metadata',
      'output.schema',
      'parallelToolCalls',
      'seed',
      'serviceTier',
      'user',
    ],
  },
  // openrouter.ai/docs/api-reference/chat-completion
  openrouter: {
    ...VLLM,
    reasoningField: 'reasoning',
    reasoningWish: 'reasoning',
    lacks: ['choices'],
  },
  // docs.x.ai/docs/api-reference#chat-completions
  xai: { ...COMPATIBLE, lacks: ['logitBias', 'metadata', 'serviceTier'] },
} as const satisfies Partial<Record<ProviderKind, ChatQuirks>>
