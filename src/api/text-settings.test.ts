import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textContract, versionSpec } from '../contracts/index.ts'
import { openTestApi, type TestApi } from './testing/open-api.ts'

let api: TestApi
let admin: string
let deploy: string

beforeAll(async () => {
  api = await openTestApi()
  admin = await api.keyFor('admin')
  deploy = await api.keyFor('deploy')
  await call('POST', '/models', { model: 'chat', contract: textContract }, {}, deploy)
})
afterAll(() => api.close())

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  key = admin,
) {
  const response = await fetch(`${api.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  }
}

const house = { kind: 'openai-compatible', baseUrl: 'https://llm.example.com/v1' }
const key = '$' + '{env:HOUSE_KEY}'

describe('providers', () => {
  test('are put, listed and replaced; a lost update is refused', async () => {
    const made = await call('PUT', '/providers/house', { ...house, accounts: [{ name: 'one', key }] })
    expect(made).toMatchObject({ status: 200, json: { name: 'house', revision: 1 } })
    const stale = await call('PUT', '/providers/house', house, { 'if-match': '"7"' })
    expect(stale).toMatchObject({ status: 412, json: { code: 'etag_mismatch' } })
    const again = await call('PUT', '/providers/house', house, { 'if-match': made.etag ?? '' })
    expect(again.json.revision).toBe(2)
    expect((await call('GET', '/providers')).json).toMatchObject({ items: [{ name: 'house', revision: 2 }] })
  })

  test('a secret that is written instead of named is refused, and not repeated', async () => {
    const { status, json } = await call('PUT', '/providers/leaky', {
      ...house,
      accounts: [{ name: 'one', key: 'sk-very-secret' }],
    })
    expect(status).toBe(422)
    expect(json).toMatchObject({ code: 'invalid_request', pointer: '/accounts/0/key' })
    expect(JSON.stringify(json)).not.toContain('sk-very-secret')
  })

  test('an API that its kind does not have is refused by its place', async () => {
    const wrong = await call('PUT', '/providers/prompts', { kind: 'tgi', api: 'invoke' })
    expect(wrong).toMatchObject({ status: 422, json: { code: 'invalid_request', pointer: '/api' } })
    const right = await call('PUT', '/providers/prompts', { kind: 'tgi', api: 'generate' })
    expect(right).toMatchObject({ status: 200, json: { api: 'generate' } })
  })

  test('one that a deployed version needs stays', async () => {
    await call('PUT', '/providers/needed', house)
    const spec = versionSpec.parse({
      engine: 'openai',
      provider: 'needed',
      modelName: 'm',
      contract: textContract,
    })
    expect(await call('POST', '/models/chat/versions', { label: 'v9', spec }, {}, deploy)).toMatchObject({
      status: 201,
    })
    await api.store.deployments.upsert({ model: 'chat', version: 'v9', replicas: 1, gpuType: null })
    expect(await call('DELETE', '/providers/needed')).toMatchObject({ status: 409 })
    expect(await call('DELETE', '/providers/none')).toMatchObject({
      status: 404,
      json: { code: 'unknown_provider' },
    })
  })
})

describe('a version of text', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    ['needs a provider', { engine: 'openai', modelName: 'm' }, '/spec/provider', 'invalid_request'],
    [
      'needs the name of the model there',
      { engine: 'openai', provider: 'house' },
      '/spec/modelName',
      'invalid_request',
    ],
    [
      'needs a provider that is known',
      { engine: 'openai', provider: 'nobody', modelName: 'm' },
      '/spec/provider',
      'unknown_provider',
    ],
    [
      'needs a provider that speaks its protocol',
      { engine: 'anthropic', provider: 'house', modelName: 'm' },
      '/spec/engine',
      'invalid_request',
    ],
    [
      'needs the contract of text',
      { engine: 'openai', contract: rows() },
      '/spec/contract',
      'invalid_request',
    ],
    ['is not answered by engines of rows', { engine: 'onnx' }, '/spec/engine', 'invalid_request'],
    [
      'of llama needs the contract of text',
      { engine: 'llama', contract: rows() },
      '/spec/contract',
      'invalid_request',
    ],
    ['of llama needs a file', { engine: 'llama' }, '/spec/artifact', 'invalid_request'],
    [
      'needs every file to be there',
      {
        engine: 'echo',
        llama: {
          loras: [{ name: 'formal', artifact: { digest: `sha256:${'0'.repeat(64)}`, name: 'l.gguf' } }],
        },
      },
      '/spec/llama/loras/0/artifact/digest',
      'artifact_missing',
    ],
    ['of vllm needs settings', { engine: 'vllm' }, '/spec/vllm', 'invalid_request'],
    [
      'of vllm takes no files',
      {
        engine: 'vllm',
        vllm: { weights: 'w' },
        artifact: { digest: `sha256:${'0'.repeat(64)}`, name: 'm.gguf' },
      },
      '/spec/artifact',
      'invalid_request',
    ],
    [
      'of vllm names adapters that are told apart',
      {
        engine: 'vllm',
        vllm: {
          weights: 'w',
          loras: [
            { name: 'a', path: '/a' },
            { name: 'a', path: '/b' },
          ],
        },
      },
      '/spec/vllm/loras',
      'invalid_request',
    ],
    [
      'has settings of vllm only where that answers',
      { engine: 'echo', vllm: { weights: 'w' } },
      '/spec/vllm',
      'invalid_request',
    ],
  ])('%s', async (_, fields, pointer, code) => {
    const spec = { contract: textContract, ...fields }
    const { json } = await call('POST', '/models/chat/versions', { label: 'bad', spec }, {}, deploy)
    expect(json).toMatchObject({ code, pointer })
  })
})

function rows() {
  return {
    inputs: [{ name: 'x', dtype: 'float32', shape: [] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
  }
}

describe('serving policies, limits and prices', () => {
  test('a policy has defaults until it is set, and an ETag', async () => {
    const before = await call('GET', '/models/chat/serving-policy')
    expect(before).toMatchObject({ status: 200, etag: '"0"', json: { onDisconnect: 'cancel' } })
    const put = await call('PUT', '/models/chat/serving-policy', { onDisconnect: 'drain' }, {}, deploy)
    expect(put).toMatchObject({ status: 200, etag: '"1"' })
    expect((await call('GET', '/models/chat/serving-policy')).json.onDisconnect).toBe('drain')
  })

  test('a ladder may only name versions that are there', async () => {
    const rungs = [
      { kind: 'primary', name: 'full', quality: 1 },
      { kind: 'version', name: 'small', version: 'nowhere', quality: 0.5 },
    ]
    expect(await call('PUT', '/models/chat/serving-policy', { ladder: { rungs } }, {}, deploy)).toMatchObject(
      {
        status: 404,
        json: { code: 'unknown_version', pointer: '/ladder/rungs/1/version' },
      },
    )
  })

  test('a limit is put and lifted', async () => {
    await call('PUT', '/limits/free', { tenant: 'free', tokensPerMinute: 1000 })
    expect((await call('GET', '/limits')).json).toMatchObject({
      items: [{ name: 'free', tokensPerMinute: 1000 }],
    })
    expect(await call('DELETE', '/limits/free')).toMatchObject({ status: 204 })
    expect((await call('GET', '/limits')).json).toEqual({ items: [] })
  })

  test('the price of the same model and day is replaced, of another day added', async () => {
    const price = {
      provider: 'house',
      model: 'm',
      prices: { input: '1' },
      from: '2026-01-01',
      source: 'contract',
    }
    await call('PUT', '/prices', price)
    await call('PUT', '/prices', { ...price, prices: { input: '2' } })
    await call('PUT', '/prices', { ...price, from: '2026-02-01' })
    const { items } = (await call('GET', '/prices')).json as { items: { prices: { input: string } }[] }
    expect(items.map(({ prices }) => prices.input)).toEqual(['2', '1'])
  })
})
