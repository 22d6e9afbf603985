/** Each provider that docs/llm.md shows, opened as it stands there and asked over HTTP, whole and streamed. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { newProvider, type Provider, type ProviderKind, providerKind } from '../../src/contracts/index.ts'
import { seededRandom, silentLogger, systemClock } from '../../src/kernel/index.ts'
import { remoteTextUpstream, standardCodecs, type TextCall } from '../../src/providers/index.ts'
import { kinds } from '../../src/providers/remote/kinds.ts'
import { Listening } from '../../src/providers/text/text-upstream.conformance.ts'
import { readPage } from '../docs/pages.ts'
import { openProviderDouble, type ProviderDouble, TOKEN } from './provider-double.ts'

const page = readPage('docs/llm.md')
const shown = page.blocks.flatMap(({ language, line, text }) => {
  const modelName = /^# modelName: (.+)$/m.exec(text)?.[1]
  return language === 'yaml' && modelName !== undefined ? [{ line, text, modelName }] : []
})

let double: ProviderDouble
beforeAll(async () => {
  double = await openProviderDouble()
})
afterAll(() => double.close())

const SECRET = 'a-key-of-the-test'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Every name has a key; the one of Google has a service account, which gets its tokens from the double. */
const secretOf = (name: string) =>
  name.startsWith('GOOGLE')
    ? JSON.stringify({
        type: 'service_account',
        client_email: 'slipway@project.iam.gserviceaccount.com',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: `${double.origin}/token`,
      })
    : SECRET

function open(text: string) {
  const written = newProvider.parse(parse(text))
  const base = written.baseUrl ?? baseOf(written)
  const provider: Provider = {
    ...written,
    // The address is the double's; what stands behind it is the kind's own, or as it is written.
    baseUrl: base.replace(/^https?:\/\/[^/]+/, double.origin),
    allowInner: true,
    revision: 1,
    updatedAt: 0,
  }
  const names = [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => name as string)
  return remoteTextUpstream(provider, {
    clock: systemClock,
    random: seededRandom(7),
    log: silentLogger(),
    env: Object.fromEntries(names.map((name) => [name, secretOf(name)])),
    readFile: () => SECRET,
    codecs: standardCodecs,
  })
}

function baseOf({ api, kind }: { api?: Provider['api']; kind: ProviderKind }): string {
  const row = kinds[kind]
  const base = (api === undefined ? undefined : row.apis?.[api]?.baseUrl) ?? row.baseUrl
  if (base === undefined) throw new Error(`${kind} needs a baseUrl on the page`)
  return base
}

async function ask(text: string, modelName: string, work: TextCall['work'], stream: boolean) {
  const upstream = open(text)
  const sink = new Listening()
  const { timeouts } = newProvider.parse({ name: 'a', kind: 'openai' })
  upstream.start({ work, modelName, stream, timeouts, hideUsage: false, priority: 1 }, sink)
  const { failure } = await sink.done
  await upstream.close()
  expect(failure?.detail).toBeUndefined()
  return { sink, call: double.calls.at(-1) as ProviderDouble['calls'][number] }
}

const question: TextCall['work'] = {
  kind: 'generate',
  request: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }] },
}

test('every kind is shown', () => {
  const names = new Set(shown.map(({ text }) => (parse(text) as { kind: string }).kind))
  expect([...names].sort()).toEqual([...providerKind.options].sort())
})

test('the operations of each kind are those of its row', () => {
  const table = page.text.split('### Operations\n')[1]?.split('\n\n')[0] ?? ''
  const told = table.split('\n').flatMap((line) => {
    const [names = '', ...cells] = line.split('|').slice(1, -1)
    const has = cells.map((cell) => cell.trim() !== '–')
    return [...names.matchAll(/`([\w-]+)`/g)].map(([, kind]) => [kind, has] as const)
  })
  const paths = ['chat', 'embeddings', 'rerank', 'moderations', 'countTokens'] as const
  const known = providerKind.options.map(
    (kind) => [kind, paths.map((path) => kinds[kind].paths[path] !== undefined)] as const,
  )
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known))
})

/** How a kind proves who sends, by the header that carries it. */
const PROOFS: Readonly<Record<string, readonly [string, RegExp]>> = {
  bearer: ['authorization', new RegExp(`^Bearer ${SECRET}$`)],
  'x-api-key': ['x-api-key', new RegExp(`^${SECRET}$`)],
  'api-key': ['api-key', new RegExp(`^${SECRET}$`)],
  'x-goog-api-key': ['x-goog-api-key', new RegExp(`^${SECRET}$`)],
  sigv4: ['authorization', /^AWS4-HMAC-SHA256 Credential=.*SignedHeaders=.*Signature=[0-9a-f]{64}$/],
  google: ['authorization', new RegExp(`^Bearer ${TOKEN}$`)],
}

describe.each(shown.map((one) => [`line ${one.line}, ${one.modelName}`, one] as const))('%s', (_, one) => {
  const { modelName, text } = one
  const { kind } = parse(text) as { kind: ProviderKind }

  test.each([[false], [true]])('is asked and understood (streamed: %s)', async (stream) => {
    const { call, sink } = await ask(text, modelName, question, stream)
    expect(stream ? sink.text : JSON.stringify(sink.answers)).toContain('Hello')
    expect(JSON.stringify(call.body)).toContain('Why?')
    const named = `${call.path} ${String(call.body.model)}`
    // TGI serves one model, and its own API has no name for it.
    if (!call.path.startsWith('/generate')) expect(named).toContain(modelName)
  })

  test('says who sends', async () => {
    const { call } = await ask(text, modelName, question, false)
    if (!text.includes('key:')) {
      expect(call.headers.authorization).toBeUndefined()
      return
    }
    const [header, proof] = PROOFS[kinds[kind].auth] as readonly [string, RegExp]
    expect(call.headers[header]).toMatch(proof)
  })
})

const textOf = (kind: ProviderKind) =>
  shown.find(({ text }) => (parse(text) as { kind: string }).kind === kind)?.text as string

test.each<[ProviderKind, string, string]>([
  ['openai', 'text-embedding-3-small', '/v1/embeddings'],
  ['azure-openai', 'embedder', '/embeddings'],
  ['cohere', 'embed-v4.0', '/v2/embed'],
  ['gemini', 'gemini-embedding-001', 'gemini-embedding-001:batchEmbedContents'],
  ['vertex', 'text-embedding-005', 'text-embedding-005:predict'],
  ['bedrock', 'amazon.titan-embed-text-v2:0', 'amazon.titan-embed-text-v2:0/invoke'],
])('%s embeds by %s', async (kind, modelName, path) => {
  const work: TextCall['work'] = { kind: 'embed', request: { inputs: ['a'] } }
  const { call, sink } = await ask(textOf(kind), modelName, work, false)
  expect(sink.answers).toMatchObject([{ vectors: [[0.5, 1]] }])
  expect(call.path).toContain(path)
})

test.each<[ProviderKind, string, string]>([
  ['anthropic', 'claude-sonnet-4-5', '/v1/messages/count_tokens'],
  ['bedrock', 'amazon.nova-pro-v1:0', 'amazon.nova-pro-v1:0/count-tokens'],
  ['vertex', 'gemini-2.5-flash', 'google/models/gemini-2.5-flash:countTokens'],
  ['vertex', 'claude-sonnet-4-5@20250929', 'anthropic/models/count-tokens:rawPredict'],
  ['gemini', 'gemini-2.5-pro', 'models/gemini-2.5-pro:countTokens'],
])('%s counts the tokens of %s', async (kind, modelName, path) => {
  const request = {
    messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Why?' }] }],
  }
  const { call, sink } = await ask(textOf(kind), modelName, { kind: 'count-tokens', request }, false)
  expect(sink.answers).toEqual([{ input_tokens: 7 }])
  expect(call.path).toContain(path)
  expect(JSON.stringify(call.body)).toContain('Why?')
})

test.each<[ProviderKind, string, string]>([
  ['cohere', 'rerank-v3.5', '/v2/rerank'],
  ['openai-compatible', 'jina-reranker-v2-base-multilingual', '/v1/rerank'],
  ['together', 'Salesforce/Llama-Rank-V1', '/v1/rerank'],
])('%s orders documents by %s', async (kind, modelName, path) => {
  const work: TextCall['work'] = { kind: 'rerank', request: { query: 'q', documents: ['a'] } }
  const { call, sink } = await ask(textOf(kind), modelName, work, false)
  expect(sink.answers).toMatchObject([{ results: [{ index: 0, score: 0.9 }] }])
  expect(call.path).toContain(path)
})
