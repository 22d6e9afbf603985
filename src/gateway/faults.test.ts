import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { defaultServerLimits } from './server/server-limits.ts'
import { until, World, type WorldOptions } from './testing/world.ts'

const worlds: World[] = []
const open = async (options: WorldOptions = {}) => {
  const world = await World.open(options)
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const rows = [{ pixels: [1, 2, 3, 4] }]

/** Speaks bytes, and gives everything that comes back until the other side closes. */
const talk = (port: number, speak: (write: (text: string | Buffer) => boolean) => void | Promise<void>) =>
  new Promise<{ text: string; error: string | undefined }>((resolve) => {
    let text = ''
    let failure: string | undefined
    const socket = connect(
      port,
      '127.0.0.1',
      () => void speak((part) => !socket.destroyed && socket.write(part)),
    )
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code
    })
    socket.on('close', () => resolve({ text, error: failure }))
  })

const statusOf = (text: string) => Number(text.split(' ')[1])
const head = (key: string, more: string) =>
  `POST /api/v1/models/m/predict HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n${more}\r\n\r\n`

describe('a client that misbehaves', () => {
  test.each([
    ['announces 50 MB', 'content-length: 52428800', Buffer.alloc(65_536, 0x20)],
    [
      'sends 50 MB in chunks',
      'transfer-encoding: chunked',
      Buffer.from(`10000\r\n${' '.repeat(65_536)}\r\n`),
    ],
  ])('%s: 413 while it still sends, and the connection closes', async (_, header, chunk) => {
    const world = await open()
    let written = 0
    const { text } = await talk(world.port, async (write) => {
      write(head(world.key, header))
      for (let index = 0; index < 800; index++) {
        if (!write(chunk)) await new Promise((resolve) => setTimeout(resolve, 1))
        written += chunk.length
      }
    })
    expect(statusOf(text)).toBe(413)
    expect(text).toContain('body_too_large')
    expect(text.toLowerCase()).toContain('connection: close')
    expect(written).toBeGreaterThan(1_000_000)
    expect((await world.predict(rows)).status).toBe(200)
  })

  test('sends a large body with a wrong key: 401 and closed, nothing kept', async () => {
    const world = await open()
    const { text } = await talk(world.port, (write) => {
      write(head('slw_wrong', 'content-length: 8000000'))
      write(Buffer.alloc(8_000_000, 0x20))
    })
    expect(statusOf(text)).toBe(401)
    expect(text.toLowerCase()).toContain('connection: close')
  })

  test('sends its headers drop by drop: 408', async () => {
    const world = await open({ limits: { server: { ...defaultServerLimits, headersTimeoutMs: 300 } } })
    const drip = talk(world.port, async (write) => {
      write('POST /api/v1/models/m/predict HTTP/1.1\r\n')
      for (let index = 0; index < 100; index++) {
        if (!write(`x-${index}: 1\r\n`)) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })
    const { text } = await drip
    expect(statusOf(text)).toBe(408)
    expect(text).toContain('headers_too_slow')
  })

  test('connects and says nothing: closed', async () => {
    const world = await open({ limits: { server: { ...defaultServerLimits, headersTimeoutMs: 300 } } })
    const { text } = await talk(world.port, () => undefined)
    expect(statusOf(text)).toBe(408)
  })

  test('never ends its body: closed at the request timeout', async () => {
    const limits = { ...defaultServerLimits, headersTimeoutMs: 200, requestTimeoutMs: 400 }
    const world = await open({ limits: { server: limits } })
    await talk(world.port, (write) => void write(head(world.key, 'content-length: 100')))
    await until(async () => (await world.metric('slipway_gateway_in_flight')) === 0)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'cancelled', rows: 0 })
  })

  test.each([
    ['headers of 20 KB', `x-long: ${'a'.repeat(20_000)}`, 431, 'headers_too_large'],
    ['a header with a control character', 'x-bad: a\u0001b', 400, 'request_malformed'],
    ['two lengths', 'content-length: 1\r\ncontent-length: 2', 400, 'request_malformed'],
    [
      'length and chunks (smuggling)',
      'content-length: 5\r\ntransfer-encoding: chunked',
      400,
      'request_malformed',
    ],
  ])('sends %s: a problem, and closed', async (_, header, status, code) => {
    const world = await open()
    const { text } = await talk(world.port, (write) => void write(head(world.key, header)))
    expect(statusOf(text)).toBe(status)
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ status, code })
  })

  test('leaves: the replica is told at once, and the record says so', async () => {
    const world = await open()
    const replica = world.replica()
    replica.behave = () => undefined
    const left = new AbortController()
    // A deadline far away, so that nothing but the leaving can be what the replica is told.
    const headers = { 'x-slipway-timeout-ms': '600000' }
    const request = world.predict(rows, { signal: left.signal, headers }).catch(() => 'left')
    await until(() => replica.seen === 1)
    left.abort()
    await request
    await until(() => replica.cancelled === 1)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'cancelled', status: 499, code: 'cancelled', replica: 'v1-0' })
  })

  test('many bodies at once cannot fill the memory', async () => {
    const world = await open({ limits: { maxBufferedBytes: 1_000_000 } })
    const halves = [1, 2, 3].map(() =>
      talk(world.port, (write) => {
        write(head(world.key, 'content-length: 500000'))
        write(Buffer.alloc(400_000, 0x20))
      }),
    )
    const { text } = await Promise.race(halves)
    expect([statusOf(text), text.includes('overloaded')]).toEqual([503, true])
    expect((await world.predict(rows)).status).toBe(200)
  })
})

describe('a replica that misbehaves', () => {
  test('dies with requests in flight: another answers them, each once', async () => {
    const world = await open({ replicas: { v1: 2 } })
    const [doomed, other] = [world.replica('v1', 0), world.replica('v1', 1)]
    doomed.behave = () => undefined
    const answers = Array.from({ length: 20 }, () => world.predict(rows))
    await until(() => doomed.seen + other.seen === 20)
    const held = doomed.seen
    expect(held).toBeGreaterThan(0)
    await doomed.kill()
    const got = await Promise.all(answers)
    expect(got.map((answer) => [answer.status, answer.headers['x-slipway-replica']])).toEqual(
      got.map(() => [200, 'v1-1']),
    )
    const records = await world.records(20)
    expect(records.map((record) => record.retries).filter((retries) => retries === 1)).toHaveLength(held)
  })

  test('dies as the last one: 503 with the time to wait, then better when it is back', async () => {
    const world = await open()
    const replica = world.replica()
    replica.behave = () => undefined
    const request = world.predict(rows)
    await until(() => replica.seen === 1)
    await replica.kill()
    const answer = await request
    expect([answer.status, answer.json.code, answer.headers['retry-after']]).toEqual([
      503,
      'replica_unready',
      '1',
    ])
    expect(answer.json.detail).toBe('m v1 has no ready replica.')
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'error', code: 'replica_unready', input: JSON.stringify(rows) })
    world.replicas.clear()
    await world.addReplica('v1')
    await until(async () => (await world.predict(rows)).status === 200)
  })

  test('is away for a moment: what comes meanwhile waits for it, bounded, and is answered', async () => {
    const world = await open({ limits: { holdUnreadyMs: 10_000 } })
    await world.replica().kill()
    await until(
      async () => (await world.metric('slipway_gateway_replicas_ready{model="m",version="v1"}')) === 0,
    )
    const meanwhile = Array.from({ length: 10 }, () => world.predict(rows))
    await new Promise((settle) => setTimeout(settle, 100))
    world.replicas.clear()
    await world.addReplica('v1')
    expect((await Promise.all(meanwhile)).map((answer) => answer.status)).toEqual(new Array(10).fill(200))
  })

  test('drains: what it has is answered, what comes next goes elsewhere, nothing fails', async () => {
    const world = await open({ replicas: { v1: 2 } })
    const leaving = world.replica('v1', 0)
    let running = true
    const statuses: number[] = []
    const load = Array.from({ length: 8 }, async () => {
      while (running) statuses.push((await world.predict(rows)).status)
    })
    await until(() => leaving.seen > 20)
    expect(await leaving.drain(1000)).toBe(0)
    await until(() => world.replica('v1', 1).seen > leaving.seen)
    running = false
    await Promise.all(load)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
  })

  test('is taken away while a body still arrives: the newest snapshot decides who answers', async () => {
    const world = await open()
    const body = JSON.stringify({ inputs: rows })
    const { text } = await talk(world.port, async (write) => {
      write(head(world.key, `connection: close\r\ncontent-length: ${body.length}`) + body.slice(0, 10))
      await until(async () => (await world.metric('slipway_gateway_in_flight')) === 1)
      await world.addReplica('v2')
      world.replicas.delete('v1')
      await world.swap(world.snapshot({ v2: 100 }))
      write(body.slice(10))
    })
    expect([statusOf(text), text.includes('"version":"v2"')]).toEqual([200, true])
  })

  test('never answers: 504 at the deadline the client set, and it is told', async () => {
    const world = await open()
    const replica = world.replica()
    replica.behave = () => undefined
    const answer = await world.predict(rows, { headers: { 'x-slipway-timeout-ms': '80' } })
    expect([answer.status, answer.json.code]).toEqual([504, 'deadline_exceeded'])
    expect(answer.json.detail).toBe('The answer was not ready within 80 ms.')
    await until(() => replica.cancelled === 1)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'timeout', version: 'v1', status: 504 })
  })

  test('fails on an input: 502, never retried, and the input is kept', async () => {
    const world = await open({ replicas: { v1: 2 } })
    for (const index of [0, 1])
      world.replica('v1', index).behave = (exchange) =>
        exchange.fail('model_failed', { model: 'm', version: 'v1', reason: 'division by zero' })
    const answer = await world.predict(rows)
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      502,
      'model_failed',
      'm v1 failed on this input: division by zero.',
    ])
    expect(world.replica('v1', 0).seen + world.replica('v1', 1).seen).toBe(1)
    const [record] = await world.records(1)
    expect(record).toMatchObject({
      outcome: 'error',
      code: 'model_failed',
      retries: 0,
      input: JSON.stringify(rows),
    })
  })

  test('raw rows of a failed request are kept as rows', async () => {
    const world = await open()
    world.replica().behave = (exchange) => exchange.fail('model_failed', { reason: 'no' })
    await world.send({
      body: Buffer.from(new Float32Array([1, 2, 3, 4]).buffer),
      headers: { 'content-type': 'application/octet-stream' },
    })
    const [record] = await world.records(1)
    expect(record?.input).toBe(JSON.stringify(rows))
  })

  test('inputs are not kept where the model does not want it', async () => {
    const world = await open({ captureFailures: false })
    world.replica().behave = (exchange) => exchange.fail('model_failed', { reason: 'no' })
    await world.predict(rows)
    const [record] = await world.records(1)
    expect([record?.outcome, record?.input]).toEqual(['error', undefined])
  })

  test('is full: another one is asked, then 503', async () => {
    const world = await open({ replicas: { v1: 2 } })
    const full = (exchange: Parameters<ReturnType<World['replica']>['behave']>[0]) =>
      exchange.fail('overloaded', { what: 'the queue', retryAfterMs: 50 }, { retrySafe: true })
    const { behave } = world.replica('v1', 1)
    world.replica('v1', 0).behave = full
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.predict(rows)))
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
    world.replica('v1', 1).behave = full
    expect((await world.predict(rows)).json.code).toBe('overloaded')
    world.replica('v1', 1).behave = behave
  })

  test('says it is another one, or of another contract: it never gets a row', async () => {
    const world = await open()
    const impostor = world.replica()
    const snapshot = world.snapshot()
    const replica = snapshot.models[0]?.versions[0]?.replicas[0]
    if (replica !== undefined) replica.id = 'somebody-else'
    await world.swap(snapshot)
    expect((await world.predict(rows)).json.code).toBe('replica_unready')
    expect(impostor.seen).toBe(0)
  })
})
