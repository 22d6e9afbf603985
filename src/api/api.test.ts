import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Problem, type Route, routes } from '../contracts/index.ts'
import { digestOfBytes, SlipwayError } from '../kernel/index.ts'
import { openTestApi, spamModel, type TestApi } from './testing/open-api.ts'

let api: TestApi
let admin: string

beforeAll(async () => {
  api = await openTestApi()
  admin = await api.keyFor('admin')
})
afterAll(() => api.close())

const controlRoutes = Object.entries(routes as Record<string, Route>).filter(
  ([, route]) => route.listener === 'control',
)
const send = (
  method: string,
  path: string,
  options: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
) =>
  fetch(`${api.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
      ...(options.body === undefined || options.body instanceof Uint8Array
        ? {}
        : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : {
          body:
            options.body instanceof Uint8Array
              ? options.body
              : typeof options.body === 'string'
                ? options.body
                : JSON.stringify(options.body),
        }),
  })
const problemOf = async (response: Response) => (await response.json()) as Problem
const example = (route: Route) =>
  route.path
    .replace('{model}', 'spam_filter')
    .replace('{version}', 'v1')
    .replace('{change}', 'c-abcd')
    .replace('{key}', 'abcdef')
    .replace('{dataset}', 'late')
    .replace('{digest}', `sha256:${'0'.repeat(64)}`)

describe('who may call', () => {
  test.each(controlRoutes)('%s refuses a stranger unless it is public', async (_, route) => {
    const response = await send(route.method, example(route))
    if (route.access === 'public') {
      expect(response.status).not.toBe(401)
      await response.body?.cancel()
    } else {
      expect(response.status).toBe(401)
      expect(response.headers.get('content-type')).toMatch('application/problem+json')
      expect(await problemOf(response)).toMatchObject({
        code: 'unauthenticated',
        requestId: response.headers.get('x-slipway-request-id'),
      })
    }
  })

  test('the routes that are public are these, and no others', () => {
    const open = controlRoutes.filter(([, route]) => route.access === 'public').map(([name]) => name)
    expect(open.sort()).toEqual(['controlLive', 'controlReady', 'openapi', 'reference', 'signIn'])
  })

  test.each(controlRoutes.filter(([, route]) => !['public', 'read'].includes(route.access)))(
    '%s refuses a key that may only read',
    async (_, route) => {
      const response = await send(route.method, example(route), { key: await api.keyFor('read') })
      expect(response.status).toBe(403)
      expect((await problemOf(response)).detail).toContain(route.access)
    },
  )

  test('admin is not internal', async () => {
    expect((await send('POST', '/internal/v1/telemetry', { key: admin, body: {} })).status).toBe(403)
  })

  test('a wrong secret, a revoked and an expired key are strangers', async () => {
    const key = await api.keyFor('read')
    expect((await send('GET', '/api/v1/models', { key })).status).toBe(200)
    expect(
      (await send('GET', '/api/v1/models', { key: `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}` }))
        .status,
    ).toBe(401)
    await api.store.keys.revoke(key.split('_')[1] as string, Date.now())
    expect((await send('GET', '/api/v1/models', { key })).status).toBe(401)
  })
})

describe('the browser', () => {
  test('a code signs in once, and only to our own pages', async () => {
    const { code } = (await (await send('POST', '/api/v1/sign-ins', { key: admin })).json()) as {
      code: string
    }
    const first = await send('GET', `/sign-in?code=${code}&to=//evil.example/`)
    expect(first.status).toBe(303)
    expect(first.headers.get('location')).toBe('/')
    const cookie = first.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/)
    expect((await send('GET', `/sign-in?code=${code}`)).status).toBe(401)
    const session = { cookie: cookie.split(';')[0] as string }
    expect((await send('GET', '/api/v1/models', { headers: session })).status).toBe(200)
    expect(
      (await send('GET', '/api/v1/models', { headers: { ...session, 'sec-fetch-site': 'cross-site' } }))
        .status,
    ).toBe(401)
  })
})

describe('bad input is told what, where and what to do', () => {
  test.each([
    ['not JSON', 'POST', '/api/v1/models', '{"model":', 400, 'body_not_json', undefined],
    ['no body', 'POST', '/api/v1/models', undefined, 422, 'invalid_request', undefined],
    [
      'an unknown field',
      'POST',
      '/api/v1/models',
      { ...spamModel, colour: 'red' },
      422,
      'invalid_request',
      undefined,
    ],
    [
      'a bad name',
      'POST',
      '/api/v1/models',
      { ...spamModel, model: 'Spam Filter' },
      422,
      'invalid_request',
      '/model',
    ],
    [
      'a bad dtype, deep inside',
      'POST',
      '/api/v1/models',
      {
        ...spamModel,
        contract: { ...spamModel.contract, inputs: [{ name: 'x', dtype: 'float16', shape: [] }] },
      },
      422,
      'invalid_request',
      '/contract/inputs/0/dtype',
    ],
    [
      'prototype poisoning',
      'POST',
      '/api/v1/models',
      '{"__proto__":{"admin":true}}',
      400,
      'body_not_json',
      undefined,
    ],
    ['an unknown model', 'GET', '/api/v1/models/nobody', undefined, 404, 'unknown_model', undefined],
    [
      'an unknown version',
      'PATCH',
      '/api/v1/deployments/nobody/v9',
      { replicas: 1 },
      404,
      'unknown_version',
      undefined,
    ],
    ['an unknown change', 'GET', '/api/v1/changes/c-none', undefined, 404, 'unknown_change', undefined],
    ['an unknown path', 'GET', '/api/v1/nothing', undefined, 404, 'unknown_route', undefined],
    ['a limit out of bounds', 'GET', '/api/v1/models?limit=0', undefined, 422, 'invalid_request', undefined],
    [
      'a digest that is none',
      'GET',
      '/api/v1/artifacts/sha256:xyz',
      undefined,
      422,
      'invalid_request',
      undefined,
    ],
    [
      'an artifact that is not there',
      'GET',
      `/api/v1/artifacts/sha256:${'0'.repeat(64)}`,
      undefined,
      404,
      'artifact_missing',
      undefined,
    ],
    [
      'the scope that nobody may hand out',
      'POST',
      '/api/v1/keys',
      { name: 'x', scopes: ['internal'] },
      422,
      'invalid_request',
      '/scopes',
    ],
  ])('%s', async (_, method, path, body, status, code, pointer) => {
    const response = await send(method, path, { key: admin, ...(body === undefined ? {} : { body }) })
    const problem = await problemOf(response)
    expect({ status: response.status, code: problem.code, pointer: problem.pointer }).toEqual({
      status,
      code,
      pointer,
    })
    expect(problem.hint).toBeTruthy()
    expect(problem.type).toContain(code)
  })

  test('a body over the limit is refused, and the server goes on', async () => {
    const response = await send('POST', '/api/v1/models', {
      key: admin,
      body: JSON.stringify({ description: 'x'.repeat(33 * 1024 * 1024) }),
    }).catch((error: Error) => error)
    // The server may close before the client has sent it all; either way nothing is stored and the next request works.
    if (response instanceof Response) expect(response.status).toBe(413)
    expect((await send('GET', '/livez')).status).toBe(200)
  })
})

describe('models, artifacts, versions', () => {
  test('an artifact is stored under what it is, and nothing else', async () => {
    const bytes = Buffer.from('weights')
    const digest = digestOfBytes(bytes)
    expect((await send('PUT', `/api/v1/artifacts/${digest}`, { key: admin, body: bytes })).status).toBe(201)
    const back = await send('GET', `/api/v1/artifacts/${digest}`, { key: admin })
    expect(Buffer.from(await back.arrayBuffer())).toEqual(bytes)
    const wrong = await send('PUT', `/api/v1/artifacts/sha256:${'1'.repeat(64)}`, { key: admin, body: bytes })
    expect(await problemOf(wrong)).toMatchObject({ status: 422, code: 'artifact_digest_mismatch' })
  })

  test('a model and its version are made once; the same again is the same, another is a conflict', async () => {
    const made = await send('POST', '/api/v1/models', { key: admin, body: spamModel })
    expect(made.status).toBe(201)
    expect((await send('POST', '/api/v1/models', { key: admin, body: spamModel })).status).toBe(201)
    expect(
      await problemOf(
        await send('POST', '/api/v1/models', { key: admin, body: { ...spamModel, owner: 'others' } }),
      ),
    ).toMatchObject({ code: 'conflict' })
    const spec = { engine: 'echo', contract: spamModel.contract }
    const first = (await (
      await send('POST', '/api/v1/models/spam_filter/versions', { key: admin, body: { label: 'v1', spec } })
    ).json()) as { id: string }
    const again = (await (
      await send('POST', '/api/v1/models/spam_filter/versions', { key: admin, body: { label: 'v1', spec } })
    ).json()) as { id: string }
    expect(again.id).toBe(first.id)
    const other = await send('POST', '/api/v1/models/spam_filter/versions', {
      key: admin,
      body: { label: 'v1', spec: { ...spec, threads: 2 } },
    })
    expect(await problemOf(other)).toMatchObject({ code: 'conflict' })
    const missing = {
      engine: 'onnx',
      contract: spamModel.contract,
      artifact: { digest: `sha256:${'2'.repeat(64)}`, name: 'm.onnx' },
    }
    const refused = await send('POST', '/api/v1/models/spam_filter/versions', {
      key: admin,
      body: { label: 'v2', spec: missing },
    })
    expect(await problemOf(refused)).toMatchObject({
      code: 'artifact_missing',
      pointer: '/spec/artifact/digest',
    })
  })

  test.each([
    ['a broken line', '{"id":"a","inputs":{},"label":1}\n{"id":', 2],
    ['an id twice', '{"id":"a","inputs":{},"label":1}\n{"id":"a","inputs":{},"label":1}', 2],
    ['a missing label', '{"id":"a","inputs":{}}', 1],
    ['nothing', '\n\n', 1],
  ])('a dataset with %s is refused whole, with the line', async (_, text, line) => {
    await api.store.models.create(spamModel)
    const response = await send('PUT', '/api/v1/datasets/bad?model=spam_filter', {
      key: admin,
      body: gzipSync(text),
    })
    const problem = await problemOf(response)
    expect(problem.code).toBe('dataset_invalid')
    expect(problem.detail).toContain(`line ${line}:`)
    expect((await api.store.datasets.list({ limit: 10 })).items).toEqual([])
  })
})

test('an Idempotency-Key makes one key of two requests, and refuses another body', async () => {
  const headers = { 'idempotency-key': 'once' }
  const body = { name: 'shop', scopes: ['predict'] }
  const [first, second] = await Promise.all([
    send('POST', '/api/v1/keys', { key: admin, body, headers }),
    send('POST', '/api/v1/keys', { key: admin, body, headers }),
  ])
  expect(await first.json()).toEqual(await second.json())
  const other = await send('POST', '/api/v1/keys', { key: admin, body: { ...body, name: 'other' }, headers })
  expect(await problemOf(other)).toMatchObject({ code: 'conflict' })
})

test('an unexpected failure answers 500 without its inside', async () => {
  const broken = await openTestApi({ metrics: () => Promise.reject(new Error('secret inside')) })
  const key = await broken.keyFor('read')
  const response = await fetch(`${broken.url}/metrics`, { headers: { authorization: `Bearer ${key}` } })
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret inside')
  await broken.close()
})

test('a store that is down makes control unready, with the reason', async () => {
  const down = await openTestApi()
  down.store.ping = () =>
    Promise.reject(new SlipwayError('store_unavailable', { reason: 'connection refused' }))
  const response = await fetch(`${down.url}/readyz`)
  await down.close()
  expect([response.status, ((await response.json()) as Problem).code]).toEqual([503, 'store_unavailable'])
})
