import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { FRAME_BYTES, kinds, NO_BYTES, writeFrameHeader } from './frame.ts'
import {
  connectLink,
  createLinkServer,
  type LinkClient,
  type LinkClientOptions,
  type LinkExchange,
  type LinkHello,
  type LinkOutcome,
  type LinkRequest,
  type LinkServer,
  type LinkServerOptions,
} from './index.ts'

const hello: LinkHello = {
  protocol: 1,
  model: 'digits',
  version: 'v1',
  replica: 'r-1',
  contract: 'sha256:0',
  credit: { rows: 100, bytes: 1 << 20 },
}
const spent = { computeUs: 7, queueUs: 8, preprocessUs: 9 }
const echo = (exchange: LinkExchange) => exchange.answer(exchange.rows, exchange.body, spent)

let folder: string
let address: string
const opened: { close(): void | Promise<void> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'link-'))
  address = `unix:${join(folder, 's')}`
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

async function serve(options: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
  const server = createLinkServer({ clock: systemClock, hello, onRequest: echo, ...options })
  address = await server.listen(address)
  opened.push(server)
  return server
}

async function dial(options: Partial<LinkClientOptions> = {}): Promise<LinkClient> {
  const client = await connectLink(address, { clock: systemClock, ...options })
  opened.push(client)
  return client
}

/** Keeps what it is given until the test answers it. */
function held() {
  const exchanges: LinkExchange[] = []
  return { exchanges, onRequest: (exchange: LinkExchange) => void exchanges.push(exchange) }
}

const rowsOf = (text: string, rows = 1): LinkRequest => ({ rows, body: Buffer.from(text) })

function ask(client: LinkClient, request: LinkRequest): Promise<LinkOutcome & { text: string }> {
  return new Promise((resolve) => {
    client.request(request, (outcome) =>
      resolve({ ...outcome, text: outcome.ok ? outcome.body.toString() : outcome.code }),
    )
  })
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(1)
}

describe('a link', () => {
  test.each([
    ['a unix socket', () => address],
    ['TCP', () => 'tcp:127.0.0.1:0'],
  ])('answers each request with its own rows over %s, whatever the order of answers', async (_, at) => {
    address = at()
    const { exchanges, onRequest } = held()
    await serve({ onRequest, hello: { ...hello, credit: { rows: 1000, bytes: 1 << 30 } } })
    const client = await dial()
    expect(client.hello).toMatchObject({ model: 'digits', contract: 'sha256:0' })
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`.repeat(index % 7 === 0 ? 9000 : 3))
    const answers = texts.map((text) => ask(client, rowsOf(text)))
    await until(() => exchanges.length === texts.length)
    expect(client.inFlight).toBe(200)
    for (const exchange of exchanges.reverse()) echo(exchange)
    expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(texts)
    expect(client.inFlight).toBe(0)
  })

  test('carries counters, header, priority and deadline', async () => {
    const seen: unknown[] = []
    await serve({
      onRequest: (exchange) => {
        const { priority, deadlineAtMs, arrivedMs } = exchange
        seen.push(exchange.header(), priority, Math.round(deadlineAtMs - arrivedMs))
        echo(exchange)
      },
    })
    const client = await dial()
    const outcome = await ask(client, {
      ...rowsOf('x'),
      header: { trace: 'a' },
      priority: 7,
      deadlineMs: 1234,
    })
    expect(outcome).toMatchObject({ ok: true, rows: 1, computeUs: 7, queueUs: 8, preprocessUs: 9 })
    expect(seen).toEqual([{ trace: 'a' }, 7, 1234])
  })

  test('brings errors with their parameters and whether a retry computes twice', async () => {
    await serve({
      onRequest: (exchange) =>
        exchange.fail('overloaded', { what: 'queue', retryAfterMs: 9 }, { retrySafe: true }),
    })
    expect(await ask(await dial(), rowsOf('x'))).toMatchObject({
      ok: false,
      code: 'overloaded',
      parameters: { what: 'queue', retryAfterMs: 9 },
      retrySafe: true,
      sent: true,
    })
  })

  test('settles a request once, however often the server tries', async () => {
    await serve({
      onRequest: (exchange) => {
        echo(exchange)
        echo(exchange)
        exchange.fail('internal', {})
      },
    })
    const client = await dial()
    expect(await ask(client, rowsOf('a'))).toMatchObject({ text: 'a' })
    expect(await ask(client, rowsOf('b'))).toMatchObject({ text: 'b' })
  })

  test('pings', async () => {
    await serve()
    expect(await (await dial()).ping()).toBeGreaterThanOrEqual(0)
  })

  test('makes a socket that only its owner can connect to, and replaces a stale one', async () => {
    const path = address.slice(5)
    writeFileSync(path, '')
    await serve()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await expect(
      createLinkServer({ clock: systemClock, hello, onRequest: echo }).listen(address),
    ).rejects.toThrow(/EADDRINUSE/)
  })

  test('asks for the key where it is told to', async () => {
    const faults: Error[] = []
    await serve({ admits: (key) => key === 'right', onFault: (fault) => faults.push(fault) })
    await expect(dial({ key: 'wrong' })).rejects.toMatchObject({ code: 'replica_unready' })
    await expect(dial()).rejects.toMatchObject({ code: 'replica_unready' })
    expect(await ask(await dial({ key: 'right' }), rowsOf('a'))).toMatchObject({ text: 'a' })
    expect(faults).toHaveLength(2)
  })

  test('rejects when nobody listens, and when nobody says hello', async () => {
    await expect(dial()).rejects.toMatchObject({ code: 'replica_unready' })
    const mute = createServer(() => {}).listen(address.slice(5))
    await once(mute, 'listening')
    await expect(dial({ connectTimeoutMs: 20 })).rejects.toMatchObject({ code: 'replica_unready' })
    mute.close()
  })
})

describe('credit', () => {
  test('holds back what the server did not grant, in order, and refuses beyond the bound', async () => {
    const { exchanges, onRequest } = held()
    await serve({ onRequest, hello: { ...hello, credit: { rows: 2, bytes: 1 << 20 } } })
    const client = await dial({ maxQueuedRows: 2 })
    const answers = ['a', 'b', 'c', 'd', 'e'].map((text) => ask(client, rowsOf(text)))
    expect(await answers[4]).toMatchObject({ ok: false, code: 'overloaded', retrySafe: true, sent: false })
    await until(() => exchanges.length === 2)
    await turn()
    expect(exchanges.map(({ body }) => body.toString())).toEqual(['a', 'b'])
    echo(exchanges[0]!)
    await until(() => exchanges.length === 3)
    expect(exchanges[2]!.body.toString()).toBe('c')
    for (const exchange of exchanges) echo(exchange)
    await until(() => exchanges.length === 4)
    echo(exchanges[3]!)
    expect((await Promise.all(answers.slice(0, 4))).map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('lets one request through that is larger than all of it', async () => {
    await serve({ hello: { ...hello, credit: { rows: 2, bytes: 4 } } })
    expect(await ask(await dial(), rowsOf('larger than four', 9))).toMatchObject({ ok: true, rows: 9 })
  })
})

describe('a caller that lost interest', () => {
  test('is settled at once, the server is told, and the credit comes back', async () => {
    const { exchanges, onRequest } = held()
    await serve({ onRequest, hello: { ...hello, credit: { rows: 1, bytes: 1 << 20 } } })
    const client = await dial()
    const outcomes: LinkOutcome[] = []
    const id = client.request(rowsOf('a'), (outcome) => outcomes.push(outcome))
    const behind = ask(client, rowsOf('b'))
    await until(() => exchanges.length === 1)
    let told = 0
    exchanges[0]!.onCancel = () => told++
    client.cancel(id)
    client.cancel(id)
    expect(outcomes).toMatchObject([{ ok: false, code: 'cancelled' }])
    await until(() => exchanges.length === 2)
    expect([told, exchanges[0]!.settled]).toEqual([1, true])
    echo(exchanges[0]!)
    echo(exchanges[1]!)
    expect(await behind).toMatchObject({ text: 'b' })
    expect(outcomes).toHaveLength(1)
  })

  test('by deadline gets deadline_exceeded though the server never answers', async () => {
    const { exchanges, onRequest } = held()
    await serve({ onRequest, hello: { ...hello, credit: { rows: 1, bytes: 1 << 20 } } })
    const client = await dial()
    const sent = ask(client, { ...rowsOf('a'), deadlineMs: 30 })
    const waiting = ask(client, { ...rowsOf('b'), deadlineMs: 20 })
    expect(await waiting).toMatchObject({ code: 'deadline_exceeded', retrySafe: true, sent: false })
    expect(await sent).toMatchObject({ code: 'deadline_exceeded', retrySafe: false, sent: true })
    await until(() => exchanges[0]?.settled === true)
    expect(exchanges).toHaveLength(1)
  })

  test('by closing tells the server of all its requests', async () => {
    const { exchanges, onRequest } = held()
    const server = await serve({ onRequest })
    const client = await dial()
    const outcomes = [ask(client, rowsOf('a')), ask(client, rowsOf('b'))]
    await until(() => exchanges.length === 2)
    client.close()
    expect(await Promise.all(outcomes)).toMatchObject([{ code: 'replica_lost' }, { code: 'replica_lost' }])
    await until(() => server.connections === 0)
    expect(exchanges.every(({ settled }) => settled)).toBe(true)
    expect(await ask(client, rowsOf('c'))).toMatchObject({ code: 'replica_unready', sent: false })
  })
})

describe('a server that goes', () => {
  test('at once leaves replica_lost for what was sent and replica_unready for what was not', async () => {
    const { exchanges, onRequest } = held()
    const server = await serve({ onRequest, hello: { ...hello, credit: { rows: 1, bytes: 1 << 20 } } })
    const states: string[] = []
    const client = await dial({ onState: (state) => states.push(state) })
    const outcomes = [ask(client, rowsOf('sent')), ask(client, rowsOf('waiting'))]
    await until(() => exchanges.length === 1)
    await server.close()
    expect(await Promise.all(outcomes)).toMatchObject([
      { code: 'replica_lost', sent: true, retrySafe: false },
      { code: 'replica_unready', sent: false, retrySafe: true },
    ])
    expect(states).toEqual(['ready', 'closed'])
  })

  test('by drain answers all that was sent before the client heard of it', async () => {
    const { exchanges, onRequest } = held()
    const server = await serve({ onRequest })
    const states: string[] = []
    const client = await dial({ onState: (state) => states.push(state) })
    const before = ask(client, rowsOf('before'))
    await until(() => exchanges.length === 1)
    const drained = server.drain(5000)
    // Crosses with the goAway on the wire.
    const crossing = ask(client, rowsOf('crossing'))
    await until(() => client.state === 'draining')
    expect(await ask(client, rowsOf('after'))).toMatchObject({ code: 'replica_unready', retrySafe: true })
    await until(() => exchanges.length === 2)
    for (const exchange of exchanges) echo(exchange)
    expect(await drained).toBe(0)
    expect([await before, await crossing]).toMatchObject([{ text: 'before' }, { text: 'crossing' }])
    await until(() => client.state === 'closed')
    expect(states).toEqual(['ready', 'draining', 'closed'])
  })

  test('by drain does not wait for ever, and counts what it cut off', async () => {
    const { exchanges, onRequest } = held()
    const server = await serve({ onRequest })
    const client = await dial()
    const outcome = ask(client, rowsOf('a'))
    await until(() => exchanges.length === 1)
    expect(await server.drain(20)).toBe(1)
    expect(await outcome).toMatchObject({ code: 'replica_lost' })
  })
})

describe('a hostile client', () => {
  const frame = (kind: number, requestId: number, rows: number, header: Buffer, body: Buffer = NO_BYTES) => {
    const bytes = Buffer.alloc(FRAME_BYTES)
    writeFrameHeader(bytes, 0, kind as 1, 1, requestId, 0, rows, header.length, body.length)
    return Buffer.concat([bytes, header, body])
  }
  const sayHello = frame(kinds.hello, 0, 0, Buffer.from('{"protocol":1}'))
  const request = (id: number, rows = 1) => frame(kinds.request, id, rows, NO_BYTES, Buffer.from('abcd'))

  async function raw(): Promise<Socket> {
    const socket = connect(address.slice(5))
    socket.on('error', () => {})
    opened.push({ close: () => void socket.destroy() })
    await once(socket, 'connect')
    return socket
  }

  test.each([
    ['no frames at all', () => Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), /larger|shorter|protocol/],
    ['a request before hello', () => request(1), /before its hello/],
    ['a large hello', () => frame(kinds.hello, 0, 0, Buffer.alloc(5000)), /larger than 4096/],
    ['a hello that is no JSON', () => frame(kinds.hello, 0, 0, Buffer.from('{')), /not JSON/],
    ['a second hello', () => Buffer.concat([sayHello, sayHello]), /kind 7/],
    ['an answer', () => Buffer.concat([sayHello, frame(kinds.answer, 1, 1, NO_BYTES)]), /kind 2/],
    ['no rows', () => Buffer.concat([sayHello, request(1, 0)]), /no rows/],
    ['one id twice', () => Buffer.concat([sayHello, request(1), request(1)]), /in flight already/],
    [
      'more than its credit',
      () => Buffer.concat([sayHello, request(1), request(2, 100)]),
      /more than its credit/,
    ],
    [
      'a request after it left',
      () => Buffer.concat([sayHello, request(1), frame(kinds.goAway, 0, 0, NO_BYTES), request(2)]),
      /would leave/,
    ],
  ])('that sends %s is closed, and others do not notice', async (_, bytes, message) => {
    const { exchanges, onRequest } = held()
    const faults: Error[] = []
    await serve({ onRequest, onFault: (fault) => faults.push(fault) })
    const client = await dial()
    const honest = ask(client, rowsOf('honest'))
    const socket = await raw()
    socket.write(bytes())
    await once(socket, 'close')
    expect(faults.map((fault) => fault.message)).toEqual([expect.stringMatching(message)])
    await until(() => exchanges.some(({ settled }) => !settled))
    for (const exchange of exchanges) echo(exchange)
    expect(await honest).toMatchObject({ text: 'honest' })
  })

  test('that cancels what is not there does no harm', async () => {
    await serve()
    const socket = await raw()
    socket.write(
      Buffer.concat([sayHello, frame(kinds.cancel, 99, 0, NO_BYTES), frame(kinds.ping, 5, 0, NO_BYTES)]),
    )
    await once(socket, 'data')
    expect(socket.destroyed).toBe(false)
  })

  test('that reads nothing is not read from any more, so that its answers take bounded memory', async () => {
    let asked = 0
    const big = Buffer.alloc(256 * 1024)
    await serve({
      onRequest: (exchange) => {
        asked++
        exchange.answer(1, big, spent)
      },
    })
    const socket = await raw()
    socket.write(sayHello)
    socket.pause()
    let id = 0
    // 64 MiB of answers wished for, in turns, as a slow reader would that keeps asking.
    for (let burst = 0; burst < 64; burst++) {
      socket.write(Buffer.concat([request(++id), request(++id), request(++id), request(++id)]))
      await turn()
    }
    await sleep(50)
    // 4 MiB unread, what one read of the socket brings, and what the kernel buffers.
    expect(asked * big.length).toBeLessThan(40 * 1024 * 1024)
    socket.resume()
    await until(() => asked === id)
  })

  test('that is a server gone mad closes the client, which settles everything', async () => {
    for (const [index, madness] of [
      frame(kinds.answer, 1, 1, Buffer.alloc(3)),
      frame(kinds.answer, 77, 1, Buffer.alloc(12)),
      frame(kinds.error, 1, 1, Buffer.from('[]')),
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ].entries()) {
      const path = join(folder, `mad-${index}`)
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.write(frame(kinds.hello, 0, 0, Buffer.from(JSON.stringify(hello))))
        let seen = 0
        socket.on('data', () => {
          if (++seen === 2) socket.write(madness)
        })
      }).listen(path)
      await once(server, 'listening')
      const client = await connectLink(`unix:${path}`, { clock: systemClock })
      // The hello is on its way alone, so that the request comes as a chunk of its own.
      await sleep(5)
      expect(await ask(client, rowsOf('a'))).toMatchObject({ code: 'replica_lost' })
      expect(client.state).toBe('closed')
      server.close()
    }
  })
})
