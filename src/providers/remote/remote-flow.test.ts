import { describe, expect, test } from 'vitest'
import { openaiChat } from '../../../test/wall/index.ts'
import { callOf, Listening, patience, until } from '../text/text-upstream.conformance.ts'
import { ask, onTheWall, RELAY, twoKeys } from './testing/on-the-wall.ts'

const { truth } = openaiChat.fixtures.text
const { remote, wall } = onTheWall()

describe('bytes', () => {
  test.each(['\n', '\r\n', '\r'] as const)(
    'relayed as they came, whatever ends their lines and wherever they are cut: %j',
    async (newline) => {
      const server = await wall()
      const upstream = remote(server.origin)
      const whole = openaiChat.fixtures.text.events.map((event) => event + newline + newline).join('')
      for (const splits of [undefined, { everyBytes: 7 }, [1, 2, 3, 500, 501, 4000]]) {
        server.next({ newline, ...(splits === undefined ? {} : { splits }) })
        const { outcome, sink } = await ask(upstream, { work: RELAY })
        expect(Buffer.concat(sink.bytes).toString()).toBe(whole)
        expect(outcome).toMatchObject({
          failure: undefined,
          finishReason: 'stop',
          usage: truth.usage,
          providerModel: truth.providerModel,
        })
      }
    },
  )

  test('a relayed request goes out as it came, in plain, with our own headers only', async () => {
    const server = await wall()
    await ask(remote(server.origin, twoKeys), { work: RELAY })
    const [request] = server.requests
    expect(request?.body.toString()).toBe('{"model":"any-model","stream":true,"messages":[]}')
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
    ])
    expect(request?.headers['accept-encoding']).toBe('identity')
  })

  test('usage that the client did not ask for is left out of a relay, and known all the same', async () => {
    const server = await wall()
    const { outcome, sink } = await ask(remote(server.origin), { work: RELAY, hideUsage: true })
    expect(Buffer.concat(sink.bytes).toString()).not.toContain('prompt_tokens')
    expect(outcome.usage).toMatchObject(truth.usage)
  })

  test('one byte at a time', async () => {
    const server = await wall()
    server.next({ fault: { kind: 'drip' } })
    expect((await ask(remote(server.origin))).text).toBe(truth.text)
  })
})

describe('flow', () => {
  test('a paused call holds the sender back, and loses nothing', async () => {
    const server = await wall()
    // More than the kernel's windows on both sides take.
    server.always({ repeat: 4000, splits: { everyBytes: 65_536 } })
    const upstream = remote(server.origin)
    const sink = new Listening()
    const exchange = upstream.start(callOf({ stream: true }), sink)
    await until(() => sink.text !== '')
    exchange.pause()
    const { calls } = sink
    await until(() => server.backlogBytes(0) > 0)
    // Somebody who came later and is not paused has all of as long an answer; the paused one's sender still waits.
    expect((await ask(upstream)).failure).toBeUndefined()
    expect(server.backlogBytes(0)).toBeGreaterThan(0)
    expect([sink.calls, server.events.some((event) => event.what === 'done' && event.id === 0)]).toEqual([
      calls,
      false,
    ])
    exchange.resume()
    expect(await sink.done).toMatchObject({ failure: undefined, usage: truth.usage })
    expect(sink.text.length).toBe(truth.text.length * 4000)
  })

  test('a cancelled call closes its connection before another event is sent', async () => {
    const server = await wall()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    server.schedule((_, step) => (step === 5 ? held : undefined))
    const upstream = remote(server.origin)
    const sink = new Listening()
    const exchange = upstream.start(callOf({ stream: true }), sink)
    await until(() => sink.text !== '')
    exchange.cancel()
    expect(await sink.done).toMatchObject({ failure: { code: 'cancelled', hadContent: true } })
    // The step after is still held: nothing but the closing of the connection can have ended it there.
    await server.seen((event) => event.what === 'left')
    release()
    expect(server.events.filter((event) => event.what === 'step' && event.step >= 5)).toEqual([])
  })

  test('those that wait for a connection are bounded, and the next is turned away', async () => {
    const server = await wall()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    server.schedule(() => held)
    const upstream = remote(server.origin, { maxConnections: 2 })
    const waiting = Array.from({ length: 4 }, () => ask(upstream))
    expect([upstream.isReady, (await ask(upstream)).failure]).toMatchObject([
      false,
      { code: 'provider_unready', retryAfterMs: 1000 },
    ])
    await until(() => server.requests.length === 2)
    server.schedule(undefined)
    release()
    expect((await Promise.all(waiting)).map(({ text }) => text)).toEqual(Array(4).fill(truth.text))
  })

  test('one that found no connection in time is let go, and harms no account', async () => {
    const server = await wall()
    server.schedule(() => new Promise(() => {}))
    const upstream = remote(server.origin, { maxConnections: 1, maxRetries: 0 }, { circuitFailures: 1 })
    const first = new Listening()
    const exchange = upstream.start(callOf({ stream: true }), first)
    await until(() => server.requests.length === 1)
    const { failure } = await ask(upstream, { timeouts: { ...patience, connectMs: 30 } })
    expect(failure).toMatchObject({ code: 'provider_unready', detail: 'no connection was free within 30 ms' })
    expect(upstream.view().accounts[0]?.failuresInRow).toBe(0)
    exchange.cancel()
    await first.done
  })
})

test('embeddings go to their own path, and what is not offered is refused by throwing', async () => {
  const server = await wall()
  const upstream = remote(server.origin, { maxRetries: 0 })
  const sink = new Listening()
  upstream.start(callOf({ stream: false, work: { kind: 'embed', request: { inputs: ['a'] } } }), sink)
  await sink.done
  expect(server.requests.map(({ path }) => path)).toEqual(['/v1/embeddings'])
  expect([...upstream.relays]).toEqual(['openai-chat'])
})
