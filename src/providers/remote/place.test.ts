import { describe, expect, test } from 'vitest'
import { apisOfKind, providerKind } from '../../contracts/index.ts'
import type { Operation } from './kind-row.ts'
import { kinds } from './kinds.ts'
import { headersOf, placeOf, rowOf } from './place.ts'
import { type ProviderWish, providerOf } from './testing/open-remote.ts'

const urlOf = (wish: ProviderWish, operation: Operation, model = 'm') => {
  const provider = providerOf({ allowInner: false, ...wish })
  const place = placeOf(provider, provider.accounts[0] as (typeof provider.accounts)[0], rowOf(provider))
  const path = place.pathOf(operation, model)
  return path === undefined ? undefined : place.origin + path
}
const region = (name: string) => ({ accounts: [{ name: 'main', region: name }] })

test.each<[ProviderWish, Operation, string, string | undefined]>([
  [{ kind: 'openai' }, 'chat', 'gpt', 'https://api.openai.com/v1/chat/completions'],
  [
    { kind: 'openai', baseUrl: 'https://eu.api.openai.com/v1/' },
    'responses',
    'gpt',
    'https://eu.api.openai.com/v1/responses',
  ],
  [{ kind: 'openai' }, 'rerank', 'gpt', undefined],
  [
    { kind: 'azure-openai', baseUrl: 'https://x.openai.azure.com' },
    'chat',
    'my deployment',
    'https://x.openai.azure.com/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21',
  ],
  [
    { kind: 'azure-openai', baseUrl: 'https://x.openai.azure.com', apiVersion: '2025-04-01-preview' },
    'responses',
    'd',
    'https://x.openai.azure.com/openai/responses?api-version=2025-04-01-preview',
  ],
  [
    { kind: 'azure-openai', baseUrl: 'https://x.openai.azure.com/openai/v1/' },
    'chat',
    'd',
    'https://x.openai.azure.com/openai/v1/chat/completions',
  ],
  [{ kind: 'anthropic' }, 'countTokens', 'claude', 'https://api.anthropic.com/v1/messages/count_tokens'],
  [
    { kind: 'bedrock', ...region('eu-central-1') },
    'chatStream',
    'anthropic.claude-v2:1',
    'https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse-stream',
  ],
  [
    { kind: 'vertex', project: 'p', ...region('europe-west4') },
    'chat',
    'gemini-2.5-pro',
    'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent',
  ],
  [
    { kind: 'vertex', project: 'p', ...region('global') },
    'chatStream',
    'g',
    'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/g:streamGenerateContent?alt=sse',
  ],
  [
    { kind: 'gemini' },
    'chat',
    'g',
    'https://generativelanguage.googleapis.com/v1beta/models/g:generateContent',
  ],
  [
    { kind: 'gemini' },
    'embeddings',
    'gemini-embedding-001',
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents',
  ],
  [
    { kind: 'vertex', project: 'p', ...region('europe-west1') },
    'embeddings',
    'text-embedding-005',
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1/publishers/google/models/text-embedding-005:predict',
  ],
  ...(
    [
      ['chat', 'claude-sonnet-4-5@20250929:rawPredict'],
      ['chatStream', 'claude-sonnet-4-5@20250929:streamRawPredict'],
      ['countTokens', 'count-tokens:rawPredict'],
    ] as const
  ).map(
    ([operation, end]) =>
      [
        { kind: 'vertex', project: 'p', ...region('global') } as ProviderWish,
        operation,
        'claude-sonnet-4-5@20250929',
        `https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/${end.replace('@', '%40')}`,
      ] as [ProviderWish, Operation, string, string],
  ),
  [{ kind: 'vertex', project: 'p', ...region('global') }, 'embeddings', 'claude-sonnet-4-5', undefined],
  [
    { kind: 'bedrock', api: 'invoke', ...region('us-east-1') },
    'chatStream',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
  ],
  [
    { kind: 'bedrock', api: 'invoke', ...region('us-east-1') },
    'chat',
    'amazon.nova-pro-v1:0',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse',
  ],
  [
    { kind: 'bedrock', ...region('us-east-1') },
    'embeddings',
    'amazon.titan-embed-text-v2:0',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke',
  ],
  [
    { kind: 'tgi', api: 'generate', allowInner: true },
    'chatStream',
    'any',
    'http://127.0.0.1:3000/generate_stream',
  ],
  [
    { kind: 'tgi', api: 'chat', allowInner: true },
    'chat',
    'any',
    'http://127.0.0.1:3000/v1/chat/completions',
  ],
  [{ kind: 'ollama', allowInner: true }, 'chat', 'llama', 'http://127.0.0.1:11434/v1/chat/completions'],
  [
    { kind: 'openai-compatible', baseUrl: 'https://proxy.example/v1?tenant=a' },
    'chat',
    'm',
    'https://proxy.example/v1/chat/completions?tenant=a',
  ],
])('%j %s %s', (wish, operation, model, url) => expect(urlOf(wish, operation, model)).toBe(url))

test.each<[string, ProviderWish, string]>([
  ['no address', { kind: 'openai-compatible' }, 'needs a baseUrl'],
  ['no region', { kind: 'bedrock' }, 'needs a region for the account default'],
  ['no project', { kind: 'vertex' }, 'needs a project'],
  [
    'an API of another kind',
    { kind: 'tgi', api: 'invoke' },
    'has no API invoke: its kind, tgi, has chat and generate',
  ],
  ['an API where there is one', { kind: 'openai', api: 'chat' }, 'its kind, openai, has only one'],
  ['an inner address', { kind: 'ollama' }, '127.0.0.1 is not a public address'],
  [
    'a password in the address',
    { kind: 'openai', baseUrl: 'https://a:b@example.com' },
    'would end up in logs',
  ],
  ['another scheme', { kind: 'openai', baseUrl: 'ftp://example.com' }, 'not an http or https address'],
])('%s is refused', (_, wish, words) => expect(() => urlOf(wish, 'chat')).toThrow(words))

describe('headers', () => {
  const headers = (wish: ProviderWish) => headersOf(providerOf(wish), rowOf(providerOf(wish)))

  test('the kind has its own, configured ones come over them', () => {
    expect(headers({ kind: 'anthropic', headers: { 'Anthropic-Beta': 'x' } })).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'x',
    })
    expect(headers({ kind: 'anthropic', apiVersion: '2030-01-01' })).toEqual({
      'anthropic-version': '2030-01-01',
    })
  })

  test.each(['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'a b'])(
    '%s is not theirs to set',
    (name) =>
      expect(() => headers({ kind: 'openai', headers: { [name]: 'x' } })).toThrow(
        `cannot set the header ${name}`,
      ),
  )
})

test('the APIs of a kind are those of the contract', () => {
  for (const kind of providerKind.options)
    expect(Object.keys(kinds[kind].apis ?? {}), kind).toEqual(apisOfKind[kind] ?? [])
})

test('every kind has a row, generation, and a path for whatever it relays', () => {
  for (const kind of providerKind.options) {
    const row = kinds[kind]
    expect(row.paths.chat, kind).toBeDefined()
    for (const operation of Object.values(row.relays))
      expect(row.paths[operation], `${kind} ${operation}`).toBeDefined()
  }
})
