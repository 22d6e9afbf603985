import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { servingPolicy } from '../../contracts/index.ts'
import { HELLO_EVENTS, ScriptedUpstream, scriptedModel, USED } from '../testing/scripted-upstream.ts'
import {
  eventsIn,
  openTextWorld,
  skippingClock,
  surfaces,
  type TextWorldOptions,
} from '../testing/text-world.ts'
import { until, type World } from '../testing/world.ts'

const worlds: World[] = []
const open = async (options: TextWorldOptions = {}) => {
  const world = await openTextWorld(options)
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const chunksOf = (stream: IncomingMessage) => {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  stream.on('error', () => undefined)
  return { text: () => text }
}
/** Several looks at the open streams. */
const turns = async (world: World) => {
  for (let count = 0; count < 8; count++) await world.metric('slipway_gateway_in_flight')
}
const CONTENT = { type: 'text', choice: 0, text: 'Hello' } as const

describe.each(surfaces)('a stream on the surface $name', ({ failure, name, send, start, success }) => {
  const stream = { ...send({ stream: true }) }

  test('clause 1: every event ends with a blank line, the last one too', async () => {
    const world = await open()
    const answer = await world.send(stream)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const events = eventsIn(answer.body)
    expect(events.at(-1)).toContain(success)
    expect(events.join('')).toContain('Hello')
  })

  test('clause 3: nothing is committed before the first content', async () => {
    const world = await open()
    const upstream = world.upstream()
    upstream.behave = (call) => {
      call.accept().event({ type: 'started', id: 'g' })
      call.fail('upstream_overloaded', {
        class: 'overloaded',
        status: 529,
        detail: 'busy',
        retryAfterMs: 2500,
      })
    }
    const answer = await world.send(stream)
    expect([answer.status, answer.headers['retry-after']]).toEqual([name === 'anthropic' ? 529 : 503, '3'])
    expect(answer.headers['content-type']).toMatch(/json/)
    expect(answer.body.toString()).toContain('is overloaded: busy')
    const [record] = await world.records(1)
    expect(record).toMatchObject({ status: answer.status, outcome: 'error', code: 'upstream_overloaded' })
  })

  test('clause 3: what was held back comes with the first content, in order', async () => {
    const world = await open()
    world.upstream().behave = (call) => {
      call.accept().event({ type: 'started', id: 'g' })
      setImmediate(() => {
        call.event(CONTENT, { type: 'finished', choice: 0, reason: 'stop' })
        call.end()
      })
    }
    const events = eventsIn((await world.send(stream)).body)
    if (start !== undefined) expect(events[0]).toContain(start)
    expect(events.findIndex((event) => event.includes('Hello'))).toBeGreaterThanOrEqual(
      start === undefined ? 0 : 1,
    )
  })

  test('clause 3: the hold-back is bounded in time, and then the client sees that somebody thinks', async () => {
    const world = await open({ limits: { holdBackMs: 20 } })
    world.upstream().behave = (call) => void call.accept()
    const answer = await world.open(stream)
    expect(answer.statusCode).toBe(200)
    world.upstream().last.text('late').end()
    const read = chunksOf(answer)
    await until(() => read.text().includes(success))
  })

  test('clause 3: an answer without any content is an answer', async () => {
    const world = await open()
    world.upstream().behave = (call) => {
      call.accept().event({ type: 'started', id: 'g' }, { type: 'finished', choice: 0, reason: 'stop' })
      call.end()
    }
    const answer = await world.send(stream)
    expect(answer.status).toBe(200)
    expect(eventsIn(answer.body).at(-1)).toContain(success)
  })

  test('clauses 4 and 5: a failure after content is one event, and no mark of success', async () => {
    const world = await open()
    world.upstream().behave = (call) => {
      call.accept().event(...HELLO_EVENTS.slice(0, 2))
      call.fail('upstream_truncated', { hadContent: true, status: 200 }, { usage: { ...USED, output: 1 } })
    }
    const answer = await world.send(stream)
    const events = eventsIn(answer.body)
    expect(answer.status).toBe(200)
    expect(events.at(-1)).toContain(failure)
    expect(events.at(-1)).toContain('ended before it was whole')
    expect(answer.body.toString()).not.toContain(success)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ status: 200, outcome: 'error', code: 'upstream_truncated' })
    expect(record?.text).toMatchObject({ usage: { input: 7, output: 1 }, finishReason: null })
  })

  test('clause 7: the usage is in the record once, whether the client asked for it or not', async () => {
    const world = await open()
    world.upstream().behave = (call) => {
      call.accept().event(...HELLO_EVENTS.slice(0, 2), { type: 'usage', usage: { ...USED, output: 1 } })
      call.event({ type: 'usage', usage: USED }, { type: 'finished', choice: 0, reason: 'stop' })
      call.end()
    }
    await world.send(stream)
    const [record] = await world.records(1)
    expect(record?.text).toMatchObject({ usage: USED, chunks: 1, finishReason: 'stop', stream: true })
    expect(record?.text?.attempts).toEqual([
      expect.objectContaining({ usage: USED, code: null, account: 'a1', status: 200 }),
    ])
    expect(record?.text?.ttftMs).toBeGreaterThan(0)
  })

  test('clause 8: client gone, upstream is cancelled, and the record has what was used', async () => {
    const world = await open()
    const upstream = world.upstream()
    upstream.behave = (call) => {
      call.accept().event(...HELLO_EVENTS.slice(0, 2))
      call.onCancel = () => call.fail('cancelled', { class: 'cancelled' }, { usage: USED })
    }
    const left = new AbortController()
    const answer = await world.open({ ...stream, signal: left.signal })
    const read = chunksOf(answer)
    await until(() => read.text().includes('Hello'))
    left.abort()
    await until(() => upstream.last.isCancelled)
    const records = await world.records(1)
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ status: 499, outcome: 'cancelled', code: 'cancelled' })
    expect(records[0]?.text?.usage).toEqual(USED)
    await until(async () => (await world.metric('slipway_gateway_text_streams_open')) === 0)
    expect(await world.metric('slipway_gateway_in_flight')).toBe(0)
  })

  test('clause 8: client gone under the policy drain, the work ends by itself and is billed', async () => {
    const world = await open({ serving: servingPolicy.parse({ onDisconnect: 'drain' }) })
    const upstream = world.upstream()
    upstream.behave = (call) => void call.accept().event(...HELLO_EVENTS.slice(0, 2))
    const left = new AbortController()
    const read = chunksOf(await world.open({ ...stream, signal: left.signal }))
    await until(() => read.text().includes('Hello'))
    left.abort()
    await until(async () => (await world.metric('slipway_gateway_connections')) === 1)
    upstream.last.text(' world').end()
    const [record] = await world.records(1)
    expect(upstream.last.isCancelled).toBe(false)
    expect(record).toMatchObject({ outcome: 'cancelled', text: { usage: USED, finishReason: 'stop' } })
  })

  test('clause 9: heartbeats are comments between events, and only on a silent stream', async () => {
    const clock = skippingClock()
    const world = await open({ clock })
    world.upstream().behave = (call) => void call.accept().event(...HELLO_EVENTS.slice(0, 2))
    const answer = await world.open(stream)
    const read = chunksOf(answer)
    await until(() => read.text().includes('Hello'))
    for (let beats = 1; beats <= 3; beats++) {
      clock.skip(14_000)
      await turns(world)
      expect(read.text().split(': keep-alive\n\n')).toHaveLength(beats)
      clock.skip(1001)
      await until(() => read.text().split(': keep-alive\n\n').length === beats + 1)
    }
    world.upstream().last.text(' world').end()
    await until(() => read.text().includes(success))
    expect(eventsIn(read.text()).join('')).toContain(' world')
  })

  test('clause 10: a stream may last so long, then it ends with an error', async () => {
    const clock = skippingClock()
    const world = await open({ clock })
    world.upstream().behave = (call) => void call.accept().event(...HELLO_EVENTS.slice(0, 2))
    const read = chunksOf(await world.open(stream))
    await until(() => read.text().includes('Hello'))
    clock.skip(servingPolicy.parse({}).maxStreamMs)
    await until(() => read.text().includes('was not ready within'))
    expect(eventsIn(read.text()).at(-1)).toContain(failure)
    await until(() => world.upstream().last.isCancelled)
    const [record] = await world.records(1)
    expect(record).toMatchObject({ outcome: 'timeout', code: 'deadline_exceeded' })
  })

  test('the deadline that the client set is a real 504 before content', async () => {
    const world = await open()
    world.upstream().behave = (call) => void call.accept()
    const answer = await world.send({ ...stream, headers: { 'x-slipway-timeout-ms': '40' } })
    expect(answer.status).toBe(504)
    expect(world.upstream().last.call.timeouts.totalMs).toBeLessThanOrEqual(40)
    await until(() => world.upstream().last.isCancelled)
    expect((await world.records(1))[0]).toMatchObject({ outcome: 'timeout', text: { stream: true } })
  })

  test('clause 11: a reader that stalls pauses its upstream, holds little, and gets all of it later', async () => {
    const world = await open()
    const upstream = world.upstream()
    const piece = 'x'.repeat(16_384)
    const total = 400
    let sent = 0
    upstream.behave = (call) => {
      call.accept().event({ type: 'started', id: 'g' })
      const pump = () => {
        while (!call.isPaused && sent < total) {
          sent++
          call.text(piece)
          setImmediate(pump)
          return
        }
        if (sent === total) call.end()
      }
      call.onResume = () => void setImmediate(pump)
      pump()
    }
    const answer = await world.open(stream)
    answer.pause()
    await until(() => upstream.last?.isPaused === true)
    const sentWhenPaused = sent
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toBe(sentWhenPaused)
    const held = await world.metric('slipway_gateway_text_unsent_bytes')
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(256 * 1024)
    const read = chunksOf(answer)
    answer.resume()
    await until(() => read.text().includes(success))
    // Some surfaces say all of it once more at the end.
    expect(read.text().split(piece).length - 1).toBeGreaterThanOrEqual(total)
    expect(upstream.last.pauses).toBeGreaterThan(0)
  })

  test('clause 11: a reader that never reads is cut, and its upstream cancelled', async () => {
    const world = await open({ limits: { writeTimeoutMs: 50 } })
    const upstream = world.upstream()
    upstream.behave = (call) => {
      const pump = () => {
        if (call.isPaused || call.isCancelled) return
        call.text('x'.repeat(65_536))
        setImmediate(pump)
      }
      call.accept()
      pump()
    }
    const answer = await world.open(stream)
    answer.on('error', () => undefined)
    answer.pause()
    await until(() => upstream.last.isCancelled)
    expect((await world.records(1))[0]).toMatchObject({ status: 499, outcome: 'cancelled' })
  })

  test('clause 13: streamed or not, the same text, usage, cost and reason', async () => {
    const world = await open()
    await world.send(stream)
    await world.send(send())
    const [streamed, whole] = await world.records(2)
    const told = (record: typeof streamed) => ({
      ...record,
      ...{ requestId: 0, at: 0, latencyMs: 0, bucket: 0 },
      text: { ...record?.text, stream: 0, ttftMs: 0, chunks: 0, attempts: record?.text?.attempts.length },
    })
    expect(told(streamed)).toEqual(told(whole))
  })
})

test('bodies are held only as long as their requests', async () => {
  const world = await open({ bounds: { maxBufferedBytes: 1000 } })
  const { send } = surfaces[1] as (typeof surfaces)[number]
  const statuses = new Set<number>()
  for (let count = 0; count < 20; count++) statuses.add((await world.send(send())).status)
  expect([...statuses]).toEqual([200])
  const large = await world.send(send({ odd: 'x'.repeat(1000) }))
  expect([large.status, large.body.toString()]).toEqual([503, expect.stringContaining('overloaded')])
})

describe('an upstream', () => {
  test('that does not settle after a cancel is given up, once', async () => {
    const world = await open({ limits: { settleGraceMs: 20 } })
    world.upstream().behave = (call) => {
      call.accept()
      call.onCancel = () => undefined
    }
    const [native] = surfaces
    const answer = await world.send({
      ...(native as (typeof surfaces)[number]).send({ stream: true }),
      headers: { 'x-slipway-timeout-ms': '30' },
    })
    expect(answer.status).toBe(504)
    const records = await world.records(1)
    world.upstream().last.end()
    await new Promise((resolve) => setImmediate(resolve))
    expect(records).toHaveLength(1)
    expect(records[0]?.text?.usage).toMatchObject({ input: null, output: null })
  })

  test('relays bytes as they are: the model replaced, the usage asked for and hidden, unknown fields kept', async () => {
    const upstreams = [new ScriptedUpstream('acme', ['openai-chat'])]
    const world = await open({ upstreams })
    const body =
      '{ "messages": [{"role":"user","content":"model \\"x\\" }"}], "model" : "chat:v1" ,"odd": 1.50, "stream":true }'
    const answer = await world.send({ path: '/v1/chat/completions', body })
    const { call } = world.upstream().last
    const work = call.work as Extract<typeof call.work, { kind: 'relay' }>
    expect(work.body.toString()).toBe(
      body
        .replace('"chat:v1"', '"big-1"')
        .replace('true }', 'true ,"stream_options":{"include_usage":true}}'),
    )
    expect(call.hideUsage).toBe(true)
    expect(eventsIn(answer.body).filter((event) => event === '[DONE]')).toHaveLength(1)
    expect(answer.headers['x-slipway-replica']).toBe('acme/a1')
  })

  test('that breaks in a relayed stream ends it with an error of the dialect', async () => {
    const world = await open({ upstreams: [new ScriptedUpstream('acme', ['openai-chat'])] })
    world.upstream().behave = (call) => {
      call.accept()
      call.sink.relayed(Buffer.from('data: {"choices":[]}\n\n'), { hasContent: true, events: 1 })
      call.fail('upstream_failed', { hadContent: true })
    }
    const answer = await world.send((surfaces[1] as (typeof surfaces)[number]).send({ stream: true }))
    const events = eventsIn(answer.body)
    expect(events).toHaveLength(2)
    expect(events[1]).toContain('upstream_failed')
  })

  test('that breaks in a relayed stream of numbered events goes on with their numbers', async () => {
    const world = await open({ upstreams: [new ScriptedUpstream('acme', ['openai-responses'])] })
    world.upstream().behave = (call) => {
      call.accept()
      call.sink.relayed(Buffer.from('event: a\ndata: {"sequence_number":0}\n\n'.repeat(3)), {
        hasContent: true,
        events: 3,
      })
      call.fail('upstream_failed', { hadContent: true })
    }
    const answer = await world.send((surfaces[3] as (typeof surfaces)[number]).send({ stream: true }))
    expect(eventsIn(answer.body).at(-1)).toContain('"sequence_number":3')
  })

  test('is not given bytes where the version has words or sampling of its own', async () => {
    const provider = 'acme'
    const world = await open({
      upstreams: [new ScriptedUpstream('acme', ['openai-chat'])],
      models: [
        scriptedModel('chat', {
          v1: { provider, prompt: 'Be brief.', sampling: { seed: 5, maxOutputTokens: 9 } },
        }),
      ],
    })
    const { send } = surfaces[1] as (typeof surfaces)[number]
    await world.send(send({ max_tokens: 3 }))
    expect(world.upstream().last.request).toMatchObject({
      messages: [{ role: 'system', content: [{ text: 'Be brief.' }] }, { role: 'user' }],
      seed: 5,
      maxOutputTokens: 3,
    })
  })
})
