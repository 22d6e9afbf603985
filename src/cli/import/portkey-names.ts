import type { ProviderKind } from '../../contracts/index.ts'

/** Portkey's providers (portkey.ai/docs/integrations) that have a kind here. */
const KINDS: Readonly<Record<string, ProviderKind>> = {
  anthropic: 'anthropic',
  anyscale: 'anyscale',
  'azure-openai': 'azure-openai',
  bedrock: 'bedrock',
  cohere: 'cohere',
  deepseek: 'deepseek',
  'fireworks-ai': 'fireworks',
  google: 'gemini',
  groq: 'groq',
  huggingface: 'tgi',
  'mistral-ai': 'mistral',
  ollama: 'ollama',
  openai: 'openai',
  openrouter: 'openrouter',
  'together-ai': 'together',
  'vertex-ai': 'vertex',
  'x-ai': 'xai',
}

export function portkeyKind(provider: string): ProviderKind | undefined {
  return Object.hasOwn(KINDS, provider) ? KINDS[provider] : undefined
}

/** The provider that the name of a virtual key begins with, as in `openai-team-a`; the longest that fits. */
export function kindInName(name: string): ProviderKind | undefined {
  const plain = name.replace(/^@/, '').toLowerCase()
  const fits = Object.keys(KINDS)
    .filter((provider) => plain === provider || plain.startsWith(`${provider}-`))
    .sort((left, right) => right.length - left.length)
  return fits[0] === undefined ? undefined : KINDS[fits[0]]
}
