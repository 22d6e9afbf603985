/** A model of text by its file, in the processes that serve it: control, a gateway, two model servers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { eventsIn } from '../../src/gateway/testing/text-world.ts'
import { systemClock } from '../../src/kernel/index.ts'

const WORDS = Array.from({ length: 50 }, (_, index) => `word-${index}`).join(' ')
const MODEL_FILE = `model: parrot
champion:
  label: v1
  engine: echo
  echo:
    latencyMs: 5
    text:
      says: ${WORDS}
      tokenMs: 20
      sequences: 16
`
const GENERATE = '/api/v1/models/parrot/generate'
const question = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Say it' }] }] }

let installation: Installation

beforeAll(async () => {
  installation = await openInstallation()
  const file = join(installation.folder, 'model.yaml')
  writeFileSync(file, MODEL_FILE)
  expect(await slipway('model', 'add', file)).toMatchObject({ status: 0 })
  expect(await slipway('deploy', 'parrot', 'v1', '--replicas', '2')).toMatchObject({ status: 0 })
  await until(async () => (await ready()).length === 2)
}, 120_000)
afterAll(() => installation?.close())

async function slipway(...words: string[]) {
  const child = spawn(join(process.cwd(), 'bin/slipway'), words, {
    env: { ...process.env, SLIPWAY_DATA: installation.folder, NO_COLOR: '1' },
  })
  let told = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (told += String(chunk)))
  const [status] = (await once(child, 'close')) as [number]
  return { status, told }
}

const ready = async () =>
  (await installation.replicas()).filter(({ alive, status }) => alive && status.phase === 'ready')

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endsAtMs = systemClock.monotonicMs() + 30_000
  while (!(await holds())) {
    if (systemClock.monotonicMs() > endsAtMs) throw new Error(`not so within 30 s: ${String(holds)}`)
    await systemClock.sleep(30)
  }
}

function send(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${installation.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${installation.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

const typesIn = (body: string) => eventsIn(body).map((event) => (JSON.parse(event) as { type: string }).type)

/** Of all replicas together. */
async function metric(line: string): Promise<number> {
  const key = readFileSync(join(installation.folder, 'secrets', 'internal-key'), 'utf8').trim()
  let sum = 0
  for (const { status } of await ready()) {
    const answer = await fetch(`${status.httpUrl}/metrics`, { headers: { authorization: `Bearer ${key}` } })
    for (const text of (await answer.text()).split('\n'))
      if (text.startsWith(`slipway_replica_${line}`)) sum += Number(text.split(' ').at(-1))
  }
  return sum
}

describe('a model of text on this machine', () => {
  test('answers whole, with its usage', async () => {
    const answer = await send(GENERATE, question)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({
      choices: [{ content: [{ type: 'text', text: WORDS }], finishReason: 'stop' }],
      usage: { input: 2, output: 50 },
    })
  })

  test('streams', async () => {
    const answer = await send(GENERATE, { ...question, stream: true })
    const types = typesIn(await answer.text())
    expect([types[0], types.filter((type) => type === 'text').length, types.at(-1)]).toEqual([
      'started',
      50,
      'ended',
    ])
  })

  test('is what OpenAI’s client takes for a model: streams, embeddings', async () => {
    const client = new OpenAI({
      apiKey: installation.key,
      baseURL: `${installation.gatewayUrl}/v1`,
      maxRetries: 0,
    })
    const stream = await client.chat.completions.create({
      model: 'parrot',
      messages: [{ role: 'user', content: 'Say it' }],
      max_tokens: 5,
      stream: true,
    })
    let said = ''
    let finish: string | null = null
    for await (const { choices } of stream) {
      said += choices[0]?.delta.content ?? ''
      finish = choices[0]?.finish_reason ?? finish
    }
    expect([said, finish]).toEqual(['word-0 word-1 word-2 word-3 word-4', 'length'])
    const { data } = await client.embeddings.create({ model: 'parrot', input: ['a', 'b'] })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([16, 16])
  })

  test('is predicted by the command line', async () => {
    const { status, told } = await slipway('predict', 'parrot', '{"prompt": "Say it"}')
    expect([status, told.includes('word-49')]).toEqual([0, true])
  })

  test('stops in the engine when its client leaves', async () => {
    const before = await metric('requests_total{outcome="cancelled"')
    const leaving = new AbortController()
    const answer = await send(GENERATE, { ...question, stream: true }, leaving.signal)
    const { value } = await answer.body!.getReader().read()
    expect(value).toBeDefined()
    leaving.abort()
    await until(async () => (await metric('requests_total{outcome="cancelled"')) === before + 1)
    expect(await metric('text_running_requests')).toBe(0)
  })

  test('tells what it does', async () => {
    expect(await metric('text_output_tokens_total')).toBeGreaterThan(100)
    expect(await metric('text_first_token_seconds_count')).toBeGreaterThan(0)
    expect(await metric('ready')).toBe(2)
  })

  test('a replica that leaves finishes what it has, and nobody notices', async () => {
    const ends: string[] = []
    const replicas = new Set<string | null>()
    let isOver = false
    const keepAsking = async () => {
      while (!isOver) {
        const answer = await send(GENERATE, { ...question, stream: true })
        replicas.add(answer.headers.get('x-slipway-replica'))
        ends.push(typesIn(await answer.text()).at(-1) as string)
      }
    }
    const asking = Array.from({ length: 8 }, keepAsking)
    await until(async () => replicas.size === 2)
    expect(await slipway('scale', 'parrot', 'v1', '1')).toMatchObject({ status: 0 })
    await until(async () => (await ready()).length === 1)
    isOver = true
    await Promise.all(asking)
    expect(ends.length).toBeGreaterThan(8)
    expect([...new Set(ends)]).toEqual(['ended'])
  })

  test('a replica that is killed ends its streams with an error, and another takes its place', async () => {
    const answer = await send(GENERATE, { ...question, stream: true })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let body = (await reader.read()).value ?? ''
    const asked = answer.headers.get('x-slipway-replica')
    const victim = (await ready()).find(({ replicaId }) => replicaId === asked)
    process.kill(victim?.status.pid as number, 'SIGKILL')
    for (let read = await reader.read(); !read.done; read = await reader.read()) body += read.value
    const last = JSON.parse(eventsIn(body).at(-1) as string) as object
    expect(last).toMatchObject({ type: 'failed', code: 'replica_lost' })
    await until(async () => (await send(GENERATE, question)).status === 200)
  })
})
