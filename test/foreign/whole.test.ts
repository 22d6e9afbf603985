import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textContract } from '../../src/contracts/index.ts'
import { type Installation, openInstallation } from '../../src/fleet/testing/installation.ts'
import { systemClock } from '../../src/kernel/index.ts'
import type { Script } from './scripted-server.ts'

/** The real processes, control, a gateway and model servers, with a stand-in for `vllm serve` behind them. */
let installation: Installation
let folder: string

const scripted = fileURLToPath(new URL('scripted-server.ts', import.meta.url))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-foreign-'))
  installation = await openInstallation()
  await installation.call('POST', '/api/v1/models', { model: 'chat', contract: textContract })
}, 120_000)
afterAll(async () => {
  await installation?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

interface Row {
  version: string
  status: string
  reason?: string
  ready_replicas: number
}

async function register(label: string, script: Partial<Script>, settings: object = {}, more: object = {}) {
  const whole: Script = { server: 'vllm', release: '0.10.0', ...script }
  const spec = {
    engine: 'vllm',
    contract: textContract,
    vllm: {
      server: whole.server,
      command: [process.execPath, scripted, JSON.stringify(whole)],
      weights: 'org/llama',
      ...settings,
    },
    ...more,
  }
  return await installation.ask('POST', '/api/v1/models/chat/versions', { label, spec })
}

async function deploy(version: string, replicas = 1): Promise<void> {
  const wanted = { model_name: 'chat', version, resources: { replicas } }
  await installation.call('POST', '/api/v1/deployments', wanted)
}

async function row(version: string): Promise<Row | undefined> {
  const { items } = await installation.call<{ items: Row[] }>('GET', '/api/v1/deployments/chat')
  return items.find((each) => each.version === version)
}

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  const limit = AbortSignal.timeout(60_000)
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    limit.throwIfAborted()
    await systemClock.sleep(30)
  }
}

const isReady = (version: string, replicas = 1) =>
  until(async () => (await row(version))?.ready_replicas === replicas)

async function chat(content: string, version: string, more: object = {}): Promise<Response> {
  return await fetch(`${installation.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${installation.key}`,
      'content-type': 'application/json',
      'x-slipway-version': version,
    },
    body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content }], ...more }),
  })
}

/** Gateways hear of replicas a moment after control does. */
const answered = (content: string, version: string) =>
  until(async () => {
    const answer = await chat(content, version)
    const body = (await answer.json()) as { choices?: { message: { content: string } }[] }
    return answer.ok && body.choices?.[0]?.message.content
  })

async function living(version: string) {
  return (await installation.replicas()).filter((each) => each.label === version && each.alive)
}

describe('a version that vLLM serves', () => {
  test('tells how its start goes, and then answers through the gateway, whole and streamed', async () => {
    const toldFile = join(folder, 'told')
    const script = { shards: 8, shardMs: 300, toldFile }
    const settings = { dtype: 'bfloat16', maxModelTokens: 4096, prefixCaching: true }
    expect((await register('v1', script, settings)).status).toBe(201)
    await deploy('v1')
    const reason = await until(async () => (await row('v1'))?.reason)
    expect(reason).toMatch(/^(Starting to load|Loading safetensors checkpoint shards: \d+%)/)
    await isReady('v1')
    expect(await row('v1')).toMatchObject({ status: 'active' })
    expect(await answered('hello there', 'v1')).toBe('hello there')
    const { given } = JSON.parse(readFileSync(toldFile, 'utf8')) as { given: string[] }
    expect(given.slice(0, 1)).toEqual(['org/llama'])
    expect(given.slice(-5)).toEqual([
      '--dtype',
      'bfloat16',
      '--max-model-len',
      '4096',
      '--enable-prefix-caching',
    ])

    const streamed = await chat('one two three', 'v1', {
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(streamed.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(streamed.headers.get('x-slipway-version')).toBe('v1')
    const events = (await streamed.text())
      .split('\n')
      .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
      .map((line) => JSON.parse(line.slice('data: '.length)))
    expect(events.map((event) => event.choices[0]?.delta.content ?? '').join('')).toBe('one two three')
    expect(events.at(-1).usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 3 })
  })

  test('answers clients of Anthropic too, though its own release has no such path', async () => {
    const answer = await fetch(`${installation.gatewayUrl}/v1/messages`, {
      method: 'POST',
      headers: {
        'x-api-key': installation.key,
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        'x-slipway-version': 'v1',
      },
      body: JSON.stringify({
        model: 'chat',
        max_tokens: 100,
        messages: [{ role: 'user', content: 'in other words' }],
      }),
    })
    expect(await answer.json()).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'in other words' }],
      stop_reason: 'end_turn',
    })
  })

  test('answers prompts as rows too, so that every check works on it', async () => {
    const answer = await fetch(`${installation.gatewayUrl}/api/v1/models/chat/predict`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.key}`,
        'content-type': 'application/json',
        'x-slipway-version': 'v1',
      },
      body: JSON.stringify({ inputs: [{ prompt: 'as a row' }] }),
    })
    expect(await answer.json()).toMatchObject({ outputs: [{ text: 'as a row' }] })
  })

  test('whose server ends is replaced, and answers again', async () => {
    const [before] = await living('v1')
    const lost = await chat('end now', 'v1')
    expect([502, 503]).toContain(lost.status)
    await until(async () => {
      const [now] = await living('v1')
      return now !== undefined && now.replicaId !== before?.replicaId && now.status.phase === 'ready'
    })
    expect(await answered('again', 'v1')).toBe('again')
  })

  test('whose supervisor is killed is replaced, and its server does not stay', async () => {
    const [before] = await living('v1')
    const address = before?.status.address ?? ''
    process.kill(before?.status.pid ?? 0, 'SIGKILL')
    await until(async () => {
      const answer = await fetch(`${address}/health`).catch(() => undefined)
      return answer === undefined
    })
    await until(async () => {
      const [now] = await living('v1')
      return now !== undefined && now.replicaId !== before?.replicaId && now.status.phase === 'ready'
    })
    expect(await answered('still here', 'v1')).toBe('still here')
  })

  test('is spread over replicas, and one that goes away costs nobody an answer', async () => {
    await installation.call('PATCH', '/api/v1/deployments/chat/v1', { replicas: 2 })
    await isReady('v1', 2)
    const served = new Set<string | null>()
    await until(async () => {
      const answer = await chat('who', 'v1')
      served.add(answer.headers.get('x-slipway-replica'))
      return served.size === 2
    })
    await installation.call('PATCH', '/api/v1/deployments/chat/v1', { replicas: 1 })
    const answers: number[] = []
    await until(async () => {
      answers.push((await chat('while it goes', 'v1')).status)
      return (await living('v1')).length === 1
    })
    expect(new Set(answers)).toEqual(new Set([200]))
  })
})

describe('a version that cannot be served', () => {
  test('for a flag that the server does not have has failed at once, in the server’s own words', async () => {
    const whole: Script = { server: 'vllm', release: '0.10.0' }
    const command = [process.execPath, scripted, JSON.stringify(whole), '--no-such-flag']
    await register('bad', {}, { command })
    await deploy('bad')
    const failed = await until(async () => {
      const found = await row('bad')
      return found?.status === 'failed' && found
    })
    expect(failed.reason).toBe(
      'engine_refused: The vllm of chat bad does not start like this: unrecognized arguments: --no-such-flag.',
    )
  })

  test('for want of memory says so, and is tried again', async () => {
    const lastWords = ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.']
    await register('large', { lastWords })
    await deploy('large')
    const reason = await until(async () => {
      const found = (await row('large'))?.reason
      return found?.includes('2 times') === true && found
    })
    expect(reason).toContain(
      'engine_out_of_memory: The vllm of chat large has not enough memory: CUDA out of memory',
    )
    await installation.call('DELETE', '/api/v1/deployments/chat/large')
  })

  test('within its time to start says what it did last', async () => {
    await register('slow', { shards: 1, hangs: true }, { startTimeoutMs: 3_000 })
    await deploy('slow')
    const failed = await until(async () => {
      const found = await row('slow')
      return found?.status === 'failed' && found
    })
    expect(failed.reason).toContain(
      'was not ready within 3000 ms; last it said: Loading safetensors checkpoint shards: 100%',
    )
  })

  test.each([
    ['tgi', { pipelineParallel: 2 }, '/spec/vllm/pipelineParallel', /tgi has no pipelineParallel: /],
    ['tgi', { dtype: 'float32' }, '/spec/vllm/dtype', /not float32/],
    ['vllm', { serverVersion: '0.7.3' }, '/spec/vllm/serverVersion', /0\.8\.5 is the oldest/],
    ['vllm', { loras: [{ name: 'chat', path: '/l' }] }, '/spec/vllm/loras', /name of the model itself/],
    ['triton-trtllm', {}, '/spec/modelName', /name of the model in its repository/],
  ] as const)(
    'with settings that %s does not have is not registered: %o',
    async (server, settings, pointer, reason) => {
      const answer = await register('none', { server }, settings)
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({
        code: 'invalid_request',
        pointer,
        detail: expect.stringMatching(reason),
      })
    },
  )
})

test('an adapter is a version of its own: it asks the server for its name', async () => {
  const loras = [{ name: 'sql', path: '/loras/sql' }]
  const toldFile = join(folder, 'adapter')
  await register('sql', { toldFile, says: 'from the adapter' }, { loras }, { modelName: 'sql' })
  await deploy('sql')
  await isReady('sql')
  expect(await answered('select', 'sql')).toBe('from the adapter')
  const { given } = JSON.parse(readFileSync(toldFile, 'utf8')) as { given: string[] }
  expect(given.join(' ')).toContain('--served-model-name chat --enable-lora --lora-modules sql=/loras/sql')
})

test('text-generation-launcher serves as well', async () => {
  await register('tgi', { server: 'tgi', release: '3.3.7' })
  await deploy('tgi')
  await isReady('tgi')
  expect(await answered('from the other one', 'tgi')).toBe('from the other one')
})
