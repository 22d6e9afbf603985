import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { echoSpec, type LocalPlace, openLocalPlace } from '../../testing/local-place.ts'
import { conformsToBackend } from '../backend.conformance.ts'

conformsToBackend('local, with real model servers', () => openLocalPlace())

const scripted = fileURLToPath(new URL('../../testing/scripted-server.ts', import.meta.url))

describe('local processes', () => {
  let place: LocalPlace
  afterEach(() => place.close())

  async function start(label: string, replicaId = 'r-1', spec = echoSpec): Promise<number> {
    await place.backend.start({ ...place.good(replicaId), spec, label })
    for (;;) {
      const found = (await place.backend.list()).find((each) => each.replicaId === replicaId)
      if (found?.status.phase === 'ready') return found.status.pid
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
  const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && !isZombie(pid)
  const isZombie = (pid: number) => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const fileOf = (name: string, replicaId = 'r-1') => join(place.replicasFolder, replicaId, name)

  test('one that ignores SIGTERM is killed when its drain time is over', async () => {
    place = await openLocalPlace({ entry: scripted })
    const pid = await start('stubborn')
    await place.backend.stop('r-1')
    expect(isAlive(pid)).toBe(false)
    expect(readFileSync(join(place.replicasFolder, 'r-1.signals'), 'utf8')).toBe('SIGTERM\n')
  })

  test('one that drains for somebody else gets no second SIGTERM, which would end it at once', async () => {
    place = await openLocalPlace({ entry: scripted })
    const pid = await start('draining')
    process.kill(pid, 'SIGTERM')
    while (!readFileSync(fileOf('status.json'), 'utf8').includes('draining'))
      await new Promise((wake) => setTimeout(wake, 10))
    await place.backend.stop('r-1')
    expect(readFileSync(join(place.replicasFolder, 'r-1.signals'), 'utf8')).toBe('SIGTERM\n')
    expect(isAlive(pid)).toBe(false)
  })

  test('a process that got the pid of a dead replica is neither believed nor signalled', async () => {
    place = await openLocalPlace({ entry: scripted })
    const pid = await start('good')
    const named = JSON.parse(readFileSync(fileOf('process.json'), 'utf8'))
    expect(named).toEqual({ pid, startTicks: expect.any(Number) })
    // As if the replica had ended and the kernel had given its pid to this one.
    writeFileSync(fileOf('process.json'), JSON.stringify({ pid, startTicks: named.startTicks - 1 }))
    expect((await place.backend.list())[0]?.alive).toBe(false)
    await place.backend.stop('r-1')
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
  })

  test('control died before it could write down the process: the next one knows it by its own word', async () => {
    place = await openLocalPlace({ entry: scripted })
    const pid = await start('good')
    rmSync(fileOf('process.json'))
    expect((await place.backend.list())[0]).toMatchObject({ alive: true, status: { phase: 'ready', pid } })
    const status = JSON.parse(readFileSync(fileOf('status.json'), 'utf8'))
    writeFileSync(fileOf('status.json'), JSON.stringify({ ...status, pid: process.pid }))
    expect((await place.backend.list())[0]?.alive).toBe(false)
    process.kill(pid, 'SIGKILL')
  })

  test('secrets of control do not reach the code of a version', async () => {
    place = await openLocalPlace({ entry: scripted })
    process.env.DATABASE_URL = 'postgres://secret'
    try {
      const pid = await start('good')
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      expect(environment).toContain('PATH=')
      expect(environment).not.toContain('secret')
    } finally {
      delete process.env.DATABASE_URL
    }
  })

  test('devices and tokens of a model hub reach a server of another project, and nobody else', async () => {
    place = await openLocalPlace({ entry: scripted })
    Object.assign(process.env, {
      HF_TOKEN: 'hf_of-the-hub',
      CUDA_VISIBLE_DEVICES: '3',
      DATABASE_URL: 'secret',
    })
    try {
      const foreign = await start('good', 'r-2', { ...echoSpec, engine: 'vllm' })
      const own = await start('good')
      const environmentOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, 'utf8')
      expect(environmentOf(foreign)).toContain('HF_TOKEN=hf_of-the-hub')
      expect(environmentOf(foreign)).toContain('CUDA_VISIBLE_DEVICES=3')
      expect(environmentOf(foreign)).not.toContain('DATABASE_URL')
      expect(environmentOf(own)).not.toMatch(/HF_TOKEN|CUDA_VISIBLE_DEVICES/)
    } finally {
      for (const name of ['HF_TOKEN', 'CUDA_VISIBLE_DEVICES', 'DATABASE_URL']) delete process.env[name]
    }
  })

  test('in a deep folder the socket goes to a short one that nobody else may enter', async () => {
    const below = 'a-rather-long-name-of-a-folder/'.repeat(4)
    place = await openLocalPlace({ below })
    await place.backend.start(place.good('r-1'))
    const spec = JSON.parse(readFileSync(fileOf('spec.json'), 'utf8'))
    const socket = spec.address.slice('unix:'.length)
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(100)
    expect(statSync(place.options.shortFolder).mode & 0o777).toBe(0o700)
    while ((await place.backend.list())[0]?.status.phase !== 'ready')
      await new Promise((wake) => setTimeout(wake, 20))
    expect(existsSync(socket)).toBe(true)
    await place.backend.stop('r-1')
    expect(existsSync(socket)).toBe(false)
  })

  test('what a start that was cut short left behind is removed, and nothing younger', async () => {
    place = await openLocalPlace()
    for (const name of ['old', 'young']) mkdirSync(join(place.replicasFolder, name), { recursive: true })
    writeFileSync(fileOf('spec.json.tmp', 'old'), '{"half":')
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(join(place.replicasFolder, 'old'), longAgo, longAgo)
    await place.later().close()
    expect(readdirSync(place.replicasFolder)).toEqual(['young'])
    expect(await place.backend.list()).toEqual([])
  })
})
