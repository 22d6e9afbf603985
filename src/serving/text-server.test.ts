import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type GenerateEvent,
  type ReplicaSpec,
  type ReplicaStatus,
  replicaSpec,
  textContract,
} from '../contracts/index.ts'
import { type Clock, digestOfBytes, silentLogger, systemClock } from '../kernel/index.ts'
import {
  connectLink,
  type LinkClient,
  type LinkStreamOutcome,
  readEvents,
  type TextEnd,
} from '../link/index.ts'
import { type ModelServer, startModelServer } from './model-server.ts'

const KEY = 'slw_internal_secret'
const WORDS = Array.from({ length: 30 }, (_, index) => `word-${index}`).join(' ')

let folder: string
const opened: { close(): void | Promise<void> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'text-'))
  writeFileSync(join(folder, 'internal-key'), `${KEY}\n`)
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

function specOf(text: object, echo: object = {}): ReplicaSpec {
  return replicaSpec.parse({
    replicaId: 'r-1',
    model: 'chat',
    label: 'v1',
    versionId: digestOfBytes('v1'),
    spec: { engine: 'echo', contract: textContract, echo: { ...echo, text: { says: WORDS, ...text } } },
    address: `unix:${join(folder, 's')}`,
    runFolder: join(folder, 'run'),
    internalKeyFile: join(folder, 'internal-key'),
    drainTimeoutMs: 2000,
  })
}

async function start(spec: ReplicaSpec, clock: Clock = systemClock): Promise<ModelServer> {
  const server = await startModelServer(spec, { clock, logger: silentLogger(), startedAt: Date.now() })
  opened.push({ close: () => server.drain() })
  return server
}

async function dial(server: ModelServer): Promise<LinkClient> {
  const client = await connectLink(server.status.address, { clock: systemClock })
  opened.push(client)
  return client
}

interface Wish {
  readonly stream?: boolean
  readonly kind?: string
  readonly deadlineMs?: number
  readonly priority?: number
  readonly body?: string
}

const QUESTION = JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Say it' }] }] })

function ask(client: LinkClient, { body = QUESTION, kind = 'generate', stream = true, ...more }: Wish = {}) {
  const events: GenerateEvent[] = []
  const first = Promise.withResolvers<void>()
  const done = Promise.withResolvers<{ outcome: LinkStreamOutcome; end: TextEnd; answer: unknown }>()
  const asked = client.stream(
    { header: { kind, stream, requestId: 'req-1' }, body: Buffer.from(body), ...more },
    {
      events(bytes) {
        events.push(...readEvents(bytes))
        if (events.some(({ type }) => type === 'text')) first.resolve()
      },
      settled(outcome) {
        const whole = outcome.ok && outcome.body.length > 0 ? JSON.parse(outcome.body.toString()) : undefined
        done.resolve({ outcome, end: outcome.end as unknown as TextEnd, answer: whole })
      },
    },
  )
  return { asked, events, first: first.promise, done: done.promise }
}

const textOf = (events: readonly GenerateEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')
const statusFile = () => JSON.parse(readFileSync(join(folder, 'run', 'status.json'), 'utf8')) as ReplicaStatus
const probe = async (server: ModelServer, path: string) =>
  (await fetch(`${server.status.httpUrl}${path}`, { headers: { authorization: `Bearer ${KEY}` } })).status
const metrics = async (server: ModelServer) =>
  await (
    await fetch(`${server.status.httpUrl}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })
  ).text()

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(2)
}

describe('a server of text', () => {
  test('is ready once loaded, says that it speaks by events, and answers', async () => {
    const server = await start(specOf({}))
    expect(statusFile()).toMatchObject({ phase: 'ready', replicaId: 'r-1' })
    const client = await dial(server)
    expect(client.hello).toMatchObject({ streams: true, model: 'chat', version: 'v1' })
    const { done, events } = ask(client)
    const { end, outcome } = await done
    expect([outcome.ok, textOf(events)]).toEqual([true, WORDS])
    expect(end).toMatchObject({ finishReason: 'stop', usage: { input: 2, output: 30 } })
    expect([end.queueUs, end.prefillUs, end.decodeUs].every(Number.isInteger)).toBe(true)
    const whole = await ask(client, { stream: false }).done
    expect(whole.answer).toMatchObject({ choices: [{ content: [{ type: 'text', text: WORDS }] }] })
    expect((await ask(client, { stream: false, kind: 'count-tokens' }).done).answer).toEqual({
      inputTokens: 2,
    })
  })

  test('tells what its engine does', async () => {
    const server = await start(specOf({ tokenMs: 1 }))
    const client = await dial(server)
    await ask(client).done
    await ask(client, { body: '{"messages":[],"tools":[{"name":"t"}]}' }).done
    const text = await metrics(server)
    for (const line of [
      /^slipway_replica_text_output_tokens_total\{.*\} 30$/m,
      /^slipway_replica_text_input_tokens_total\{.*\} 2$/m,
      /^slipway_replica_requests_total\{outcome="ok",.*\} 1$/m,
      /^slipway_replica_requests_total\{outcome="invalid_request",.*\} 1$/m,
      /^slipway_replica_text_first_token_seconds_count\{.*\} 1$/m,
      /^slipway_replica_text_decode_tokens_per_second_count\{.*\} 1$/m,
      /^slipway_replica_text_kv_blocks\{.*\} \d{2,}$/m,
      /^slipway_replica_text_running_requests\{.*\} 0$/m,
      /^slipway_replica_text_accepted_share\{.*\} 0$/m,
    ])
      expect(text).toMatch(line)
  })

  test('stops in the engine when its client leaves, by a word or without', async () => {
    const server = await start(specOf({ tokenMs: 5 }))
    const [staying, leaving] = [await dial(server), await dial(server)]
    const cancelled = ask(staying)
    const lost = ask(leaving)
    await Promise.all([cancelled.first, lost.first])
    cancelled.asked.cancel()
    const { end, outcome } = await cancelled.done
    expect(outcome).toMatchObject({ ok: false, code: 'cancelled' })
    expect(end.usage.output).toBeGreaterThan(0)
    expect(end.usage.output).toBeLessThan(30)
    leaving.close()
    await until(async () => /requests_total\{outcome="cancelled",.*\} 2$/m.test(await metrics(server)))
    expect(await metrics(server)).toMatch(/text_running_requests\{.*\} 0$/m)
  })

  test('drains with every stream whole, and takes nothing new', async () => {
    const server = await start(specOf({ tokenMs: 5, sequences: 2 }))
    const client = await dial(server)
    const streams = Array.from({ length: 4 }, () => ask(client))
    await streams[0]?.first
    const drained = server.drain()
    expect([await probe(server, '/readyz'), await probe(server, '/livez')]).toEqual([503, 200])
    await until(() => client.state === 'draining')
    expect((await ask(client).done).outcome).toMatchObject({ code: 'replica_unready', retrySafe: true })
    for (const { done, events } of streams) {
      expect((await done).outcome.ok).toBe(true)
      expect(textOf(events)).toBe(WORDS)
    }
    await drained
  })

  test('a deadline ends the work in the queue, too', async () => {
    const client = await dial(await start(specOf({ tokenMs: 5, sequences: 1 })))
    const first = ask(client)
    await first.first
    const { end, outcome } = await ask(client, { deadlineMs: 10 }).done
    // Here or there, whoever is first.
    expect(outcome.ok ? end.failure?.code : outcome.code).toBe('deadline_exceeded')
    expect(end.usage.output).toBe(0)
    expect((await first.done).outcome.ok).toBe(true)
  })

  test('refuses what is no request of text, and lives on', async () => {
    const client = await dial(await start(specOf({})))
    const bodies = ['{', '{}', 'null', '{"messages":[null]}'].map((body) => ({ body }))
    for (const wish of [...bodies, { kind: 'sing' }])
      expect((await ask(client, wish).done).outcome).toMatchObject({ ok: false, code: 'internal' })
    const rows = await new Promise((resolve) => client.request({ rows: 1, body: Buffer.from('x') }, resolve))
    expect(rows).toMatchObject({ ok: false, code: 'internal' })
    expect((await ask(client).done).outcome.ok).toBe(true)
  })
})

describe('progress', () => {
  function skippingClock(): Clock & { skip(ms: number): void } {
    let aheadMs = 0
    return {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
      skip(ms) {
        aheadMs += ms
      },
    }
  }

  test('an engine that says nothing more is stuck', async () => {
    const clock = skippingClock()
    const server = await start(specOf({ hangAfterTokens: 3 }), clock)
    const stream = ask(await dial(server))
    await until(() => textOf(stream.events).includes('word-2'))
    expect(await probe(server, '/livez')).toBe(200)
    clock.skip(61_000)
    expect([await probe(server, '/livez'), await probe(server, '/readyz')]).toEqual([503, 503])
    stream.asked.cancel()
    await stream.done
    expect(await probe(server, '/livez')).toBe(200)
    // Nothing is asked, so that nothing need come.
    clock.skip(61_000)
    expect(await probe(server, '/livez')).toBe(200)
  })

  test('a reader that stalls is not', async () => {
    const clock = skippingClock()
    const server = await start(specOf({ says: undefined }), clock)
    const text = `${'x'.repeat(2000)} `.repeat(60)
    const body = JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'text', text }] }] })
    const stream = ask(await dial(server), { body })
    stream.asked.pause()
    // 64 KiB hold 32 words of 2,000 letters, and one is in hand when the window closes.
    await until(async () => /text_output_tokens_total\{.*\} 3[1-4]$/m.test(await metrics(server)))
    await sleep(30)
    expect(await metrics(server)).toMatch(/text_output_tokens_total\{.*\} 3[1-4]$/m)
    expect(await metrics(server)).toMatch(/text_running_requests\{.*\} 1$/m)
    clock.skip(61_000)
    expect(await probe(server, '/livez')).toBe(200)
    stream.asked.resume()
    expect((await stream.done).outcome.ok).toBe(true)
  })
})
