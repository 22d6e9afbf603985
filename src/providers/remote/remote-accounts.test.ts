import { describe, expect, test } from 'vitest'
import { openaiChat, type Script } from '../../../test/wall/index.ts'
import type { ProviderTimeouts } from '../../contracts/index.ts'
import { patience, until } from '../text/text-upstream.conformance.ts'
import { ask, onTheWall, RELAY, ref, status, twoKeys } from './testing/on-the-wall.ts'
import { openRemote } from './testing/open-remote.ts'

const { truth } = openaiChat.fixtures.text
const { closed, remote, wall } = onTheWall()

describe('a second call for a question that one account has already', () => {
  test('goes to the other, however much more the first weighs', async () => {
    const server = await wall()
    const accounts = twoKeys.accounts.map((account, index) => ({
      ...account,
      weight: index === 0 ? 1000 : 1,
    }))
    const upstream = remote(server.origin, { accounts })
    for (let count = 0; count < 5; count++) {
      const { outcome } = await ask(upstream, { avoidAccount: accounts[0]?.name ?? '' })
      expect(outcome).toMatchObject({ failure: undefined, account: accounts[1]?.name, earlier: [] })
    }
  })

  test('goes to the same where there is no other', async () => {
    const server = await wall()
    const accounts = twoKeys.accounts.slice(0, 1)
    const name = accounts[0]?.name ?? ''
    const { outcome } = await ask(remote(server.origin, { accounts }), { avoidAccount: name })
    expect(outcome).toMatchObject({ failure: undefined, account: name })
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
    // However much more the first one weighs, it is not asked twice.
    const accounts = twoKeys.accounts.map((account, index) => ({
      ...account,
      weight: index === 0 ? 1000 : 1,
    }))
    const { outcome, sink, text } = await ask(remote(server.origin, { accounts }))
    expect([text, outcome.failure]).toEqual([truth.text, undefined])
    const [first, second] = server.requests.map(({ headers }) => headers.authorization)
    expect(new Set([first, second])).toEqual(new Set(['Bearer key-a', 'Bearer key-b']))
    expect(outcome.earlier).toMatchObject([
      { provider: 'wall', account: first?.slice(-1), code: expect.stringContaining('upstream_') },
    ])
    expect(outcome.account).toBe(second?.slice(-1))
    expect(sink.accepted_.at(-1)).toMatchObject({ account: second?.slice(-1), upstreamRequestId: 'req_wall' })
  })

  test('a relay that breaks before content is asked of another account, and nothing of the first comes through', async () => {
    const server = await wall()
    server.next({ fault: { kind: 'error-in-200', atEvent: 1, code: 'server_error' } })
    const { outcome, sink } = await ask(remote(server.origin, twoKeys), { work: RELAY })
    expect([outcome.failure, outcome.earlier.length]).toEqual([undefined, 1])
    expect(
      Buffer.concat(sink.bytes)
        .toString()
        .match(/"role":"assistant"/g),
    ).toHaveLength(1)
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
    closed(upstream)
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
