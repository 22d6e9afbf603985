import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { UnsupportedFeature } from '../../dialects/index.ts'
import type { TextFailure } from '../../providers/index.ts'
import {
  HELLO_ANSWER,
  hello,
  RELAYED_ANSWER,
  ScriptedUpstream,
  scriptedModel,
  USED,
} from '../testing/scripted-upstream.ts'
import { openTextWorld, surfaces } from '../testing/text-world.ts'
import type { Sent, World } from '../testing/world.ts'

const acme = new ScriptedUpstream('acme')
const relay = new ScriptedUpstream('relay', ['openai-chat'])
let world: World

beforeAll(async () => {
  world = await openTextWorld({
    upstreams: [acme, relay],
    models: [
      scriptedModel('chat', { v1: { provider: 'acme' }, v2: { provider: 'acme', modelName: 'big-2' } }),
      scriptedModel('raw', { v1: { provider: 'relay' } }),
      scriptedModel('lost', { v1: { provider: 'nobody' } }),
      scriptedModel('idle', { v1: { provider: 'acme' } }, { slices: [] }),
    ],
    limits: { maxBodyBytes: 100_000 },
  })
  await world.addReplica('v1')
  await world.swap()
})
afterAll(() => world.close())
beforeEach(() => {
  for (const upstream of [acme, relay]) {
    upstream.behave = hello
    upstream.refuse = () => undefined
  }
})

const [native, chat] = surfaces as [(typeof surfaces)[number], (typeof surfaces)[number]]
const post = (path: string, body: unknown, more: Sent = {}) =>
  world.send({ path, body: typeof body === 'string' ? body : JSON.stringify(body), ...more })
const codeOf = ({ json }: { json: Record<string, unknown> }) => {
  const { code, slipway_code: own = code } = json.error as Record<string, unknown>
  return own
}
const recordOf = async (answer: { headers: Record<string, unknown> }) => {
  const id = answer.headers['x-slipway-request-id']
  await world.records(1)
  for (;;) {
    const found = world.control.records.find((record) => record.requestId === id)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('an answer', () => {
  test.each(surfaces)('on $name says who gave it', async ({ send }) => {
    const answer = await world.send(send())
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-slipway-request-id': expect.stringMatching(/^r-/),
      'x-slipway-model': 'chat',
      'x-slipway-version': 'v1',
      'x-slipway-replica': 'acme/a1',
    })
    expect(answer.headers['x-slipway-fallback']).toBeUndefined()
    expect(JSON.stringify(answer.json)).toContain('Hello world')
  })

  test('calls functions in the words of clients that asked so, whole and streamed', async () => {
    acme.behave = (call) => {
      const calls = { type: 'tool-call', id: 'c1', name: 'time', arguments: '{}' } as const
      call.accept()
      if (call.call.stream)
        call.event(
          { type: 'started', id: 'g' },
          { type: 'tool-call-started', choice: 0, call: 0, id: 'c1', name: 'time' },
          { type: 'finished', choice: 0, reason: 'tool-calls' },
        )
      else
        call.sink.answer({
          ...HELLO_ANSWER,
          choices: [{ index: 0, content: [calls], finishReason: 'tool-calls' }],
        })
      call.end()
    }
    const asked = { functions: [{ name: 'time', parameters: { type: 'object' } }] }
    const whole = await world.send(chat.send(asked))
    expect(whole.json).toMatchObject({
      choices: [{ message: { function_call: { name: 'time' } }, finish_reason: 'function_call' }],
    })
    const streamed = await world.send(chat.send({ ...asked, stream: true }))
    expect(streamed.body.toString()).toContain('"function_call":{"name":"time"')
    expect(streamed.body.toString()).toContain('"finish_reason":"function_call"')
  })

  test('leaves one whole record', async () => {
    const answer = await world.send({ ...chat.send(), headers: { 'x-slipway-unit': 'u7' } })
    expect(await recordOf(answer)).toMatchObject({
      model: 'chat',
      version: 'v1',
      replica: 'acme/a1',
      assignment: 'split',
      experiment: 'chat/1',
      status: 200,
      outcome: 'ok',
      rows: 1,
      retries: 0,
      text: {
        operation: 'generate',
        surface: 'openai-chat',
        stream: false,
        provider: 'acme',
        providerModel: 'big-1',
        upstreamRequestId: 'up-1',
        ttftMs: null,
        finishReason: 'stop',
        usage: USED,
        cost: { state: 'unknown', costUsd: null },
        priority: 'interactive',
        rung: null,
        quality: 1,
        cache: 'off',
        attempts: [
          { rung: 'primary', version: 'v1', provider: 'acme', account: 'a1', status: 200, code: null },
        ],
        guardrails: [],
      },
    })
  })

  test('that is relayed is the bytes of the provider', async () => {
    const answer = await post('/v1/chat/completions', {
      model: 'raw',
      messages: [{ role: 'user', content: 'a' }],
    })
    expect(answer.json).toEqual(RELAYED_ANSWER)
    expect(relay.last.relayedBody).toEqual({ model: 'big-1', messages: [{ role: 'user', content: 'a' }] })
  })
})

describe('a version is asked for by name', () => {
  test.each<[string, () => Promise<{ status: number; headers: Record<string, unknown> }>]>([
    ['in a header', () => world.send({ ...native.send(), headers: { 'x-slipway-version': 'v2' } })],
    ['in params', () => world.send(native.send({ params: { version: 'v2' } }))],
    ['in params of a foreign surface', () => world.send(chat.send({ params: { version: 'v2' } }))],
    ['after a colon', () => world.send(chat.send({ model: 'chat:v2' }))],
  ])('%s', async (_, send) => {
    const answer = await send()
    expect([answer.status, answer.headers['x-slipway-version']]).toEqual([200, 'v2'])
    expect(acme.last.call.modelName).toBe('big-2')
    expect(JSON.stringify(acme.last.request)).not.toContain('params')
    expect((await recordOf(answer)).assignment).toBe('pinned')
  })

  test('twice and differently: refused', async () => {
    const answer = await world.send({
      ...chat.send({ model: 'chat:v1' }),
      headers: { 'x-slipway-version': 'v2' },
    })
    expect([answer.status, answer.body.toString()]).toEqual([400, expect.stringContaining('Two versions')])
  })
})

describe('a key', () => {
  test.each([
    ['authorization', (key: string) => ({ authorization: `Bearer ${key}` })],
    ['x-api-key', (key: string) => ({ authorization: undefined, 'x-api-key': key })],
    ['api-key', (key: string) => ({ authorization: undefined, 'api-key': key })],
  ])('may come in %s', async (_, headers) => {
    const sent = (key: string) => {
      const all = Object.entries(headers(key)).filter(([, value]) => value !== undefined)
      return fetch(`http://127.0.0.1:${world.port}/v1/models`, { headers: Object.fromEntries(all) as never })
    }
    expect((await sent(world.key)).status).toBe(200)
    expect((await sent(`${world.key}x`)).status).toBe(401)
  })
})

describe('a request that cannot be answered', () => {
  const dots = (count: number) => '['.repeat(count) + ']'.repeat(count)
  test.each<[string, Sent & { path: string }, number, string]>([
    ['no JSON', { path: '/v1/chat/completions', body: '{"model":' }, 400, 'body_not_json'],
    ['no object', { path: '/v1/chat/completions', body: '[]' }, 400, 'invalid_request'],
    [
      'no UTF-8',
      { path: '/v1/chat/completions', body: Buffer.from([0x7b, 0xff, 0x7d]) },
      400,
      'body_not_json',
    ],
    ['no model', { path: '/v1/chat/completions', body: '{}' }, 400, 'invalid_request'],
    ['no messages', { path: '/v1/chat/completions', body: '{"model":"chat"}' }, 400, 'invalid_request'],
    [
      'a wrong form',
      { path: '/api/v1/models/chat/generate', body: '{"messages":3}' },
      422,
      'invalid_request',
    ],
    ['an unknown model', chat.send({ model: 'nix' }), 404, 'unknown_model'],
    ['an unknown version', chat.send({ model: 'chat:v9' }), 404, 'unknown_version'],
    ['a model of rows', chat.send({ model: 'm' }), 400, 'model_not_text'],
    ['a model without traffic', chat.send({ model: 'idle' }), 503, 'no_traffic'],
    ['a provider that is not there', chat.send({ model: 'lost' }), 503, 'provider_unready'],
    ['a body that nests too deep', chat.send({ odd: JSON.parse(dots(130)) }), 400, 'body_too_deep'],
    ['a body that is too large', chat.send({ odd: 'x'.repeat(100_001) }), 413, 'body_too_large'],
    ['a path that is none', { path: '/v1/nothing', body: '{}' }, 404, 'unknown_route'],
    ['params of the wrong form', chat.send({ params: { drop: 'seed' } }), 400, 'invalid_request'],
    [
      'rows',
      { ...chat.send(), headers: { 'content-type': 'application/octet-stream' } },
      415,
      'unsupported_media_type',
    ],
    ['no such class', { ...chat.send(), headers: { 'x-slipway-priority': 'vip' } }, 400, 'invalid_request'],
  ])('%s', async (_, sent, status, code) => {
    const answer = await world.send(sent)
    expect([answer.status, answer.body.toString()]).toEqual([status, expect.stringContaining(`"${code}"`)])
    expect(answer.headers['content-type']).toBe(
      sent.path.startsWith('/v1/chat') ? 'application/json' : 'application/problem+json',
    )
    expect(await world.metric('slipway_gateway_in_flight')).toBe(0)
  })

  test('its error is in the words of the surface, even without a key', async () => {
    const answer = await world.send({ ...chat.send(), headers: { authorization: 'Bearer nix' } })
    expect([answer.status, answer.json]).toEqual([
      401,
      { error: expect.objectContaining({ slipway_code: 'unauthenticated' }) },
    ])
  })
})

describe('a failure upstream', () => {
  const cases: [TextFailure['code'], TextFailure['class'], number, string, string][] = [
    ['upstream_rejected', 'invalid', 400, 'upstream_rejected', 'client_error'],
    ['upstream_rejected', 'context-length', 400, 'context_too_long', 'client_error'],
    ['upstream_rejected', 'content-filter', 400, 'content_filtered', 'client_error'],
    ['upstream_rejected', 'auth', 502, 'upstream_failed', 'error'],
    ['upstream_rejected', 'quota', 502, 'upstream_failed', 'error'],
    ['upstream_rejected', 'not-found', 502, 'upstream_failed', 'error'],
    ['upstream_rate_limited', 'rate-limited', 429, 'upstream_rate_limited', 'error'],
    ['upstream_overloaded', 'overloaded', 503, 'upstream_overloaded', 'error'],
    ['upstream_failed', 'error', 502, 'upstream_failed', 'error'],
    ['upstream_truncated', 'error', 502, 'upstream_truncated', 'error'],
    ['provider_unready', 'unready', 503, 'provider_unready', 'error'],
    ['deadline_exceeded', 'timeout', 504, 'deadline_exceeded', 'timeout'],
    ['cancelled', 'cancelled', 502, 'upstream_failed', 'error'],
  ]
  test.each(cases)('%s (%s) is %i %s and counts as %s', async (code, problem, status, told, outcome) => {
    acme.behave = (call) =>
      call.accept().fail(code, { class: problem, status: 418, detail: 'sk-secret says no' }, { usage: USED })
    const answer = await world.send(chat.send())
    expect([answer.status, codeOf(answer)]).toEqual([status, told])
    if (problem === 'auth') expect(answer.body.toString()).not.toContain('sk-secret')
    const record = await recordOf(answer)
    expect(record).toMatchObject({ outcome, code: told, text: { usage: USED } })
    expect(record.text?.attempts).toMatchObject([{ code, status: 418, usage: USED }])
    expect(record.input).toBe(outcome === 'error' ? '[{"prompt":"Hi"}]' : undefined)
  })

  test('that cost nothing is recorded as nothing, one that may have cost something as unknown', async () => {
    const used = async (code: TextFailure['code'], status: number) => {
      acme.behave = (call) => call.fail(code, { status })
      return (await recordOf(await world.send(chat.send()))).text
    }
    expect(await used('upstream_rate_limited', 429)).toMatchObject({
      usage: { input: 0 },
      cost: { costUsd: '0' },
    })
    expect(await used('upstream_truncated', 200)).toMatchObject({
      usage: { input: null },
      cost: { costUsd: null },
    })
  })
})

describe('a field that the upstream does not have', () => {
  beforeEach(() => {
    acme.refuse = ({ work }) => {
      if (work.kind === 'generate' && work.request.maxOutputTokens !== undefined)
        throw new UnsupportedFeature('maxOutputTokens', 'tgi')
      if (work.kind === 'generate' && work.request.extras?.odd !== undefined)
        throw new UnsupportedFeature('extras.odd', 'tgi')
    }
  })

  test("is refused by the client's name for it", async () => {
    const answer = await world.send(chat.send({ max_tokens: 5 }))
    expect([answer.status, answer.json]).toEqual([
      400,
      { error: expect.objectContaining({ slipway_code: 'unsupported_field', param: 'max_tokens' }) },
    ])
    expect((await recordOf(answer)).outcome).toBe('client_error')
  })

  test.each([
    ['a header', { 'x-slipway-drop': 'odd, max_tokens' }, {}],
    ['params', {}, { params: { drop: ['odd', 'max_tokens'] } }],
  ])('is dropped where %s allows it, and that is told', async (_, headers, body) => {
    const answer = await world.send({ ...chat.send({ max_tokens: 5, odd: 1, ...body }), headers })
    expect([answer.status, answer.headers['x-slipway-drop']]).toEqual([200, 'max_tokens, odd'])
  })

  test('is not dropped for another one', async () => {
    const answer = await world.send({
      ...chat.send({ max_tokens: 5, odd: 1 }),
      headers: { 'x-slipway-drop': 'odd' },
    })
    expect(answer.status).toBe(400)
  })
})

describe('beside generation', () => {
  test('embeddings', async () => {
    const answer = await post('/v1/embeddings', { model: 'chat', input: ['a', 'b'], dimensions: 2 })
    expect(acme.last.call.work).toEqual({ kind: 'embed', request: { inputs: ['a', 'b'], dimensions: 2 } })
    expect(answer.json).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, 1] }],
      model: 'chat',
      usage: { prompt_tokens: 7, total_tokens: 7 },
    })
    expect((await recordOf(answer)).text?.operation).toBe('embed')
  })

  test.each([
    ['text', 'a', ['a']],
    ['token ids', [1, 2], [[1, 2]]],
    ['lists of token ids', [[1], [2, 3]], [[1], [2, 3]]],
  ])('embeddings of %s', async (_, input, inputs) => {
    await post('/v1/embeddings', { model: 'chat', input })
    expect(acme.last.call.work).toEqual({ kind: 'embed', request: { inputs } })
  })

  test.each([
    ['/v1/embeddings', { input: [] }, 'input'],
    ['/v1/embeddings', { input: ['a', 1] }, 'input[1]'],
    ['/v1/embeddings', { input: 'a', encoding_format: 'hex' }, 'encoding_format'],
    ['/v1/rerank', { query: 'q', documents: ['a', {}] }, 'documents[1].text'],
    ['/v1/rerank', { documents: ['a'] }, 'query'],
    ['/v1/moderations', {}, 'input'],
  ])('%s %j is refused at %s', async (path, body, param) => {
    const answer = await post(path, { model: 'chat', ...body })
    expect([answer.status, answer.json]).toEqual([400, { error: expect.objectContaining({ param }) }])
  })

  test('rerank', async () => {
    const body = { model: 'chat', query: 'q', documents: ['a', { text: 'b' }], top_n: 1 }
    expect((await post('/v1/rerank', body)).json).toMatchObject({
      model: 'chat',
      results: [{ index: 1, relevance_score: 0.9 }],
    })
    expect(acme.last.call.work).toEqual({
      kind: 'rerank',
      request: { query: 'q', documents: ['a', 'b'], top: 1 },
    })
  })

  test('moderations', async () => {
    const answer = await post('/v1/moderations', { model: 'chat', input: 'x' })
    expect(answer.json).toEqual({ id: 'mod-1', model: 'chat', results: [{ flagged: false }] })
  })
})

describe('the list of models', () => {
  const get = (path: string, headers = {}) => world.send({ method: 'GET', path, headers })
  test("in OpenAI's form, models of text only", async () => {
    const { json } = await get('/v1/models')
    expect(json.object).toBe('list')
    expect((json.data as { id: string }[]).map(({ id }) => id)).toEqual(['chat', 'raw', 'lost', 'idle'])
    expect((await get('/v1/models/chat')).json).toMatchObject({ id: 'chat', object: 'model' })
    expect((await get('/v1/models/m')).status).toBe(404)
  })

  test("in Anthropic's form where its header is sent", async () => {
    const anthropic = { 'anthropic-version': '2023-06-01' }
    const { json } = await get('/v1/models', anthropic)
    expect(json).toMatchObject({ has_more: false, first_id: 'chat', last_id: 'idle' })
    expect((await get('/v1/models/chat', anthropic)).json).toMatchObject({ type: 'model', id: 'chat' })
  })
})

describe('predict on a model of text', () => {
  const predict = (inputs: unknown[], more = {}) => post('/api/v1/models/chat/predict', { inputs, ...more })

  test('asks once per row and answers in order', async () => {
    const before = acme.calls.length
    acme.behave = (call) => {
      const [message] = call.request.messages
      const [part] = message?.content ?? []
      const text = part?.type === 'text' ? part.text.toUpperCase() : ''
      call.accept().sink.answer({
        id: 'g',
        createdAt: 0,
        choices: [{ index: 0, content: [{ type: 'text', text }], finishReason: 'stop' }],
        usage: USED,
      })
      call.end()
    }
    const rows = Array.from({ length: 20 }, (_, index) => ({ prompt: `row ${index}` }))
    const answer = await predict(rows)
    expect(answer.json).toEqual({
      model: 'chat',
      version: 'v1',
      outputs: rows.map(({ prompt }) => ({ text: prompt.toUpperCase() })),
    })
    expect(acme.calls.length - before).toBe(20)
    const record = await recordOf(answer)
    expect(record).toMatchObject({ rows: 20, outcome: 'ok', text: { usage: { input: 140, output: 40 } } })
  })

  test('asks only so many at a time, and stops the rest when one fails', async () => {
    const before = acme.calls.length
    acme.behave = () => undefined
    const answer = predict(Array.from({ length: 30 }, () => ({ prompt: 'p' })))
    await expect.poll(() => acme.calls.length - before).toBe(8)
    acme.calls[before + 3]?.accept().fail('upstream_failed')
    expect((await answer).status).toBe(502)
    expect(acme.calls.length - before).toBe(8)
    expect(acme.calls.slice(before).filter(({ isCancelled }) => isCancelled)).toHaveLength(7)
  })

  test('refuses a row without a prompt, and may pin', async () => {
    expect((await predict([{ prompt: 'a' }, { text: 'b' }])).json).toMatchObject({ code: 'rows_invalid' })
    expect((await predict([{ prompt: 'a' }], { params: { version: 'v2' } })).json).toMatchObject({
      version: 'v2',
    })
  })
})

test('metrics tell tokens, attempts and first content', async () => {
  await world.send(chat.send({ stream: true }))
  const labels = '{model="chat",version="v1"'
  const metric = (name: string, more = '') => world.metric(`${name}${labels}${more}`)
  expect(await metric('gen_ai_server_time_to_first_token_seconds_count')).toBeGreaterThan(0)
  expect(await metric('gen_ai_client_token_usage_total', ',gen_ai_token_type="output"')).toBeGreaterThan(1)
  expect(await metric('slipway_gateway_text_attempts_total', ',code="ok"')).toBeGreaterThan(0)
  expect(await metric('slipway_gateway_text_streams_open')).toBe(0)
  expect(await metric('slipway_gateway_requests_total', ',class="2xx"')).toBeGreaterThan(0)
})
