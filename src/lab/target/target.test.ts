import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { type ScriptedTarget, scriptedTarget, type TargetScript } from '../testing/scripted-target.ts'
import { openTarget, readTargetAddress, type TargetKind } from './open-target.ts'
import type { Exchange, Target } from './target.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

async function open(kind: TargetKind, script: TargetScript = {}, model = 'm', timeoutMs = 5000) {
  const server = await scriptedTarget(script)
  const base = kind === 'openai' || kind === 'openai-whole' ? '/v1' : ''
  const target = openTarget(readTargetAddress(`${kind}+${server.url}${base}#${model}`), {
    clock: systemClock,
    timeoutMs,
    connections: 4,
    key: 'the-secret',
    headers: { 'x-more': 'too' },
    body: kind === 'http' ? null : '{"inputs":[{"x":1}]}',
    exact: false,
  })
  opened.push(target, server)
  return { target, server }
}

const ask = { class: 'c', turns: [{ role: 'user' as const, text: 'hello' }], outputTokens: 3 }
const send = (target: Target) => new Promise<Exchange>((resolve) => target.send(ask, resolve))

const rows: [TargetKind, string, string, boolean][] = [
  ['openai', '/v1/chat/completions', 'm', true],
  ['openai-whole', '/v1/chat/completions', 'm', false],
  ['anthropic', '/v1/messages', 'm', true],
  ['generate', '/api/v1/models/m/generate', 'm@v2', true],
  ['slipway', '/api/v1/models/m/predict', 'm@v2', false],
  ['oip', '/v2/models/m/versions/3/infer', 'm@3', false],
  ['http', '/', '', false],
]

describe.each(rows)('%s', (kind, path, model, streams) => {
  test('asks at its path with the key, and tells times in order and the usage', async () => {
    const { target, server } = await open(kind, { gapMs: streams ? 3 : 0 }, model)
    const exchange = await send(target)
    expect(exchange).toMatchObject({ status: 200, failure: null })
    expect(server.requests[0]?.path).toBe(path)
    expect(JSON.stringify(server.requests[0]?.headers)).toContain('the-secret')
    expect(server.requests[0]?.headers['x-more']).toBe('too')
    expect(target.name).not.toContain('secret')
    expect(target.streams).toBe(streams)
    const { sentMs, firstByteMs, contentMs, endMs } = exchange
    const times = [sentMs, firstByteMs!, ...contentMs, endMs]
    expect(times).toEqual([...times].sort((left, right) => left - right))
    expect(contentMs).toHaveLength(streams ? 3 : 1)
    if (streams || kind === 'openai-whole')
      expect(exchange).toMatchObject({ inputTokens: 11, outputTokens: 3 })
  })

  test.each([401, 429, 500])('status %i is a failure of that status', async (status) => {
    const { target } = await open(kind, { status: () => status }, model)
    expect(await send(target)).toMatchObject({ status, failure: 'status', contentMs: [] })
  })

  test('silence is a timeout, and a closed port is unreachable', async () => {
    const slow = await open(kind, { delayMs: () => 5000 }, model, 100)
    expect(await send(slow.target)).toMatchObject({ failure: 'timeout', status: 0 })
    const gone = await open(kind, {}, model)
    await gone.server.close()
    expect(await send(gone.target)).toMatchObject({ failure: 'unreachable', status: 0 })
  })

  test.runIf(kind !== 'http')('what is not of its dialect is no answer', async () => {
    const { target } = await open(kind, { garbage: true }, model)
    const { failure } = await send(target)
    expect(['garbage', 'truncated']).toContain(failure)
  })

  test.runIf(streams)('a stream that drips on and on is a timeout', async () => {
    const { target } = await open(kind, { gapMs: 60, pieces: 500 }, model, 300)
    expect(await send(target)).toMatchObject({ failure: 'timeout', status: 200 })
  })

  test.runIf(streams)('a stream that ends early is no answer', async () => {
    const { target } = await open(kind, { cutAfter: 2 }, model)
    expect(await send(target)).toMatchObject({ failure: 'truncated' })
  })
})

test('a version is pinned in the body of Slipway, and named in the path of OIP', async () => {
  const { target, server } = await open('slipway', {}, 'm@v2')
  await send(target)
  expect(JSON.parse((server as ScriptedTarget).requests[0]!.body)).toEqual({
    inputs: [{ x: 1 }],
    params: { version: 'v2' },
  })
})

test.each([
  ['http://127.0.0.1/#m', 'kind+url'],
  ['soap+http://127.0.0.1/#m', 'no known kind'],
  ['openai+http://127.0.0.1:8000/v1', 'names no model'],
  ['openai+http://me:secret@127.0.0.1/v1#m', 'keys do not belong'],
])('%s is refused', (address, reason) => {
  expect(() => readTargetAddress(address)).toThrow(reason)
  try {
    readTargetAddress(address)
  } catch (error) {
    expect((error as Error).message).not.toContain('secret')
  }
})
