import type { ProviderKind } from '../../contracts/index.ts'
import type { DialectName } from '../../dialects/index.ts'
import type { KindRow, Operation } from './kind-row.ts'
import { ANTHROPIC_RATES, OPENAI_RATES, PLAIN_RATES } from './rate-headers.ts'

const CHAT = { chat: '/chat/completions' } as const
const CHAT_RELAY: KindRow['relays'] = { 'openai-chat': 'chat' }
const COMPLETIONS = { ...CHAT, completions: '/completions', embeddings: '/embeddings' } as const
const COMPLETIONS_RELAY: KindRow['relays'] = { ...CHAT_RELAY, 'openai-completions': 'completions' }

/** Servers that speak chat completions below `/v1`; rows add what else they have. */
function compatible(
  baseUrl: string | undefined,
  paths: Partial<Record<Operation, string>> = COMPLETIONS,
  row: Partial<KindRow> = {},
): KindRow {
  return {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    auth: 'bearer',
    needsKey: true,
    dialect: 'openai-chat',
    paths,
    relays: relaysOf(paths),
    rates: OPENAI_RATES,
    requestIds: ['x-request-id'],
    ...row,
  }
}

/** On a machine of one's own: no key is needed, and the usual port is where it listens. */
function local(baseUrl: string, paths: Partial<Record<Operation, string>> = COMPLETIONS): KindRow {
  return compatible(baseUrl, paths, { needsKey: false, rates: [] })
}

function relaysOf(paths: Partial<Record<Operation, string>>): KindRow['relays'] {
  const relays: Partial<Record<DialectName, Operation>> = {
    ...(paths.completions === undefined ? CHAT_RELAY : COMPLETIONS_RELAY),
  }
  if (paths.responses !== undefined) relays['openai-responses'] = 'responses'
  if (paths.messages !== undefined) relays.anthropic = 'messages'
  return relays
}

const AZURE_DEPLOYMENT = '/openai/deployments/{model}'
const GEMINI_PATHS = {
  chat: '/models/{model}:generateContent',
  chatStream: '/models/{model}:streamGenerateContent?alt=sse',
  embeddings: '/models/{model}:batchEmbedContents',
  countTokens: '/models/{model}:countTokens',
} as const
const VERTEX_MODEL = '/publishers/google/models/{model}'
const VERTEX_CLAUDE = '/publishers/anthropic/models'
const INVOKE = '/model/{model}/invoke'
const BEDROCK_PATHS = {
  chat: '/model/{model}/converse',
  chatStream: '/model/{model}/converse-stream',
  // Bodies of these are the models' own.
  embeddings: INVOKE,
  rerank: INVOKE,
  countTokens: '/model/{model}/count-tokens',
} as const

/**
 * What each kind of provider starts from. Every row is from the provider's own public documentation, named beside it;
 * whatever a provider needs besides (another address, headers, a region) is said where it is configured.
 */
export const kinds: Readonly<Record<ProviderKind, KindRow>> = {
  // platform.openai.com/docs/api-reference
  openai: compatible('https://api.openai.com/v1', {
    ...COMPLETIONS,
    responses: '/responses',
    moderations: '/moderations',
  }),
  // Jina's and others' rerankers are found there too.
  'openai-compatible': compatible(undefined, { ...COMPLETIONS, rerank: '/rerank' }, { needsKey: false }),
  // learn.microsoft.com/azure/ai-services/openai/reference: a deployment is the model, and each request has api-version.
  'azure-openai': compatible(
    undefined,
    {
      chat: `${AZURE_DEPLOYMENT}/chat/completions?api-version={apiVersion}`,
      completions: `${AZURE_DEPLOYMENT}/completions?api-version={apiVersion}`,
      embeddings: `${AZURE_DEPLOYMENT}/embeddings?api-version={apiVersion}`,
      responses: '/openai/responses?api-version={apiVersion}',
    },
    { auth: 'api-key', requestIds: ['apim-request-id', 'x-request-id'], apiVersion: '2024-10-21' },
  ),
  // docs.anthropic.com/en/api: versioning, errors ("request-id"), rate limits.
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    auth: 'x-api-key',
    needsKey: true,
    dialect: 'anthropic',
    paths: { messages: '/v1/messages', chat: '/v1/messages', countTokens: '/v1/messages/count_tokens' },
    relays: { anthropic: 'messages' },
    rates: ANTHROPIC_RATES,
    requestIds: ['request-id'],
    headers: { 'anthropic-version': '{apiVersion}' },
    apiVersion: '2023-06-01',
  },
  // docs.aws.amazon.com/bedrock/latest/APIReference: Converse, ConverseStream, CountTokens, InvokeModel.
  bedrock: {
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    auth: 'sigv4',
    needsKey: true,
    dialect: 'bedrock-converse',
    paths: BEDROCK_PATHS,
    relays: {},
    rates: [],
    requestIds: ['x-amzn-requestid'],
    streamType: 'application/vnd.amazon.eventstream',
    needsRegion: true,
    service: 'bedrock',
    apis: {
      converse: {},
      invoke: {
        families: [
          {
            models: /anthropic\.claude/,
            dialect: 'bedrock-invoke',
            paths: { ...BEDROCK_PATHS, chat: INVOKE, chatStream: `${INVOKE}-with-response-stream` },
          },
        ],
      },
    },
  },
  // cloud.google.com/vertex-ai/generative-ai/docs/reference/rest
  vertex: {
    baseUrl: 'https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}',
    auth: 'google',
    needsKey: false,
    dialect: 'gemini',
    paths: {
      chat: `${VERTEX_MODEL}:generateContent`,
      chatStream: `${VERTEX_MODEL}:streamGenerateContent?alt=sse`,
      embeddings: `${VERTEX_MODEL}:predict`,
      countTokens: `${VERTEX_MODEL}:countTokens`,
    },
    relays: {},
    // cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude
    families: [
      {
        models: /^claude/,
        dialect: 'anthropic',
        paths: {
          chat: `${VERTEX_CLAUDE}/{model}:rawPredict`,
          chatStream: `${VERTEX_CLAUDE}/{model}:streamRawPredict`,
          countTokens: `${VERTEX_CLAUDE}/count-tokens:rawPredict`,
        },
      },
    ],
    rates: [],
    requestIds: ['x-goog-request-id'],
    region: 'us-central1',
    needsProject: true,
  },
  // ai.google.dev/api
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    auth: 'x-goog-api-key',
    needsKey: true,
    dialect: 'gemini',
    paths: GEMINI_PATHS,
    relays: {},
    rates: [],
    requestIds: ['x-goog-request-id'],
  },
  // docs.cohere.com/reference
  cohere: {
    baseUrl: 'https://api.cohere.com',
    auth: 'bearer',
    needsKey: true,
    dialect: 'cohere',
    paths: { chat: '/v2/chat', embeddings: '/v2/embed', rerank: '/v2/rerank' },
    relays: {},
    rates: [],
    requestIds: ['x-debug-trace-id'],
  },
  // huggingface.co/docs/text-generation-inference: the Messages API is chat completions, the model's name is not looked at.
  tgi: {
    ...local('http://127.0.0.1:3000/v1', { ...CHAT, completions: '/completions' }),
    apis: {
      chat: {},
      generate: {
        baseUrl: 'http://127.0.0.1:3000',
        dialect: 'tgi',
        paths: { chat: '/generate', chatStream: '/generate_stream' },
        relays: {},
      },
    },
  },
  // docs.together.ai/reference
  together: compatible(
    'https://api.together.xyz/v1',
    { ...COMPLETIONS, rerank: '/rerank' },
    { rates: PLAIN_RATES },
  ),
  // docs.anyscale.com: Endpoints, whose successors run under addresses of one's own.
  anyscale: compatible('https://api.endpoints.anyscale.com/v1'),
  // docs.vllm.ai, "OpenAI-compatible server"; rerank is below /v1 too.
  vllm: local('http://127.0.0.1:8000/v1', {
    ...COMPLETIONS,
    responses: '/responses',
    messages: '/messages',
    rerank: '/rerank',
  }),
  // docs.sglang.ai, "OpenAI-compatible APIs"
  sglang: local('http://127.0.0.1:30000/v1', { ...COMPLETIONS, rerank: '/rerank' }),
  // docs.ollama.com/api/openai-compatibility
  ollama: local('http://127.0.0.1:11434/v1'),
  // lmstudio.ai/docs/developer/openai-compat
  'lm-studio': local('http://127.0.0.1:1234/v1'),
  // github.com/ggml-org/llama.cpp, tools/server
  'llama-cpp': local('http://127.0.0.1:8080/v1', { ...COMPLETIONS, rerank: '/rerank' }),
  // docs.mistral.ai/api; its completions are fill-in-the-middle and elsewhere.
  mistral: compatible('https://api.mistral.ai/v1', {
    ...CHAT,
    embeddings: '/embeddings',
    moderations: '/moderations',
  }),
  // console.groq.com/docs/api-reference
  groq: compatible('https://api.groq.com/openai/v1', { ...CHAT, responses: '/responses' }),
  // api-docs.deepseek.com: limits nobody by rate, so that no header tells one.
  deepseek: compatible('https://api.deepseek.com/v1', CHAT, { rates: [], requestIds: ['x-ds-trace-id'] }),
  // openrouter.ai/docs/api-reference
  openrouter: compatible(
    'https://openrouter.ai/api/v1',
    { ...CHAT, completions: '/completions', embeddings: '/embeddings' },
    { rates: PLAIN_RATES },
  ),
  // docs.fireworks.ai/api-reference
  fireworks: compatible('https://api.fireworks.ai/inference/v1', { ...COMPLETIONS, rerank: '/rerank' }),
  // docs.x.ai/docs/api-reference
  xai: compatible('https://api.x.ai/v1', { ...CHAT, completions: '/completions', responses: '/responses' }),
}

/** Azure's v1 API (`…/openai/v1`) is OpenAI's own: the deployment is the model's name and there is no api-version. */
export const azureV1: Pick<KindRow, 'paths' | 'relays'> = {
  paths: { ...COMPLETIONS, responses: '/responses' },
  relays: { ...COMPLETIONS_RELAY, 'openai-responses': 'responses' },
}
