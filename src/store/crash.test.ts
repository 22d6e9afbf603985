import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger, systemClock } from '../kernel/index.ts'
import { openStore } from './open-store.ts'
import { killed, writerIn } from './testing/child.ts'
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

test('what was acknowledged before a kill is there afterwards, whole, and the interrupted job runs again', async () => {
  const { child, said } = await writerIn([dataFolder], (lines) => lines.includes('job') && lines.length > 30)
  await killed(child)
  const acknowledged = said.filter((line) => line !== 'job').length

  const store = await open()
  const count = await store.requestLog.count({})
  expect(count).toBeGreaterThanOrEqual(3 * acknowledged)
  expect(count % 3).toBe(0) // a batch is whole or not there
  expect(await store.models.get('spam_filter')).toMatchObject(spamModel)
  // At once, not when its heartbeat is missed: nobody else can be at work on it.
  const jobs: unknown[] = []
  await store.jobs.work('checks', async (data) => {
    jobs.push(data)
  })
  await vi.waitFor(() => expect(jobs).toEqual([{ n: 1 }]), 30_000)
  await store.close()
})

test('a second process is refused with the first one\u2019s pid, and gets the folder when that is dead', async () => {
  const { child } = await writerIn([dataFolder], (lines) => lines.length > 3)
  await expect(open()).rejects.toMatchObject({ code: 'store_locked', parameters: { pid: child.pid! } })
  await killed(child)
  const store = await open()
  await expect(open()).rejects.toMatchObject({ code: 'store_locked', parameters: { pid: process.pid } })
  await store.close()
  const again = await open()
  await again.close()
  // The lock that was given back stays, empty; nothing of the dead process does.
  expect(await readdir(join(dataFolder, 'store'))).toEqual(['lock.3', 'tables'])
})
