import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { type FrameKind, kinds, NO_BYTES } from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import {
  connectLink,
  createLinkServer,
  type LinkAsk,
  type LinkClient,
  type LinkHello,
  type LinkServerOptions,
  type LinkStreamExchange,
  type LinkStreamOutcome,
} from './index.ts'

const hello: LinkHello = {
  protocol: 1,
  model: 'chat',
  version: 'v1',
  replica: 'r-1',
  contract: 'sha256:0',
  credit: { rows: 100, bytes: 1 << 20 },
  streams: true,
}

let folder: string
let address: string
const opened: { close(): void | Promise<void> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-'))
  address = `unix:${join(folder, 's')}`
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A server that keeps what it is asked. */
async function serve(options: Partial<LinkServerOptions> = {}) {
  const asked: LinkStreamExchange[] = []
  const faults: Error[] = []
  const server = createLinkServer({
    clock: systemClock,
    hello,
    onRequest: (exchange) =>
      exchange.answer(exchange.rows, exchange.body, { computeUs: 0, queueUs: 0, preprocessUs: 0 }),
    onAsk: (exchange) => void asked.push(exchange),
    onFault: (fault) => void faults.push(fault),
    ...options,
  })
  address = await server.listen(address)
  opened.push(server)
  return { server, asked, faults }
}

async function dial(): Promise<LinkClient> {
  const client = await connectLink(address, { clock: systemClock })
  opened.push(client)
  return client
}

function ask(client: LinkClient, text = 'hi', more: Partial<LinkAsk> = {}) {
  const told = {
    events: [] as unknown[],
    calls: 0,
    bytes: 0,
    outcome: undefined as LinkStreamOutcome | undefined,
  }
  const done = Promise.withResolvers<LinkStreamOutcome>()
  let onEvents: () => void = () => undefined
  const whenEvents = (act: () => void) => {
    onEvents = act
  }
  const stream = client.stream(
    { body: Buffer.from(text), header: {}, ...more },
    {
      events(body, count) {
        const events = JSON.parse(body.toString()) as unknown[]
        expect(events).toHaveLength(count)
        told.events.push(...events)
        told.calls++
        told.bytes += body.length
        onEvents()
      },
      settled(outcome) {
        if (told.outcome !== undefined) throw new Error('settled twice')
        told.outcome = outcome.ok ? { ...outcome, body: Buffer.from(outcome.body) } : outcome
        done.resolve(told.outcome)
      },
    },
  )
  return { told, stream, done: done.promise, whenEvents }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(1)
}

const firstOf = async (asked: LinkStreamExchange[], index = 0): Promise<LinkStreamExchange> => {
  await until(() => asked[index] !== undefined)
  return asked[index] as LinkStreamExchange
}

describe('a stream', () => {
  test('carries what is asked, events in order, and the end with an answer', async () => {
    const { asked } = await serve()
    const client = await dial()
    const { done, told } = ask(client, 'why?', { header: { kind: 'x' }, priority: 3, deadlineMs: 5000 })
    const exchange = await firstOf(asked)
    expect([exchange.body.toString(), exchange.header(), exchange.priority]).toEqual([
      'why?',
      { kind: 'x' },
      3,
    ])
    expect(Math.round(exchange.deadlineAtMs - exchange.arrivedMs)).toBe(5000)
    for (let index = 0; index < 5; index++) {
      exchange.emit(JSON.stringify({ index, text: 'ä' }))
      if (index % 2 === 1) await turn()
    }
    exchange.end({ usage: 7 }, Buffer.from('whole'))
    const outcome = await done
    expect(told.events).toEqual(Array.from({ length: 5 }, (_, index) => ({ index, text: 'ä' })))
    expect(outcome).toMatchObject({ ok: true, end: { usage: 7 } })
    expect(outcome.ok && outcome.body.toString()).toBe('whole')
    expect(client.inFlight).toBe(0)
  })

  test('gathers what is emitted in a turn into one frame', async () => {
    const { asked } = await serve()
    const { done, told } = ask(await dial())
    const exchange = await firstOf(asked)
    for (let index = 0; index < 10; index++) exchange.emit(String(index))
    exchange.end({})
    await done
    expect([told.calls, told.events]).toEqual([1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
  })

  test('keeps many apart, beside rows', async () => {
    const { asked } = await serve()
    const client = await dial()
    const streams = Array.from({ length: 50 }, (_, index) => ask(client, String(index)))
    const rows = new Promise((resolve) => client.request({ rows: 1, body: Buffer.from('r') }, resolve))
    await until(() => asked.length === 50)
    for (let round = 0; round < 3; round++)
      for (const exchange of asked) exchange.emit(`"${exchange.body.toString()}/${round}"`)
    for (const exchange of asked.toReversed()) exchange.end({ of: exchange.body.toString() })
    for (const [index, { done, told }] of streams.entries()) {
      expect(await done).toMatchObject({ ok: true, end: { of: String(index) } })
      expect(told.events).toEqual([`${index}/0`, `${index}/1`, `${index}/2`])
    }
    expect(await rows).toMatchObject({ ok: true })
  })

  test('is refused by an error, as a request is', async () => {
    const { asked } = await serve()
    const { done } = ask(await dial())
    ;(await firstOf(asked)).fail('overloaded', { what: 'it', retryAfterMs: 9 }, { retrySafe: true })
    expect(await done).toMatchObject({ ok: false, code: 'overloaded', retrySafe: true, sent: true })
  })

  test('waits for credit, and is told when nothing more may wait', async () => {
    const { asked } = await serve({ hello: { ...hello, credit: { rows: 2, bytes: 1 << 20 } } })
    const client = await connectLink(address, { clock: systemClock, maxQueuedRows: 1 })
    opened.push(client)
    const [first, second, third, fourth] = Array.from({ length: 4 }, () => ask(client))
    expect(await fourth!.done).toMatchObject({ ok: false, code: 'overloaded', sent: false })
    await until(() => asked.length === 2)
    asked[0]!.end({})
    await first!.done
    await until(() => asked.length === 3)
    for (const exchange of asked) exchange.end({})
    await Promise.all([second!.done, third!.done])
    expect(client.inFlight).toBe(0)
  })

  test('one that was turned away counts for nothing, cancelled or not', async () => {
    await serve({ hello: { ...hello, credit: { rows: 1, bytes: 1 << 20 } } })
    const client = await connectLink(address, { clock: systemClock, maxQueuedRows: 0 })
    opened.push(client)
    ask(client)
    const away = ask(client)
    away.stream.cancel()
    expect(await away.done).toMatchObject({ ok: false, code: 'cancelled' })
    expect(client.inFlight).toBe(1)
  })
})

describe('a reader that stalls', () => {
  const event = JSON.stringify({ type: 'text', choice: 0, text: 'x'.repeat(40) })

  test('holds the server within its window, loses nothing, and slows nobody else', async () => {
    const { asked } = await serve()
    const client = await dial()
    const slow = ask(client, 'slow')
    const quick = ask(client, 'quick')
    await until(() => asked.length === 2)
    slow.stream.pause()
    const [one, other] = asked as [LinkStreamExchange, LinkStreamExchange]
    const produced = { one: 0, other: 0 }
    const produce = async (exchange: LinkStreamExchange, name: 'one' | 'other', total: number) => {
      let isOpen = true
      let go = Promise.withResolvers<void>()
      exchange.onWindow = (open) => {
        isOpen = open
        if (open) go.resolve()
        else go = Promise.withResolvers()
      }
      while (produced[name] < total) {
        if (!isOpen) await go.promise
        exchange.emit(event)
        if (++produced[name] % 20 === 0) await turn()
      }
      exchange.end({})
    }
    const total = 10_000
    const both = Promise.all([produce(one, 'one', total), produce(other, 'other', total)])
    await quick.done
    expect(quick.told.events).toHaveLength(total)
    // Twenty were in hand when the window closed.
    expect(produced.one * event.length).toBeLessThan(64 * 1024 + 21 * event.length)
    expect(slow.told.events).toEqual([])
    slow.stream.resume()
    await Promise.all([both, slow.done])
    expect(slow.told.events).toHaveLength(total)
  })

  test('hears nothing while it is paused, the end neither, and all of it afterwards', async () => {
    const { asked } = await serve()
    const { done, stream, told } = ask(await dial())
    const exchange = await firstOf(asked)
    stream.pause()
    exchange.emit('1')
    exchange.end({ n: 1 }, Buffer.from('whole'))
    await until(() => exchange.settled)
    for (let turns = 0; turns < 10; turns++) await turn()
    expect([told.events, told.outcome]).toEqual([[], undefined])
    stream.resume()
    expect(await done).toMatchObject({ ok: true, end: { n: 1 } })
    expect(told.events).toEqual([1])
  })

  test('may pause at an event and go on from there', async () => {
    const { asked } = await serve()
    const { done, stream, told, whenEvents } = ask(await dial())
    const exchange = await firstOf(asked)
    whenEvents(() => stream.pause())
    for (let index = 0; index < 3; index++) {
      exchange.emit(String(index))
      await turn()
    }
    exchange.end({})
    for (let seen = 1; seen <= 3; seen++) {
      await until(() => told.events.length === seen)
      expect(told.events).toHaveLength(seen)
      stream.resume()
    }
    await done
    expect(told.events).toEqual([0, 1, 2])
  })
})

describe('a stream that is given up', () => {
  test('tells the server at once, and settles with what the end says', async () => {
    const { asked } = await serve()
    const { done, stream, told } = ask(await dial())
    const exchange = await firstOf(asked)
    exchange.emit('1')
    await until(() => told.events.length === 1)
    let cancels = 0
    exchange.onCancel = () => {
      cancels++
      exchange.emit('2')
      exchange.end({ used: 5 })
    }
    stream.cancel()
    stream.cancel()
    expect(await done).toMatchObject({ ok: false, code: 'cancelled', sent: true, end: { used: 5 } })
    expect([cancels, told.events]).toEqual([1, [1]])
  })

  test('settles without an end where the server says none', async () => {
    const { asked } = await serve()
    const client = await dial()
    const { done, stream } = ask(client)
    const exchange = await firstOf(asked)
    stream.cancel()
    const outcome = await done
    expect(outcome).toMatchObject({ ok: false, code: 'cancelled' })
    expect(outcome.end).toBeUndefined()
    // Its credit comes back with the end, and what it says then is nobody's fault.
    exchange.end({})
    const next = ask(client)
    ;(await firstOf(asked, 1)).end({})
    expect(await next.done).toMatchObject({ ok: true })
  })

  test('hears nothing of what was on its way', async () => {
    const { asked } = await serve()
    const { done, stream, told } = ask(await dial())
    const exchange = await firstOf(asked)
    exchange.onCancel = () => exchange.end({})
    exchange.emit('1')
    // It is written in this turn, and read in the next.
    await turn()
    stream.cancel()
    expect(await done).toMatchObject({ ok: false, code: 'cancelled' })
    expect(told.events).toEqual([])
  })

  test('drops what was held', async () => {
    const { asked } = await serve()
    const { done, stream, told } = ask(await dial())
    const exchange = await firstOf(asked)
    stream.pause()
    exchange.emit('1')
    exchange.end({ used: 1 })
    await until(() => exchange.settled)
    for (let turns = 0; turns < 10; turns++) await turn()
    stream.cancel()
    stream.resume()
    expect(await done).toMatchObject({ ok: false, code: 'cancelled', end: { used: 1 } })
    expect(told.events).toEqual([])
  })

  test('whose deadline passes is cancelled at the server and late here', async () => {
    const { asked } = await serve()
    const { done } = ask(await dial(), 'late', { deadlineMs: 20 })
    const exchange = await firstOf(asked)
    exchange.onCancel = () => exchange.end({ used: 3 })
    expect(await done).toMatchObject({
      ok: false,
      code: 'deadline_exceeded',
      parameters: { timeoutMs: 20 },
      end: { used: 3 },
    })
  })
})

describe('a connection with streams', () => {
  test('that breaks is told to both sides', async () => {
    const { asked, server } = await serve()
    const client = await dial()
    const { done } = ask(client)
    const exchange = await firstOf(asked)
    const left = new Promise<void>((resolve) => {
      exchange.onCancel = resolve
    })
    await server.close()
    expect(await done).toMatchObject({ ok: false, code: 'replica_lost', retrySafe: false })
    await left
    expect(exchange.settled).toBe(true)
    expect(await ask(client).done).toMatchObject({ ok: false, code: 'replica_unready', retrySafe: true })
  })

  test('drains with every event and end delivered', async () => {
    const { asked, server } = await serve()
    const { done, told } = ask(await dial())
    const exchange = await firstOf(asked)
    const drained = server.drain(5000)
    for (let index = 0; index < 5; index++) {
      exchange.emit(String(index))
      await turn()
    }
    exchange.end({})
    expect(await drained).toBe(0)
    await done
    expect(told.events).toEqual([0, 1, 2, 3, 4])
  })

  test('is not offered by a server that does not say so', async () => {
    await serve({ hello: { ...hello, streams: false } })
    const client = await dial()
    expect(() => ask(client)).toThrow(TypeError)
  })
})

describe('a peer that breaks the rules of streams', () => {
  const ASK = [kinds.ask, 1, 0, 100, '{}'] as const

  async function speak(frames: readonly (readonly [FrameKind, number, number, number, string])[]) {
    const { faults } = await serve()
    const socket = connect({ path: address.slice(5) })
    const writer = new FrameWriter(socket)
    writer.write(kinds.hello, 0, 0, 0, 0, Buffer.from('{"protocol":1}'), NO_BYTES)
    for (const [kind, id, deadlineMs, rows, header] of frames)
      writer.write(kind, 0, id, deadlineMs, rows, Buffer.from(header), NO_BYTES)
    writer.flush()
    await until(() => faults.length > 0)
    return faults[0]?.message
  }

  test.each([
    ['asks twice under one number', [ASK, ASK], /in flight already/],
    [
      'grants without end',
      [ASK, [kinds.grant, 1, 0, 0x7fffffff, ''], [kinds.grant, 1, 0, 0x7fffffff, '']],
      /more than it can hold/,
    ],
    ['sends events', [[kinds.events, 1, 0, 1, '']], /does not send frames/],
    ['sends an end', [ASK, [kinds.end, 1, 0, 0, '{}']], /does not send frames/],
  ] as const)('%s: its connection is closed', async (_, frames, fault) => {
    expect(await speak(frames)).toMatch(fault)
  })

  test.each([
    ['events of nothing', kinds.events],
    ['the end of nothing', kinds.end],
  ])('a server that tells %s is left', async (_, kind) => {
    const server = createServer((socket) => {
      const writer = new FrameWriter(socket)
      socket.on('error', () => undefined).resume()
      writer.write(kinds.hello, 0, 0, 0, 0, Buffer.from(JSON.stringify(hello)), NO_BYTES)
      writer.write(kind, 0, 9, 0, 0, Buffer.from('{}'), Buffer.from('[]'))
      writer.flush()
    })
    await new Promise<void>((resolve) => server.listen({ path: address.slice(5) }, resolve))
    const client = await dial()
    await until(() => client.state === 'closed')
    await new Promise((resolve) => server.close(resolve))
  })
})
