import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type GenerateEvent, NO_USAGE } from '../../contracts/index.ts'
import { seededRandom, silentLogger, systemClock } from '../../kernel/index.ts'
import {
  createLinkServer,
  type LinkServer,
  type LinkStreamExchange,
  readAsk,
  type TextEnd,
} from '../../link/index.ts'
import { replicaUpstream, type TextReplica } from '../index.ts'
import {
  callOf,
  conformsToTextUpstream,
  Listening,
  type OtherTextSide,
  patience,
  until,
} from './text-upstream.conformance.ts'
import type { TextUpstream } from './text-upstream.ts'

let folder: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slw-text-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const USED = { ...NO_USAGE, input: 6, cacheRead: 0, output: 4 }
const END: TextEnd = { usage: USED, finishReason: 'stop', queueUs: 1, prefillUs: 2, decodeUs: 3 }
const WORDS = ['Because', ' it', ' keeps', ' promises']
const truth = { text: WORDS.join(''), finishReason: 'stop', usage: { input: 6, output: 4 } }

function upstreamAt(address: string): TextReplica {
  return replicaUpstream({
    replica: { id: 'r-1', address, draining: false },
    model: 'chat',
    version: 'v1',
    contractDigest: 'sha256:c',
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger(),
  })
}

async function openSide(
  onAsk: (exchange: LinkStreamExchange) => void,
  address: string,
  streams = true,
): Promise<LinkServer> {
  const server = createLinkServer({
    clock: systemClock,
    hello: {
      protocol: 1,
      model: 'chat',
      version: 'v1',
      replica: 'r-1',
      contract: 'sha256:c',
      credit: { rows: 1000, bytes: 1_000_000 },
      streams,
    },
    onRequest: () => undefined,
    onAsk,
  })
  await server.listen(address)
  return server
}

conformsToTextUpstream('a replica over the link', async () => {
  const address = `unix:${join(folder, `${++count}.sock`)}`
  const other = await linkSide(address)
  return {
    upstream: upstreamAt(address).text,
    other,
    unsupported: { kind: 'rerank', request: { query: 'q', documents: ['d'] } },
  }
})

/** A model server by hand: says its words, and does what the test wants instead. */
async function linkSide(address: string): Promise<OtherTextSide> {
  let fault: 'rejected' | 'fails' | 'breaks-off' | undefined
  let held: { where: 'start' | 'middle'; until: PromiseWithResolvers<void> } | undefined
  let server: LinkServer
  let seen = 0
  let cancelled = 0
  let newest = Promise.withResolvers<void>()

  const answer = async (exchange: LinkStreamExchange) => {
    const own = newest
    const emit = (event: GenerateEvent) => exchange.emit(JSON.stringify(event))
    const { ask } = readAsk(exchange.header(), exchange.body)
    const isHeldAt = (where: 'start' | 'middle') => (held?.where === where ? held.until.promise : undefined)
    await isHeldAt('start')
    if (!ask.stream) {
      await isHeldAt('middle')
      const content = [{ type: 'text', text: truth.text }]
      const whole = {
        id: 'g',
        createdAt: 1,
        choices: [{ index: 0, content, finishReason: 'stop' }],
        usage: USED,
      }
      exchange.end({ ...END }, Buffer.from(JSON.stringify(whole)))
      return
    }
    emit({ type: 'started', id: 'g' })
    for (const [index, text] of WORDS.entries()) {
      emit({ type: 'text', choice: 0, text })
      await new Promise(setImmediate)
      if (index === 1) await isHeldAt('middle')
    }
    emit({ type: 'finished', choice: 0, reason: 'stop' })
    emit({ type: 'usage', usage: USED })
    own.resolve()
    exchange.end({ ...END })
  }
  const onAsk = (exchange: LinkStreamExchange) => {
    seen++
    newest = Promise.withResolvers()
    const now = fault
    fault = undefined
    exchange.onCancel = () => {
      cancelled++
      const failure = { code: 'cancelled', detail: 'left', retrySafe: false }
      exchange.end({ ...END, finishReason: null, failure })
    }
    const fails = (code: string) =>
      exchange.end({ ...END, finishReason: null, failure: { code, detail: 'told to', retrySafe: true } })
    if (now === 'rejected') fails('invalid_request')
    else if (now === 'fails') {
      exchange.emit(JSON.stringify({ type: 'started', id: 'g' }))
      fails('model_failed')
    } else if (now === 'breaks-off') {
      exchange.emit(JSON.stringify({ type: 'text', choice: 0, text: WORDS[0] }))
      // Out of its own callback, and once the words are on the wire.
      setTimeout(() => void server.close(), 5)
    } else void answer(exchange)
  }
  const open = async () => {
    server = await openSide(onAsk, address)
  }
  await open()
  return {
    truth,
    hold(where) {
      held = { where, until: Promise.withResolvers() }
    },
    release() {
      held?.until.resolve()
      held = undefined
    },
    next(what) {
      fault = what
    },
    seen: () => seen,
    cancelled: (wanted) => until(() => cancelled >= wanted),
    said: () => newest.promise,
    vanish: () => server.close(),
    comeBack: open,
    close: () => server.close(),
  }
}

describe('a replica’s text', () => {
  const opened: { close(): Promise<unknown> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  })

  async function world(onAsk: (exchange: LinkStreamExchange) => void): Promise<TextUpstream> {
    const address = `unix:${join(folder, `${++count}.sock`)}`
    opened.push(await openSide(onAsk, address))
    const { text } = upstreamAt(address)
    opened.push(text)
    await text.whenReady()
    return text
  }
  const asked = async (upstream: TextUpstream, call: Parameters<typeof callOf>[0]) => {
    const sink = new Listening()
    upstream.start(callOf(call), sink)
    return { sink, outcome: await sink.done }
  }

  test.each([
    ['context_too_long', { code: 'upstream_rejected', class: 'context-length', status: 400 }],
    ['invalid_request', { code: 'upstream_rejected', class: 'invalid', feature: 'seed' }],
    ['overloaded', { code: 'upstream_overloaded', class: 'overloaded', retryAfterMs: 70 }],
    ['model_failed', { code: 'upstream_failed', class: 'error' }],
    ['deadline_exceeded', { code: 'deadline_exceeded', class: 'timeout' }],
    ['something new', { code: 'upstream_failed', class: 'error' }],
  ])('an engine that fails with %s is told as a provider would be', async (code, failure) => {
    const upstream = await world((exchange) =>
      exchange.end({
        ...END,
        failure: { code, detail: 'it says so', retrySafe: true, retryAfterMs: 70, field: 'seed' },
      }),
    )
    const { outcome, sink } = await asked(upstream, { stream: true })
    expect(outcome).toMatchObject({ failure: { ...failure, detail: 'it says so' }, usage: USED })
    expect(sink.events).toEqual([])
  })

  test('times of the replica come with the outcome, of good ones and of cancelled ones', async () => {
    const upstream = await world((exchange) => exchange.end({ ...END }))
    const { outcome } = await asked(upstream, { stream: true })
    expect(outcome.spent).toEqual({ queueUs: 1, prefillUs: 2, decodeUs: 3 })
  })

  test('usage that was told in the stream holds where the end is missing', async () => {
    const upstream = await world((exchange) => {
      exchange.emit(JSON.stringify({ type: 'text', choice: 0, text: 'a' }))
      exchange.emit(JSON.stringify({ type: 'usage', usage: { ...NO_USAGE, input: 3 } }))
    })
    const { outcome } = await asked(upstream, { stream: true, timeouts: { ...patience, idleMs: 20 } })
    expect(outcome).toMatchObject({ failure: { class: 'timeout', hadContent: true }, usage: { input: 3 } })
  })

  test.each([
    ['embeddings', { kind: 'embed', request: { inputs: ['a'] } }, { vectors: [[1]], usage: USED }, undefined],
    [
      'a count of tokens',
      { kind: 'count-tokens', request: { messages: [] } },
      { inputTokens: 9 },
      { input_tokens: 9 },
    ],
  ] as const)('gives %s', async (_, work, answer, told) => {
    const upstream = await world((exchange) => exchange.end({ ...END }, Buffer.from(JSON.stringify(answer))))
    const { outcome, sink } = await asked(upstream, { stream: false, work: work as never })
    expect(outcome.failure).toBeUndefined()
    expect(sink.answers).toEqual([told ?? answer])
  })

  test.each([
    ['events that are no JSON', (exchange: LinkStreamExchange) => exchange.emit('{'), true],
    [
      'an answer that is no JSON',
      (exchange: LinkStreamExchange) => exchange.end({ ...END }, Buffer.from('{')),
      false,
    ],
  ])('%s are a failure, and the work is stopped', async (_, say, stream) => {
    const upstream = await world((exchange) => {
      exchange.onCancel = () => exchange.end({ ...END })
      say(exchange)
    })
    const { outcome } = await asked(upstream, { stream })
    expect(outcome.failure).toMatchObject({ code: 'upstream_truncated', hadContent: false })
  })

  test('silence is nobody’s fault while the caller pauses', async () => {
    const asks: LinkStreamExchange[] = []
    const upstream = await world((exchange) => {
      asks.push(exchange)
      exchange.emit(JSON.stringify({ type: 'text', choice: 0, text: 'a' }))
    })
    const call = callOf({ stream: true, timeouts: { ...patience, idleMs: 20 } })
    const [paused, waiting] = [new Listening(), new Listening()]
    const exchange = upstream.start(call, paused)
    await until(() => paused.text === 'a')
    exchange.pause()
    upstream.start(call, waiting)
    expect((await waiting.done).failure).toMatchObject({ class: 'timeout' })
    expect(paused.outcome).toBeUndefined()
    asks[0]?.end({ ...END })
    exchange.resume()
    expect((await paused.done).failure).toBeUndefined()
  })

  test('one that answers no text is not asked', async () => {
    const address = `unix:${join(folder, `${++count}.sock`)}`
    opened.push(await openSide(() => undefined, address, false))
    const { text } = upstreamAt(address)
    opened.push(text)
    await text.whenReady()
    const { outcome } = await asked(text, { stream: true })
    expect(outcome.failure).toMatchObject({ code: 'replica_unready', hadContent: false })
  })

  test('pausing within a frame stops at that event', async () => {
    const upstream = await world((exchange) => {
      for (const text of ['a', 'b', 'c']) exchange.emit(JSON.stringify({ type: 'text', choice: 0, text }))
      exchange.end({ ...END })
    })
    const sink = new Listening()
    const seen: string[] = []
    const exchange = upstream.start(
      callOf({ stream: true }),
      Object.assign(sink, {
        event(event: GenerateEvent) {
          if (event.type !== 'text') return
          seen.push(event.text)
          exchange.pause()
        },
      }),
    )
    for (let index = 1; index <= 3; index++) {
      await until(() => seen.length === index)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      expect([seen.length, sink.outcome]).toEqual([index, undefined])
      exchange.resume()
    }
    expect((await sink.done).failure).toBeUndefined()
    expect(seen).toEqual(['a', 'b', 'c'])
  })
})
