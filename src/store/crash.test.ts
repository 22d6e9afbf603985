import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger, systemClock } from '../kernel/index.ts'
import { openStore } from './open-store.ts'
import { spamModel } from './testing/samples.ts'
import { prepareDataFolder } from './testing.ts'

// Processes are started and killed; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let dataFolder: string
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'slipway-crash-'))
  await prepareDataFolder(dataFolder)
})
afterEach(() => rm(dataFolder, { recursive: true, force: true }))

const open = () => openStore({ dataFolder, logger: silentLogger(), clock: systemClock })

/** A real process; resolves with what it said when `until` is satisfied. */
async function writer(until: (said: string[]) => boolean): Promise<{ child: ChildProcess; said: string[] }> {
  const script = fileURLToPath(new URL('./testing/writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, dataFolder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout! })
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the writer ended by itself with ${code}`)))
    lines.on('line', (line) => {
      said.push(line)
      if (until(said)) resolve()
    })
  })
  return { child, said }
}

async function kill(child: ChildProcess): Promise<void> {
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

test('what was acknowledged before a kill is there afterwards, whole, and the interrupted job runs again', async () => {
  const { child, said } = await writer((lines) => lines.includes('job') && lines.length > 30)
  await kill(child)
  const acknowledged = said.filter((line) => line !== 'job').length

  const store = await open()
  const count = await store.requestLog.count({})
  expect(count).toBeGreaterThanOrEqual(3 * acknowledged)
  expect(count % 3).toBe(0) // a batch is whole or not there
  expect(await store.models.get('spam_filter')).toMatchObject(spamModel)
  const job = Promise.withResolvers<unknown>()
  await store.jobs.work('checks', async (data) => job.resolve(data))
  expect(await job.promise).toEqual({ n: 1 })
  await store.close()
})

test('a second process is refused with the first one\u2019s pid, and gets the folder when that is dead', async () => {
  const { child } = await writer((lines) => lines.length > 3)
  await expect(open()).rejects.toMatchObject({ code: 'store_locked', parameters: { pid: child.pid! } })
  await kill(child)
  const store = await open()
  await expect(open()).rejects.toMatchObject({ code: 'store_locked', parameters: { pid: process.pid } })
  await store.close()
  const again = await open()
  await again.close()
  expect(await readdir(join(dataFolder, 'store'))).toEqual(['tables'])
})
