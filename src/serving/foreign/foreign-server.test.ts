import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Script } from '../../../test/foreign/scripted-server.ts'
import { type ReplicaSpec, type ReplicaStatus, replicaSpec, textContract } from '../../contracts/index.ts'
import { digestOf, replicaKey, silentLogger, systemClock } from '../../kernel/index.ts'
import { type ForeignServer, foreignServer } from './foreign-server.ts'
import type { ForeignTimings } from './foreign-timings.ts'

const scripted = fileURLToPath(new URL('../../../test/foreign/scripted-server.ts', import.meta.url))
const modelServer = fileURLToPath(new URL('../../apps/model-server.ts', import.meta.url))
const INTERNAL_KEY = 'slw_internal_key'
const RELEASES = { vllm: '0.10.0', tgi: '3.3.7', 'triton-trtllm': '2.73.0dev' } as const

let folder: string
const open: ForeignServer[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-foreign-'))
  writeFileSync(join(folder, 'key'), INTERNAL_KEY)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.drain()))
  rmSync(folder, { recursive: true, force: true })
})

const fast: Partial<ForeignTimings> = {
  readyPollMs: 20,
  answerTimeoutMs: 1_000,
  watchMs: 20,
  idlePollMs: 20,
  progressMs: 0,
}

function specOf(
  script: Partial<Script>,
  settings: Record<string, unknown> = {},
  more: Partial<ReplicaSpec> = {},
) {
  const server = script.server ?? 'vllm'
  const whole: Script = { server, release: RELEASES[server], ...script }
  const spec = {
    engine: 'vllm',
    contract: textContract,
    vllm: {
      server,
      command: [process.execPath, scripted, JSON.stringify(whole)],
      weights: 'org/llama',
      ...settings,
    },
  }
  return replicaSpec.parse({
    replicaId: 'r-1',
    model: 'chat',
    label: 'v1',
    versionId: digestOf(spec),
    spec,
    address: `unix:${join(folder, 'link.sock')}`,
    runFolder: join(folder, 'r-1'),
    internalKeyFile: join(folder, 'key'),
    drainTimeoutMs: 3_000,
    ...more,
  })
}

async function start(spec: ReplicaSpec, timings: Partial<ForeignTimings> = {}): Promise<ForeignServer> {
  const server = foreignServer(spec, {
    clock: systemClock,
    logger: silentLogger(),
    startedAt: Date.now(),
    environment: { PATH: process.env.PATH },
    timings: { ...fast, ...timings },
  })
  open.push(server)
  await server.start()
  return server
}

const status = (): ReplicaStatus => JSON.parse(readFileSync(join(folder, 'r-1', 'status.json'), 'utf8'))

async function ask(url: string, content: string): Promise<Response> {
  return await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${replicaKey(INTERNAL_KEY, 'r-1')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content }] }),
  })
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await systemClock.sleep(20)
}

const pidsIn = (path: string) => readFileSync(path, 'utf8').trim().split(/\s+/).map(Number)

describe.each(['vllm', 'tgi', 'triton-trtllm'] as const)('%s', (server) => {
  test('starts with its own flags, answers whoever shows the key, and ends with all that it started', async () => {
    const [toldFile, pidFile] = [join(folder, 'told'), join(folder, 'pids')]
    const running = await start(specOf({ server, toldFile, pidFile }))
    const { address, httpUrl, loadMs, phase } = status()
    expect({ phase, loadMs }).toEqual({ phase: 'ready', loadMs: expect.any(Number) })
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await ask(address, 'one two')).json()).toMatchObject({
      choices: [{ message: { content: 'one two' } }],
    })
    const { environment, given } = JSON.parse(readFileSync(toldFile, 'utf8'))
    expect(given).toContain('org/llama')
    expect(given.join(' ')).not.toContain(replicaKey(INTERNAL_KEY, 'r-1'))
    expect(JSON.stringify(environment)).not.toContain(INTERNAL_KEY)
    const metrics = await fetch(`${httpUrl}/metrics`, {
      headers: { authorization: `Bearer ${INTERNAL_KEY}` },
    })
    expect(await metrics.text()).toMatch(
      /slipway_replica_text_running_requests\{model="chat",version="v1",replica="r-1"\} 0\n/,
    )
    await running.drain()
    expect(status().phase).toBe('draining')
    await gone(pidsIn(pidFile))
  })

  test('refuses a flag that it does not have, and that is told in its words', async () => {
    const spec = specOf({ server })
    const command = [...(spec.spec.vllm?.command ?? []), '--no-such-flag']
    const wrong = specOf({ server }, { command })
    await expect(start(wrong)).rejects.toMatchObject({ code: 'engine_refused' })
    const { failure, phase } = status()
    expect(phase).toBe('failed')
    expect(failure).toEqual({
      code: 'engine_refused',
      detail: expect.stringMatching(
        /^The [a-z-]+ of chat v1 does not start like this: (unrecognized arguments: |unexpected argument ')--no-such-flag/,
      ),
    })
  })
})

describe('without the key nobody is answered', () => {
  test.each(['vllm', 'tgi'] as const)('%s', async (server) => {
    const { status: found } = await start(specOf({ server }))
    const answer = await fetch(`${found.address}/v1/chat/completions`, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(401)
  })
})

describe('the start', () => {
  test('tells how far it is, and is over when the engine is loaded', async () => {
    const seen: string[] = []
    const starting = start(specOf({ shards: 4, shardMs: 60 }))
    let isDone = false
    void starting.finally(() => {
      isDone = true
    })
    while (!isDone) {
      if (existsSync(join(folder, 'r-1', 'status.json'))) {
        const { phase, progress } = status()
        if (phase === 'starting' && progress !== undefined) seen.push(progress)
      }
      await systemClock.sleep(10)
    }
    await starting
    expect(seen).toContain('Loading safetensors checkpoint shards: 50% Completed | 2/4')
    expect(status()).not.toHaveProperty('progress')
    expect(status().startTimeoutMs).toBe(900_000)
  })

  test('is over when its API answers too, which its health does not promise', async () => {
    const { status: found } = await start(specOf({ modelsLate: 3 }))
    const models = await fetch(`${found.address}/v1/models`, {
      headers: { authorization: `Bearer ${replicaKey(INTERNAL_KEY, 'r-1')}` },
    })
    expect(models.status).toBe(200)
  })

  test('that takes too long is given up, with what it said last, and nothing is left', async () => {
    const pidFile = join(folder, 'pids')
    const spec = specOf({ hangs: true, shards: 1, ignoresTerm: true, pidFile }, { startTimeoutMs: 4_000 })
    await expect(start(spec)).rejects.toMatchObject({ code: 'engine_too_slow' })
    expect(status().failure?.detail).toBe(
      'The vllm of chat v1 was not ready within 4000 ms; last it said: Loading safetensors checkpoint shards: 100% Completed | 1/1.',
    )
    await gone(pidsIn(pidFile))
  })

  test.each([
    [
      'memory runs out',
      { lastWords: ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.'] },
      { code: 'engine_out_of_memory', detail: expect.stringContaining('Tried to allocate 2.00 GiB') },
    ],
    [
      'it ends without a word',
      { exitCode: 3 },
      { code: 'engine_ended', detail: expect.stringContaining('exit status 3') },
    ],
  ])('%s', async (_, script, failure) => {
    await expect(start(specOf(script))).rejects.toMatchObject({ code: failure.code })
    expect(status()).toMatchObject({ phase: 'failed', failure })
  })

  test('a command that is not installed is told as that', async () => {
    await expect(start(specOf({}, { command: ['no-such-program-here'] }))).rejects.toMatchObject({
      code: 'engine_refused',
      message: expect.stringContaining('the command no-such-program-here was not found'),
    })
  })

  test('weights that are not on this machine need no start to be missed', async () => {
    await expect(
      start(specOf({}, { command: undefined, weights: '/no/such/weights' })),
    ).rejects.toMatchObject({
      code: 'engine_refused',
      message: expect.stringContaining('there is no /no/such/weights on this machine'),
    })
  })
})

describe('while it runs', () => {
  test('its metrics are told under our names', async () => {
    const running = await start(specOf({}))
    await ask(running.status.address, 'one two three four')
    const page = await fetch(`${running.status.httpUrl}/metrics`, {
      headers: { authorization: `Bearer ${INTERNAL_KEY}` },
    })
    const lines = (await page.text()).split('\n')
    const told = (name: string) =>
      lines
        .find((line) => line.startsWith(`slipway_replica_${name}`))
        ?.split(' ')
        .at(-1)
    expect({
      kv: told('text_kv_cache_share{'),
      queried: told('text_prefix_queried_tokens_total{'),
      hit: told('text_prefix_hit_tokens_total{'),
      input: told('text_input_tokens_total{'),
      output: told('text_output_tokens_total{'),
      drafted: told('text_drafted_tokens_total{'),
      accepted: told('text_accepted_tokens_total{'),
      soon: told('text_first_token_seconds_bucket{le="0.005"'),
      later: told('text_first_token_seconds_bucket{le="0.1"'),
      count: told('text_first_token_seconds_count{'),
      ready: told('ready{'),
    }).toEqual({
      kv: '0.25',
      queried: '4',
      hit: '2',
      input: '4',
      output: '4',
      drafted: '10',
      accepted: '7',
      soon: '0',
      later: '1',
      count: '1',
      ready: '1',
    })
  })

  test('its end is told with its last exception', async () => {
    const running = await start(specOf({}))
    await ask(running.status.address, 'end now').catch(() => undefined)
    await running.ended
    expect(status()).toMatchObject({
      phase: 'failed',
      failure: {
        code: 'engine_ended',
        detail:
          'The vllm of chat v1 ended: exit status 1; last it said: RuntimeError: CUDA error: an illegal memory access was encountered.',
      },
    })
  })

  test('one that answers nothing any more is given up and killed', async () => {
    const pidFile = join(folder, 'pids')
    const running = await start(specOf({ pidFile, ignoresTerm: true }), {
      silentAfterMs: 200,
      answerTimeoutMs: 100,
    })
    void ask(running.status.address, 'go deaf').catch(() => undefined)
    await running.ended
    expect(status().failure).toMatchObject({
      code: 'engine_silent',
      detail: expect.stringContaining('health'),
    })
    await gone(pidsIn(pidFile))
  })

  test('work without a token is stuck, and after a longer while given up', async () => {
    const running = await start(specOf({ wordMs: 600_000 }), { stuckAfterMs: 50, hungAfterMs: 400 })
    void ask(running.status.address, 'never').catch(() => undefined)
    const streamed = fetch(`${running.status.address}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${replicaKey(INTERNAL_KEY, 'r-1')}` },
      body: JSON.stringify({
        model: 'chat',
        stream: true,
        messages: [{ role: 'user', content: 'slow words' }],
      }),
    })
    const probe = () =>
      fetch(`${running.status.httpUrl}/livez`).then(
        (answer) => answer.status,
        () => 0,
      )
    const seen = new Set<number>()
    let isOver = false
    void running.ended.then(() => {
      isOver = true
    })
    while (!isOver) {
      seen.add(await probe())
      await systemClock.sleep(10)
    }
    expect(seen).toContain(503)
    expect(status().failure).toMatchObject({
      code: 'engine_silent',
      detail: expect.stringContaining('no token'),
    })
    await streamed.then((answer) => answer.text()).catch(() => undefined)
  })
})

describe('draining', () => {
  test('lets what it has come to its end', async () => {
    const running = await start(specOf({ says: 'a b c d e f', wordMs: 50, cutsOnTerm: true }))
    const answer = await fetch(`${running.status.address}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${replicaKey(INTERNAL_KEY, 'r-1')}` },
      body: JSON.stringify({ model: 'chat', stream: true, messages: [{ role: 'user', content: 'go' }] }),
    })
    const drained = running.drain()
    const text = await answer.text()
    expect(text).toContain('" f"')
    expect(text).toContain('[DONE]')
    await drained
  })

  test('one that does not end on SIGTERM is killed when the time is over', async () => {
    const pidFile = join(folder, 'pids')
    const running = await start(specOf({ ignoresTerm: true, pidFile }, {}, { drainTimeoutMs: 600 }))
    await running.drain()
    await gone(pidsIn(pidFile))
  })
})

describe('nothing is left behind', () => {
  /** The model server as the process that it is. */
  async function launch(spec: ReplicaSpec) {
    const specFile = join(folder, 'spec.json')
    writeFileSync(specFile, JSON.stringify(spec))
    const child = spawn(process.execPath, [modelServer, specFile], { stdio: 'ignore' })
    return { child, exited: once(child, 'exit') }
  }

  test.each([
    ['when it is ready', {}, () => status().phase === 'ready'],
    ['while it starts', { hangs: true, shards: 1 }, () => existsSync(join(folder, 'pids'))],
  ])('by a supervisor that is killed %s', async (_, script, isThere) => {
    const pidFile = join(folder, 'pids')
    const { child, exited } = await launch(specOf({ pidFile, ignoresTerm: false, ...script }))
    while (!existsSync(join(folder, 'r-1', 'status.json')) || !isThere()) await systemClock.sleep(20)
    const pids = pidsIn(pidFile)
    expect(pids.every(isAlive)).toBe(true)
    child.kill('SIGKILL')
    await exited
    await gone(pids)
  })

  test('and the supervisor ends with status 1 when its server does', async () => {
    const { child, exited } = await launch(specOf({}))
    while (!existsSync(join(folder, 'r-1', 'status.json')) || status().phase !== 'ready')
      await systemClock.sleep(20)
    await ask(status().address, 'end now').catch(() => undefined)
    expect(await exited).toEqual([1, null])
    expect(status().failure?.code).toBe('engine_ended')
    expect(child.exitCode).toBe(1)
  })

  test('on SIGTERM while it starts it ends with status 0, and no failure is told', async () => {
    const pidFile = join(folder, 'pids')
    const { child, exited } = await launch(specOf({ pidFile, hangs: true, cutsOnTerm: true }))
    while (!existsSync(pidFile)) await systemClock.sleep(20)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(status()).toMatchObject({ phase: 'draining', failure: null })
    await gone(pidsIn(pidFile))
  })

  test('on SIGTERM it drains and ends with status 0', async () => {
    const pidFile = join(folder, 'pids')
    const { child, exited } = await launch(specOf({ pidFile }))
    while (!existsSync(join(folder, 'r-1', 'status.json')) || status().phase !== 'ready')
      await systemClock.sleep(20)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    await gone(pidsIn(pidFile))
  })
})
