import type { ProviderKind } from '../../contracts/index.ts'

/** LiteLLM's prefixes (docs.litellm.ai/docs/providers) that have a kind here. */
const KINDS: Readonly<Record<string, ProviderKind>> = {
  anthropic: 'anthropic',
  anyscale: 'anyscale',
  azure: 'azure-openai',
  bedrock: 'bedrock',
  bedrock_converse: 'bedrock',
  cohere: 'cohere',
  cohere_chat: 'cohere',
  custom_openai: 'openai-compatible',
  deepseek: 'deepseek',
  fireworks_ai: 'fireworks',
  gemini: 'gemini',
  groq: 'groq',
  hosted_vllm: 'vllm',
  huggingface: 'tgi',
  litellm_proxy: 'openai-compatible',
  llamafile: 'llama-cpp',
  lm_studio: 'lm-studio',
  mistral: 'mistral',
  ollama: 'ollama',
  ollama_chat: 'ollama',
  openai: 'openai',
  openai_like: 'openai-compatible',
  openrouter: 'openrouter',
  'text-completion-openai': 'openai',
  together_ai: 'together',
  vertex_ai: 'vertex',
  vertex_ai_beta: 'vertex',
  vllm: 'vllm',
  xai: 'xai',
}

/** The environment that LiteLLM reads a key from when none is written. */
export const DEFAULT_KEYS: Partial<Record<ProviderKind, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  anyscale: 'ANYSCALE_API_KEY',
  'azure-openai': 'AZURE_API_KEY',
  bedrock: 'AWS_ACCESS_KEY_ID',
  cohere: 'COHERE_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY',
  fireworks: 'FIREWORKS_AI_API_KEY',
  gemini: 'GEMINI_API_KEY',
  groq: 'GROQ_API_KEY',
  mistral: 'MISTRAL_API_KEY',
  openai: 'OPENAI_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
  together: 'TOGETHERAI_API_KEY',
  xai: 'XAI_API_KEY',
}

export interface NamedModel {
  readonly kind: ProviderKind
  readonly modelName: string
}

/**
 * `azure/my-deployment` → kind and name. A name without prefix goes by its family, as there. Otherwise why it has no
 * place here.
 */
export function nameModel(
  model: string,
  customProvider: string | undefined,
  hasAddress: boolean,
): NamedModel | string {
  if (model.includes('*')) return 'Slipway has no models by pattern; name each model that is to be served.'
  const slash = model.indexOf('/')
  const prefix = slash > 0 ? model.slice(0, slash) : undefined
  const provider = customProvider ?? prefix
  const rest = prefix !== undefined && prefix === provider ? model.slice(slash + 1) : model
  if (provider !== undefined && Object.hasOwn(KINDS, provider)) {
    const kind = KINDS[provider] as ProviderKind
    if (kind === 'vertex' && !/^(gemini|claude|text-embedding|text-multilingual-embedding)/.test(rest))
      return 'Of Vertex only the models of Google (gemini-…) and Anthropic (claude-…) are served here.'
    return { kind, modelName: kind === 'bedrock' ? rest.replace(/^(converse|invoke)\//, '') : rest }
  }
  if (prefix === undefined && customProvider === undefined) {
    if (/^(gpt-|chatgpt-|o\d|text-embedding-|ft:|davinci|babbage)/.test(model))
      return { kind: 'openai', modelName: model }
    if (/^claude-/.test(model)) return { kind: 'anthropic', modelName: model }
    if (/^command-/.test(model)) return { kind: 'cohere', modelName: model }
  }
  if (hasAddress) return { kind: 'openai-compatible', modelName: rest }
  return `No kind of provider here is "${provider ?? model}"; where it speaks chat completions, add api_base and import again.`
}
