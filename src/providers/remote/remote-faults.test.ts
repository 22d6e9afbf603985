import { describe, expect, test } from 'vitest'
import { type Fault, openaiChat, openBadAddresses } from '../../../test/wall/index.ts'
import type { ProviderTimeouts } from '../../contracts/index.ts'
import { patience } from '../text/text-upstream.conformance.ts'
import { ask, onTheWall, RELAY, status, twoKeys } from './testing/on-the-wall.ts'

const { truth } = openaiChat.fixtures.text
const { closed, remote, wall } = onTheWall()

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
    closed(bad)
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
