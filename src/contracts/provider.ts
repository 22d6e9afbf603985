import { z } from 'zod'

/** `together`, `azure-eu`: lower case, digits, `_` and `-`. */
export const providerName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'A provider name is lower case letters, digits, _ and -, at most 63.')
export type ProviderName = z.infer<typeof providerName>

/**
 * What a provider is, as a row of the table in `providers/remote/kinds`: which dialect, address and quirks it starts
 * from. `openai-compatible` is any server that speaks chat completions.
 */
export const providerKind = z.enum([
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'bedrock',
  'vertex',
  'gemini',
  'cohere',
  'tgi',
  'together',
  'anyscale',
  'vllm',
  'sglang',
  'ollama',
  'lm-studio',
  'llama-cpp',
  'mistral',
  'groq',
  'deepseek',
  'openrouter',
  'fireworks',
  'xai',
])
export type ProviderKind = z.infer<typeof providerKind>

/**
 * Which of its APIs a provider is asked by, where its kind has several. `bedrock`: `converse` (the usual one), or `invoke`
 * for the models whose own bodies are known. `tgi`: `chat` (the usual one) or `generate`, its own.
 */
export const providerApi = z.enum(['converse', 'invoke', 'chat', 'generate'])
export type ProviderApi = z.infer<typeof providerApi>

/** A kind that is not here has one API, and takes no `api`. The first is the usual one. */
export const apisOfKind: Readonly<Partial<Record<ProviderKind, readonly ProviderApi[]>>> = {
  bedrock: ['converse', 'invoke'],
  tgi: ['chat', 'generate'],
}

/**
 * A secret by reference, resolved in the process that uses it and nowhere else: `${env:OPENAI_API_KEY}` or
 * `${file:/run/secrets/openai}`. Values are refused, so that no store, snapshot or log ever holds one.
 */
export const secretRef = z
  .string()
  .regex(
    /^\$\{(env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:\/[^}]{1,400})\}$/,
    'A secret is named, never written: by env:NAME or file:/path in $ and curly braces.',
  )

/** One of the keys of a pool, or one region; requests are spread over them, and one that is refused rests. */
export const providerAccount = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  /** API key, or for `bedrock` the access key id, for `vertex` the service account JSON (left out: ambient credentials). */
  key: secretRef.optional(),
  /** `bedrock`: the secret access key. */
  secret: secretRef.optional(),
  /** `bedrock`: the session token of temporary credentials. */
  sessionToken: secretRef.optional(),
  region: z.string().max(60).optional(),
  baseUrl: z.url().max(2000).optional(),
  weight: z.number().positive().max(1000).default(1),
})
export type ProviderAccount = z.infer<typeof providerAccount>

export const providerTimeouts = z.strictObject({
  connectMs: z.number().int().min(1).max(60_000).default(5000),
  /** From sending to the first content; what is held back until then can still fall back. */
  firstContentMs: z.number().int().min(1).max(3_600_000).default(60_000),
  /** Between two chunks. */
  idleMs: z.number().int().min(1).max(3_600_000).default(60_000),
  totalMs: z.number().int().min(1).max(86_400_000).default(600_000),
})
export type ProviderTimeouts = z.infer<typeof providerTimeouts>

export const newProvider = z.strictObject({
  name: providerName,
  kind: providerKind,
  api: providerApi.optional(),
  /** Left out: the kind's own. */
  baseUrl: z.url().max(2000).optional(),
  accounts: z
    .array(providerAccount)
    .min(1)
    .max(64)
    .default([{ name: 'default', weight: 1 }]),
  /** Sent with each request; values may be secret references. */
  headers: z.record(z.string().max(100), z.string().max(4096)).default({}),
  /** `azure-openai`: the API version; `anthropic`: the anthropic-version; `vertex`: the project. */
  apiVersion: z.string().max(60).optional(),
  project: z.string().max(100).optional(),
  timeouts: providerTimeouts.prefault({}),
  /** Attempts beyond the first within this provider, for failures before any content. */
  maxRetries: z.number().int().min(0).max(10).default(2),
  /** Retries may be at most this share of requests, over the last ten seconds. */
  retryBudget: z.number().min(0).max(1).default(0.2),
  maxConnections: z.number().int().min(1).max(4096).default(256),
  /** Private and loopback addresses may be called. */
  allowInner: z.boolean().default(false),
  /** Names that its bill uses, for the price book; left out: the kind. */
  priceAs: z.string().max(60).optional(),
})
export type NewProvider = z.infer<typeof newProvider>

export const provider = newProvider.extend({
  revision: z.number().int(),
  updatedAt: z.number(),
})
export type Provider = z.infer<typeof provider>
