import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatewayRoutes } from './server/route-table.ts'
import { until, World } from './testing/world.ts'

let world: World

beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const rows = [{ pixels: [1, 2, 3, 4] }]
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('every route of this listener', () => {
  test('is one of these, with this access', () => {
    expect(gatewayRoutes.map((route) => `${route.method} ${route.path} ${route.access}`).sort()).toEqual([
      'DELETE /v1/files/{file} predict',
      'GET /livez public',
      'GET /metrics read',
      'GET /readyz public',
      'GET /v1/batches predict',
      'GET /v1/batches/{batch} predict',
      'GET /v1/files predict',
      'GET /v1/files/{file} predict',
      'GET /v1/files/{file}/content predict',
      'GET /v1/models predict',
      'GET /v1/models/{model} predict',
      'POST /api/v1/models/{model}/generate predict',
      'POST /api/v1/models/{model}/predict predict',
      'POST /v1/batches predict',
      'POST /v1/batches/{batch}/cancel predict',
      'POST /v1/chat/completions predict',
      'POST /v1/completions predict',
      'POST /v1/embeddings predict',
      'POST /v1/files predict',
      'POST /v1/messages predict',
      'POST /v1/messages/count_tokens predict',
      'POST /v1/moderations predict',
      'POST /v1/rerank predict',
      'POST /v1/responses predict',
    ])
  })

  test.each(gatewayRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s lets nobody in without a key, unless it says public',
    async (_, route) => {
      const path = route.path.replace('{model}', 'm')
      const answer = await world.send({ method: route.method, path, headers: { authorization: '' } })
      expect(answer.status).toBe(route.access === 'public' ? 200 : 401)
      if (answer.status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
    },
  )

  test('takes no key from a query or a cookie', async () => {
    const answer = await world.send({
      path: `/api/v1/models/m/predict?key=${world.key}`,
      headers: { authorization: '', cookie: `key=${world.key}` },
      body: '{}',
    })
    expect(answer.status).toBe(401)
  })
})

describe('a key', () => {
  test('without the scope is forbidden, and told which', async () => {
    const key = world.addKey({ scopes: ['predict'] })
    await world.swap()
    const answer = await world.send({ method: 'GET', path: '/metrics', headers: bearer(key) })
    expect([answer.status, answer.json.detail]).toEqual([403, 'This key does not have the scope read.'])
  })

  test('that was revoked is out with the next snapshot, though it was just used', async () => {
    const key = world.addKey({})
    await world.swap()
    expect((await world.predict(rows, { headers: bearer(key) })).status).toBe(200)
    world.keys.splice(-1)
    await world.swap()
    expect((await world.predict(rows, { headers: bearer(key) })).status).toBe(401)
  })

  test('that expires is out without any snapshot', async () => {
    const key = world.addKey({ expiresAt: Date.now() + 300 })
    await world.swap()
    expect((await world.predict(rows, { headers: bearer(key) })).status).toBe(200)
    await until(async () => (await world.predict(rows, { headers: bearer(key) })).status === 401)
  })

  test('unknown, wrong or malformed gets the same answer', async () => {
    const publicId = world.keys[0]?.publicId as string
    const keys = ['', 'slw_x', `slw_${publicId}_${'A'.repeat(43)}`, `slw_0000000000_${'A'.repeat(43)}`]
    const answers = await Promise.all(keys.map((key) => world.predict(rows, { headers: bearer(key) })))
    const texts = answers.map(({ json }) => ({ ...json, requestId: undefined }))
    expect(texts.every((text) => JSON.stringify(text) === JSON.stringify(texts[0]))).toBe(true)
    expect(answers[0]?.status).toBe(401)
  })
})

describe('limits', () => {
  test('of rate: refused early with the time to wait, for this key alone, and recorded', async () => {
    const [slow, free] = [
      world.addKey({ tenant: 'a', limits: { requestsPerSecond: 1 } }),
      world.addKey({ tenant: 'b' }),
    ]
    await world.swap()
    expect((await world.predict(rows, { headers: bearer(slow) })).status).toBe(200)
    const refused = await world.predict(rows, { headers: bearer(slow) })
    expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([
      429,
      'rate_limited',
      '1',
    ])
    expect((await world.predict(rows, { headers: bearer(free) })).status).toBe(200)
    const requestId = refused.headers['x-slipway-request-id']
    const find = () => world.control.records.find((record) => record.requestId === requestId)
    await until(() => find() !== undefined)
    expect(find()).toMatchObject({ outcome: 'refused', tenant: 'a', version: null, rows: 0 })
  })

  test('of rate: a new snapshot does not refill them', async () => {
    const key = world.addKey({ limits: { requestsPerSecond: 0.01 } })
    await world.swap()
    await world.predict(rows, { headers: bearer(key) })
    await world.swap()
    expect((await world.predict(rows, { headers: bearer(key) })).status).toBe(429)
  })

  test('of concurrency: a place is free again after an answer and after a client that left', async () => {
    const key = world.addKey({ limits: { concurrency: 1 } })
    await world.swap()
    const replica = world.replica()
    const { behave } = replica
    replica.behave = () => undefined
    const left = new AbortController()
    const first = world.predict(rows, { headers: bearer(key), signal: left.signal }).catch(() => 'left')
    await until(() => replica.seen > 0 && replica.open.some((exchange) => !exchange.settled))
    expect((await world.predict(rows, { headers: bearer(key) })).json.code).toBe('concurrency_limited')
    left.abort()
    expect(await first).toBe('left')
    replica.behave = behave
    await until(async () => (await world.predict(rows, { headers: bearer(key) })).status === 200)
    expect((await world.predict(rows, { headers: bearer(key) })).status).toBe(200)
  })

  test('count requests for models that do not exist', async () => {
    const key = world.addKey({ limits: { requestsPerSecond: 1 } })
    await world.swap()
    const ask = () => world.send({ path: '/api/v1/models/guess/predict', headers: bearer(key), body: '{}' })
    expect([(await ask()).status, (await ask()).status]).toEqual([404, 429])
  })
})
