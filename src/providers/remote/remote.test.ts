import { afterEach, describe, expect, test } from 'vitest'
import {
  type Fault,
  openaiChat,
  openBadAddresses,
  openScriptedServer,
  type Script,
  type ScriptedServer,
} from '../../../test/wall/index.ts'
import type { ProviderTimeouts } from '../../contracts/index.ts'
import type { TextCall, TextUpstream } from '../index.ts'
import { type Asked, callOf, Listening, patience, until } from '../text/text-upstream.conformance.ts'
import type { RemotePolicy } from './policy.ts'
import { openRemote, type ProviderWish } from './testing/open-remote.ts'

const { truth } = openaiChat.fixtures.text
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function wall(): Promise<ScriptedServer> {
  const server = await openScriptedServer(openaiChat)
  closing.push(() => server.close())
  return server
}

function remote(origin: string, wish: ProviderWish = {}, policy: Partial<RemotePolicy> = {}) {
  const upstream = openRemote(
    { baseUrl: `${origin}/v1`, ...wish },
    { env: { A: 'key-a', B: 'key-b' } },
    policy,
  )
  closing.push(() => upstream.close())
  return upstream
}

const ref = (name: string) => `\${env:${name}}`
const twoKeys = {
  accounts: [
    { name: 'a', key: ref('A') },
    { name: 'b', key: ref('B') },
  ],
}

async function ask(upstream: TextUpstream, asked: Partial<Asked> = {}) {
  const sink = new Listening()
  upstream.start(callOf({ stream: true, ...asked }), sink)
  const outcome = await sink.done
  return { sink, outcome, text: sink.text, failure: outcome.failure }
}

const status = (code: number, name: string, headers?: Record<string, string>): Script => ({
  fault: { kind: 'status', status: code, code: name, ...(headers === undefined ? {} : { headers }) },
})
const RELAY: TextCall['work'] = {
  kind: 'relay',
  dialect: 'openai-chat',
  body: Buffer.from('{"model":"any-model","stream":true,"messages":[]}'),
}

describe('what goes wrong before content is no answer, and says what it was', () => {
  const faults: [string, Fault, object][] = [
    ['a reset', { kind: 'reset' }, { code: 'upstream_failed', class: 'error', status: 0 }],
    ['an answer that is no HTTP', { kind: 'not-http' }, { code: 'upstream_failed', class: 'error' }],
    ['an end before content', { kind: 'truncated', afterEvents: 1 }, { code: 'upstream_truncated' }],
    ['a cut before content', { kind: 'cut', afterEvents: 1 }, { code: 'upstream_truncated' }],
    ['half an event', { kind: 'half-closed', afterEvents: 0 }, { code: 'upstream_truncated' }],
    ['a malformed event', { kind: 'malformed', atEvent: 0 }, { code: 'upstream_failed', class: 'error' }],
    [
      'an error in a 200',
      { kind: 'error-in-200', atEvent: 0, code: 'overloaded' },
      { code: 'upstream_overloaded', class: 'overloaded' },
    ],
    ['500', { kind: 'status', status: 500, code: 'server_error' }, { code: 'upstream_failed', status: 500 }],
    [
      '503',
      { kind: 'status', status: 503, code: 'overloaded' },
      { code: 'upstream_overloaded', class: 'overloaded' },
    ],
    [
      '429',
      { kind: 'status', status: 429, code: 'rate_limit_exceeded' },
      { code: 'upstream_rate_limited', class: 'rate-limited' },
    ],
    [
      'no money left',
      { kind: 'status', status: 429, code: 'insufficient_quota' },
      { code: 'upstream_rate_limited', class: 'quota' },
    ],
    [
      'a key that is not taken',
      { kind: 'status', status: 401, code: 'invalid_api_key' },
      { code: 'upstream_rejected', class: 'auth' },
    ],
    [
      'too long a prompt',
      { kind: 'status', status: 400, code: 'context_length_exceeded' },
      { code: 'upstream_rejected', class: 'context-length' },
    ],
    [
      'a filter',
      { kind: 'status', status: 400, code: 'content_policy_violation' },
      { code: 'upstream_rejected', class: 'content-filter' },
    ],
    [
      'a page',
      { kind: 'wrong-type' },
      { code: 'upstream_failed', detail: 'it answered text/html instead of text/event-stream' },
    ],
    ['gzip', { kind: 'gzip' }, { code: 'upstream_failed', detail: expect.stringContaining('gzip') }],
    ['a redirect', { kind: 'redirect', location: '/elsewhere' }, { code: 'upstream_failed', status: 307 }],
    ['an event without end', { kind: 'giant-event', bytes: 3_000_000 }, { code: 'upstream_failed' }],
  ]
  test.each(faults)('%s', async (_, fault, failure) => {
    const server = await wall()
    server.always({ fault })
    const { outcome, sink } = await ask(remote(server.origin, { maxRetries: 0 }))
    expect(outcome.failure).toMatchObject({ ...failure, hadContent: false })
    expect([sink.events, outcome.earlier, server.requests.length]).toEqual([[], [], 1])
  })

  test('an address where nobody listens, without a name, without TLS, without a word', async () => {
    const bad = await openBadAddresses()
    closing.push(() => bad.close())
    const failed = async (url: string, timeouts: Partial<ProviderTimeouts> = {}) =>
      (await ask(remote(url, { maxRetries: 0 }), { timeouts: { ...patience, ...timeouts } })).failure
    expect(await failed(bad.refused)).toMatchObject({
      code: 'provider_unready',
      status: 0,
      detail: 'it cannot be reached: nobody listens there',
    })
    expect((await failed(bad.unnamed))?.detail).toMatch(/^it cannot be reached: its name does not resolve/)
    expect((await failed(bad.untrusted))?.detail).toMatch(/^it cannot be reached: (TLS|the other side)/)
    expect(await failed(bad.mute, { firstContentMs: 50 })).toMatchObject({
      class: 'timeout',
      hadContent: false,
    })
  })

  test('an inner address is not called unless that was allowed, though a name hides it', async () => {
    const server = await wall()
    const { failure } = await ask(
      remote(`http://localhost:${server.port}`, { allowInner: false, maxRetries: 0 }),
    )
    expect(failure?.detail).toContain('localhost resolves to')
    expect(server.requests).toEqual([])
  })
})

describe('what goes wrong after content is never asked of anybody else', () => {
  test.each<[string, Fault, object]>([
    ['a cut', { kind: 'cut', afterEvents: 5 }, { code: 'upstream_truncated' }],
    ['an end', { kind: 'truncated', afterEvents: 5 }, { code: 'upstream_truncated' }],
    ['half an event', { kind: 'half-closed', afterEvents: 5 }, { code: 'upstream_truncated' }],
    ['a malformed event', { kind: 'malformed', atEvent: 5 }, { code: 'upstream_failed' }],
    ['an error', { kind: 'error-in-200', atEvent: 5, code: 'overloaded' }, { code: 'upstream_overloaded' }],
    ['silence', { kind: 'stalls', afterEvents: 5 }, { code: 'upstream_failed', class: 'timeout' }],
  ])('%s', async (_, fault, failure) => {
    const server = await wall()
    server.always({ fault })
    const upstream = remote(server.origin, twoKeys)
    for (const work of [undefined, RELAY]) {
      if (work !== undefined && fault.kind === 'malformed') continue
      const before = server.requests.length
      const { outcome } = await ask(upstream, {
        timeouts: { ...patience, idleMs: 60 },
        ...(work === undefined ? {} : { work }),
      })
      expect(outcome.failure).toMatchObject({ ...failure, hadContent: true })
      expect([outcome.earlier, server.requests.length - before]).toEqual([[], 1])
    }
  })
})

describe('whole answers', () => {
  test.each<[string, Fault, object]>([
    ['half of one', { kind: 'truncated', afterEvents: 0 }, { code: 'upstream_failed' }],
    ['a cut one', { kind: 'cut', afterEvents: 0 }, { code: 'upstream_truncated' }],
    [
      'an error in a 200',
      { kind: 'error-in-200', atEvent: 0, code: 'server_error' },
      { code: 'upstream_failed' },
    ],
    [
      'one that is too large',
      { kind: 'giant-event', bytes: 70_000 },
      { detail: 'its answer is larger than 50000 bytes' },
    ],
    ['silence', { kind: 'stalls', afterEvents: 0 }, { class: 'timeout' }],
  ])('%s', async (_, fault, failure) => {
    const server = await wall()
    server.always({ fault })
    const upstream = remote(server.origin, { maxRetries: 0 }, { maxAnswerBytes: 50_000 })
    const { outcome, sink } = await ask(upstream, { stream: false, timeouts: { ...patience, idleMs: 60 } })
    expect(outcome.failure).toMatchObject({ ...failure, hadContent: false })
    expect(sink.answers).toEqual([])
  })

  test('usage that nobody told is not known, and is no failure', async () => {
    const server = await wall()
    server.always({ fault: { kind: 'no-usage' } })
    for (const stream of [true, false]) {
      const { failure, outcome, text } = await ask(remote(server.origin), { stream })
      expect([failure, text, outcome.usage.input, outcome.usage.output]).toEqual([
        undefined,
        truth.text,
        null,
        null,
      ])
    }
  })

  test('a server that does not stream is no answer to a stream; an error in disguise is that error', async () => {
    const server = await wall()
    const upstream = remote(server.origin, { maxRetries: 0 })
    const json = { 'content-type': 'application/json' }
    server.next({ headers: json }, status(200, 'overloaded'))
    expect((await ask(upstream)).failure).toMatchObject({
      detail: 'it answered application/json instead of a stream',
    })
    expect((await ask(upstream)).failure).toMatchObject({ class: 'overloaded', hadContent: false })
  })
})

describe('retries', () => {
  test.each<[string, Script]>([
    ['429', status(429, 'rate_limit_exceeded')],
    ['500', status(500, 'server_error')],
    ['503 with a time to come back', status(503, 'overloaded', { 'retry-after': '60' })],
    ['401', status(401, 'invalid_api_key')],
    ['a reset', { fault: { kind: 'reset' } }],
    ['an error inside a 200', { fault: { kind: 'error-in-200', atEvent: 1, code: 'server_error' } }],
    ['a page', { fault: { kind: 'wrong-type' } }],
  ])('%s: another account answers, and both tries are told', async (_, script) => {
    const server = await wall()
    server.next(script)
    const { outcome, sink, text } = await ask(remote(server.origin, twoKeys))
    expect([text, outcome.failure]).toEqual([truth.text, undefined])
    const [first, second] = server.requests.map(({ headers }) => headers.authorization)
    expect(new Set([first, second])).toEqual(new Set(['Bearer key-a', 'Bearer key-b']))
    expect(outcome.earlier).toMatchObject([
      { provider: 'wall', account: first?.slice(-1), code: expect.stringContaining('upstream_') },
    ])
    expect(outcome.account).toBe(second?.slice(-1))
    expect(sink.accepted_.at(-1)).toMatchObject({ account: second?.slice(-1), upstreamRequestId: 'req_wall' })
  })

  test('a try that may be on a bill has a usage, though it is not known; one turned away has none', async () => {
    const server = await wall()
    server.next({ fault: { kind: 'truncated', afterEvents: 1 } }, status(500, 'server_error'))
    const { outcome } = await ask(remote(server.origin, { retryBudget: 1 }, { retryWaitMs: 1 }))
    expect(outcome.earlier.map(({ usage }) => usage?.input)).toEqual([null, undefined])
    expect(outcome.failure).toBeUndefined()
  })

  test.each<[string, Script, Partial<ProviderTimeouts>]>([
    ['a bad request', status(400, 'invalid_value'), {}],
    ['a filter', status(400, 'content_policy_violation'), {}],
    ['no such model', status(404, 'model_not_found'), {}],
    ['silence', { fault: { kind: 'silent' } }, { firstContentMs: 40 }],
    ['the end of the call', { fault: { kind: 'silent' } }, { totalMs: 40 }],
  ])('%s is not asked again', async (_, script, timeouts) => {
    const server = await wall()
    server.always(script)
    const { failure } = await ask(remote(server.origin, twoKeys), { timeouts: { ...patience, ...timeouts } })
    expect(failure).toBeDefined()
    expect(server.requests).toHaveLength(1)
  })

  test('a short rest is waited for, a long one is told', async () => {
    const server = await wall()
    server.next(status(429, 'rate_limit_exceeded', { 'retry-after-ms': '30' }))
    expect((await ask(remote(server.origin))).text).toBe(truth.text)
    server.next(status(429, 'rate_limit_exceeded', { 'retry-after': '30' }))
    expect((await ask(remote(server.origin))).failure).toMatchObject({
      code: 'upstream_rate_limited',
      retryAfterMs: 30_000,
    })
    expect(server.requests).toHaveLength(3)
  })

  test('there are at most so many, and the budget is smaller when everything fails', async () => {
    const server = await wall()
    server.always(status(500, 'server_error'))
    const upstream = remote(
      server.origin,
      { maxRetries: 3, retryBudget: 0.1 },
      { retryWaitMs: 1, circuitFailures: 1e9 },
    )
    for (let index = 0; index < 40; index++) await ask(upstream)
    expect(server.requests).toHaveLength(40 + 4)
    expect(upstream.view()).toMatchObject({ retries: 4 })
  })
})

describe('accounts', () => {
  test('one that is rate limited rests until its reset, and nobody is asked meanwhile', async () => {
    const server = await wall()
    server.next({ headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' } })
    const upstream = remote(server.origin)
    expect((await ask(upstream)).failure).toBeUndefined()
    expect(upstream.isReady).toBe(false)
    expect((await ask(upstream)).failure).toMatchObject({
      code: 'provider_unready',
      detail: 'the account default rests: its rate is used up',
    })
    const [account] = upstream.view().accounts
    expect(account).toMatchObject({ state: 'resting', reason: 'its rate is used up', rests: 1, tries: 1 })
    expect(server.requests).toHaveLength(1)
  })

  test('one whose key is refused rests long and is reported; the other answers', async () => {
    const server = await wall()
    server.choose(({ headers }) =>
      headers.authorization === 'Bearer key-a' ? status(401, 'invalid_api_key') : {},
    )
    const upstream = remote(server.origin, { ...twoKeys, retryBudget: 1 })
    for (let index = 0; index < 12; index++) expect((await ask(upstream)).failure).toBeUndefined()
    expect(server.requests.filter(({ headers }) => headers.authorization === 'Bearer key-a')).toHaveLength(1)
    expect(upstream.view().accounts).toMatchObject([
      { account: 'a', state: 'resting', reason: 'it was answered 401', errors: { auth: 1 } },
      { account: 'b', state: 'ready', answered: 12, outputTokens: 12 * truth.usage.output },
    ])
  })

  test('one that fails so many times in a row is left alone, probed once, and taken back', async () => {
    const server = await wall()
    const upstream = remote(
      server.origin,
      { maxRetries: 0 },
      { circuitFailures: 3, openMs: 30, maxOpenMs: 30 },
    )
    server.always(status(500, 'server_error'))
    for (let index = 0; index < 3; index++) await ask(upstream)
    expect([upstream.isReady, (await ask(upstream)).failure?.code, server.requests.length]).toEqual([
      false,
      'provider_unready',
      3,
    ])
    await upstream.whenReady()
    server.always({})
    let release = () => {}
    server.schedule(
      () =>
        new Promise((resolve) => {
          release = resolve
        }),
    )
    const probe = ask(upstream)
    await until(() => server.requests.length === 4)
    expect((await ask(upstream)).failure?.code).toBe('provider_unready')
    server.schedule(undefined)
    release()
    expect((await probe).failure).toBeUndefined()
    expect([upstream.isReady, upstream.view().accounts[0]?.state]).toEqual([true, 'ready'])
  })

  test('bad requests and filters never open a circuit', async () => {
    const server = await wall()
    const upstream = remote(server.origin, {}, { circuitFailures: 1 })
    for (const script of [
      status(400, 'invalid_value'),
      status(400, 'content_policy_violation'),
      status(404, 'x'),
    ]) {
      server.next(script)
      expect((await ask(upstream)).failure?.code).toBe('upstream_rejected')
    }
    expect([upstream.isReady, upstream.view().accounts[0]?.circuitOpenings]).toEqual([true, 0])
  })

  test('a deadline that the client named says nothing of the account', async () => {
    const server = await wall()
    server.always({ fault: { kind: 'silent' } })
    const upstream = remote(server.origin, {}, { circuitFailures: 1 })
    expect((await ask(upstream, { timeouts: { ...patience, totalMs: 30 } })).failure?.code).toBe(
      'deadline_exceeded',
    )
    expect(upstream.isReady).toBe(true)
  })

  test('a missing secret makes its account unready and no other, and says which', async () => {
    const server = await wall()
    const accounts = [
      { name: 'a', key: ref('GONE') },
      { name: 'b', key: ref('B') },
    ]
    const upstream = remote(server.origin, { accounts })
    for (let index = 0; index < 5; index++) expect((await ask(upstream)).failure).toBeUndefined()
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(5).fill('Bearer key-b'))
    const alone = remote(server.origin, { accounts: accounts.slice(0, 1) })
    expect([alone.isReady, (await ask(alone)).failure]).toMatchObject([
      false,
      { code: 'provider_unready', detail: 'key of the account a: the environment has no GONE' },
    ])
  })

  test('a key that changed in its file is taken at the refusal of the old one', async () => {
    const server = await wall()
    let key = 'old'
    const upstream = openRemote(
      { baseUrl: `${server.origin}/v1`, accounts: [{ name: 'a', key: `\${file:/run/key}` }] },
      { readFile: () => key },
      { secretReadMs: 0 },
    )
    closing.push(() => upstream.close())
    server.choose(({ headers }) =>
      headers.authorization === 'Bearer new' ? {} : status(401, 'invalid_api_key'),
    )
    key = 'new'
    const { outcome, text } = await ask(upstream)
    expect([text, outcome.earlier.length, upstream.view().accounts[0]?.state]).toEqual([
      truth.text,
      1,
      'ready',
    ])
  })
})

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
    exchange.pause()
    await until(() => server.backlogBytes(0) > 0)
    expect(sink.calls).toBe(0)
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
