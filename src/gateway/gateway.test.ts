import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { World } from './testing/world.ts'

let world: World

beforeAll(async () => {
  world = await World.open({ replicas: { v1: 1, v2: 1 }, shares: { v1: 100 } })
})
afterAll(() => world.close())

const row = { pixels: [1, 2, 3, 4.5] }

describe('a predict request', () => {
  test('is answered, and says who answered', async () => {
    const answer = await world.predict([row, { pixels: [0, 0, 0, 1] }])
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ model: 'm', version: 'v1', outputs: [{ score: 10.5 }, { score: 1 }] })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-slipway-request-id': expect.stringMatching(/^r-/),
      'x-slipway-model': 'm',
      'x-slipway-version': 'v1',
      'x-slipway-replica': 'v1-0',
      'x-slipway-compute-ms': '1.5',
      'x-slipway-queue-ms': '0.25',
    })
  })

  test('may call the only input features', async () => {
    expect((await world.predict([{ features: [1, 1, 1, 1] }])).json).toMatchObject({
      outputs: [{ score: 4 }],
    })
  })

  test('may pin a version', async () => {
    expect((await world.predict([row], { params: { version: 'v2' } })).json).toMatchObject({ version: 'v2' })
  })

  test.each([
    ['application/octet-stream', Buffer.from(new Float32Array([10.5, 1]).buffer)],
    ['*/*', Buffer.from('{"model":"m","version":"v2","outputs":[{"score":10.5},{"score":1}]}')],
  ])('may send raw rows and read %s', async (accept, expected) => {
    const answer = await world.send({
      path: '/api/v1/models/m/predict?version=v2',
      body: Buffer.from(new Float32Array([1, 2, 3, 4.5, 0, 0, 0, 1]).buffer),
      headers: { 'content-type': 'application/octet-stream', accept },
    })
    expect([answer.status, answer.body]).toEqual([200, expected])
  })

  test('with content-type parameters, in pieces, and expecting 100-continue', async () => {
    const answer = await world.predict([row], {
      headers: { 'content-type': 'Application/JSON; charset=utf-8', expect: '100-continue' },
    })
    expect(answer.status).toBe(200)
  })

  test('leaves one whole record', async () => {
    const before = world.control.records.length
    const answer = await world.predict([row], { headers: { 'x-slipway-unit': 'user-7' } })
    const records = await world.records(before + 1)
    const record = records.find((one) => one.requestId === answer.headers['x-slipway-request-id'])
    expect(record).toMatchObject({
      model: 'm',
      version: 'v1',
      replica: 'v1-0',
      tenant: 'default',
      key: world.keys[0]?.publicId,
      assignment: 'split',
      experiment: 'm/1',
      bucket: expect.any(Number),
      status: 200,
      outcome: 'ok',
      code: null,
      queueMs: 0.25,
      computeMs: 1.5,
      rows: 1,
      retries: 0,
    })
    expect(record?.latencyMs).toBeGreaterThan(0)
    expect(record?.input).toBeUndefined()
  })
})

describe('the unit of assignment', () => {
  test('is the header, else the user, else the request; the same unit meets the same version', async () => {
    await world.swap(world.snapshot({ v1: 50, v2: 50 }))
    const versionOf = async (sent: Parameters<World['predict']>[1]) =>
      (await world.predict([row], sent)).json.version
    const versions = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const unit = `user-${index}`
        const byHeader = await versionOf({ headers: { 'x-slipway-unit': unit }, user: 'somebody else' })
        const byBody = await versionOf({ user: unit })
        expect(byBody).toBe(byHeader)
        return byHeader
      }),
    )
    expect(new Set(versions)).toEqual(new Set(['v1', 'v2']))
    expect(await world.metric('slipway_gateway_exposures_total{model="m",version="v1"}')).toBe(
      versions.filter((version) => version === 'v1').length,
    )
    await world.swap(world.snapshot({ v1: 100 }))
  })
})

const wrong: [string, Parameters<World['send']>[0], number, string, string?][] = [
  ['text that is not JSON', { body: '{"inputs": [' }, 400, 'body_not_json'],
  ['bytes that are not UTF-8', { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, 400, 'body_not_json'],
  ['NaN', { body: '{"inputs":[{"pixels":[NaN,1,1,1]}]}' }, 400, 'body_not_json'],
  ['no body', { body: '' }, 400, 'body_not_json'],
  ['an array', { body: '[]' }, 422, 'invalid_request', ''],
  ['no inputs', { body: '{}' }, 422, 'invalid_request', '/inputs'],
  ['no rows', { body: '{"inputs":[]}' }, 422, 'invalid_request', '/inputs'],
  ['a row that is no object', { body: '{"inputs":[1]}' }, 422, 'rows_invalid', '/inputs/0'],
  ['a missing field', { body: '{"inputs":[{}]}' }, 422, 'rows_invalid', '/inputs/0/pixels'],
  [
    'an unknown field in a row',
    { body: '{"inputs":[{"pixels":[1,1,1,1],"colour":1}]}' },
    422,
    'rows_invalid',
    '/inputs/0/colour',
  ],
  ['a wrong size', { body: '{"inputs":[{"pixels":[1,2,3]}]}' }, 422, 'rows_invalid', '/inputs/0/pixels'],
  [
    'a wrong type',
    { body: '{"inputs":[{"pixels":[1,2,"3",4]}]}' },
    422,
    'rows_invalid',
    '/inputs/0/pixels/2',
  ],
  ['infinity', { body: '{"inputs":[{"pixels":[1e999,1,1,1]}]}' }, 422, 'rows_invalid', '/inputs/0/pixels/0'],
  ['an unknown member', { body: '{"inputs":[{}],"in/puts":1}' }, 422, 'invalid_request', '/in~1puts'],
  ['an unknown parameter', { body: '{"inputs":[{}],"params":{"x":1}}' }, 422, 'invalid_request', '/params/x'],
  ['__proto__', { body: '{"inputs":[{}],"__proto__":{}}' }, 422, 'invalid_request', '/__proto__'],
  ['a user that is no text', { body: '{"inputs":[{}],"user":7}' }, 422, 'invalid_request', '/user'],
  [
    'an unknown version',
    { body: '{"inputs":[{"pixels":[1,1,1,1]}],"params":{"version":"v9"}}' },
    404,
    'unknown_version',
  ],
  ['nesting of 100,000', { body: '['.repeat(100_000) }, 400, 'body_too_deep'],
  [
    'nesting inside a row',
    { body: `{"inputs":[{"pixels":${'['.repeat(40)}${']'.repeat(40)}}]}` },
    400,
    'body_too_deep',
  ],
  ['a million rows', { body: `{"inputs":[${'{},'.repeat(999_999)}{}]}` }, 413, 'too_many_rows'],
  ['an unknown model', { path: '/api/v1/models/other/predict', body: '{}' }, 404, 'unknown_model'],
  ['an unknown path', { path: '/api/v1/nothing', body: '{}' }, 404, 'unknown_route'],
  ['a path of control', { path: '/api/v1/models', method: 'GET' }, 404, 'unknown_route'],
  [
    'a path that only looks the same',
    { path: '/api/v1/models/m%2Fpredict', body: '{}' },
    404,
    'unknown_route',
  ],
  ['an unknown method', { method: 'DELETE' }, 405, 'method_not_allowed'],
  ['a form', { body: 'a=b', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
  ['a zipped body', { body: '{}', headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported_media_type'],
  ['a strange timeout', { body: '{}', headers: { 'x-slipway-timeout-ms': '1e9' } }, 422, 'invalid_request'],
  [
    'a long unit',
    { body: '{"inputs":[{}]}', headers: { 'x-slipway-unit': 'u'.repeat(300) } },
    422,
    'invalid_request',
  ],
  [
    'a query',
    { path: '/api/v1/models/m/predict?version=v2', body: '{"inputs":[{}]}' },
    422,
    'invalid_request',
  ],
]
const raw = (bytes: number, value = 1): Parameters<World['send']>[0] => ({
  body: Buffer.from(new Float32Array(bytes / 4).fill(value).buffer),
  headers: { 'content-type': 'application/octet-stream' },
})
wrong.push(
  ['raw rows of half a row', raw(24), 422, 'rows_invalid'],
  ['no raw rows', raw(0), 422, 'rows_invalid'],
  ['raw NaN', raw(16, Number.NaN), 422, 'rows_invalid'],
  ['too many raw rows', raw(16 * 8193), 413, 'too_many_rows'],
)

test.each(wrong)('%s is refused as a problem', async (_, sent, status, code, pointer) => {
  const answer = await world.send(sent)
  expect([answer.status, answer.json.code]).toEqual([status, code])
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.json.requestId).toBe(answer.headers['x-slipway-request-id'])
  expect(answer.json).toMatchObject({ status, detail: expect.not.stringContaining('{') })
  if (pointer !== undefined) expect(answer.json.pointer ?? '').toBe(pointer)
})

test('a wrong request is recorded as the client’s error, without its input', async () => {
  const answer = await world.predict([{ pixels: [1] }])
  const requestId = answer.headers['x-slipway-request-id'] as string
  const records = await world.records(world.control.records.length + 1)
  expect(records.find((record) => record.requestId === requestId)).toMatchObject({
    outcome: 'client_error',
    code: 'rows_invalid',
    status: 422,
  })
  expect(records.some((record) => record.input !== undefined)).toBe(false)
})
