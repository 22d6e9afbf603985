/** Whoever runs a batch is killed at some moments of its life; each line is in the output once. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scriptedModel } from '../../src/gateway/testing/scripted-upstream.ts'
import { until, type World } from '../../src/gateway/testing/world.ts'
import { silentLogger, systemClock } from '../../src/kernel/index.ts'
import { openStore, type Store, type StoredBatch } from '../../src/store/index.ts'
import { prepareDataFolder } from '../../src/store/testing.ts'
import { openRemoteWorld } from '../wall/remote-world.ts'
import { chatLine } from './batch-world.ts'
import { type ChatProvider, openChatProvider } from './chat-provider.ts'

const LINES = 300
const ids = {
  input: 'file-slw00000000000000000000',
  batch: 'batch_00000000000000000000',
}
let folder: string
let provider: ChatProvider
let world: World
let running: ChildProcess | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slw-killed-'))
  provider = await openChatProvider()
  world = await openRemoteWorld(
    { house: provider.origin },
    [scriptedModel('chat', { v1: { provider: 'house' } })],
    20_000,
  )
  await prepareDataFolder(folder)
  await onDisk(async (store) => {
    const lines = Array.from({ length: LINES }, (_, index) => JSON.stringify(chatLine(`line-${index}`)))
    const { bytes } = await store.blobs.put(ids.input, Readable.from([Buffer.from(lines.join('\n'))]), 1e9)
    const tenant = 'default'
    const file = { id: ids.input, tenant, filename: 'in', purpose: 'batch', bytes, expiresAt: null } as const
    await store.clientFiles.create(file, null)
    const now = Date.now()
    await store.batches.create({
      id: ids.batch,
      tenant,
      key: world.keys[0]?.publicId as string,
      status: 'validating',
      wish: { input_file_id: ids.input, endpoint: '/v1/chat/completions', completion_window: '24h' },
      times: { created: now, expires: now + 86_400_000 },
    })
  })
}, 60_000)
afterAll(async () => {
  running?.kill('SIGKILL')
  await world.close()
  await provider.close()
  await rm(folder, { recursive: true, force: true })
})

async function onDisk<T>(act: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ dataFolder: folder, logger: silentLogger(), clock: systemClock })
  try {
    return await act(store)
  } finally {
    await store.close()
  }
}

/** Runs batches in a process of their own until `enough` says so, then kills it without a word. */
async function runUntil(enough: (told: Partial<StoredBatch>) => boolean): Promise<void> {
  const child = fork(
    new URL('./runner-process.ts', import.meta.url),
    [folder, `http://127.0.0.1:${world.port}`, world.control.internalKey],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: ['--disable-warning=ExperimentalWarning'] },
  )
  running = child
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let isEnough = enough({})
  child.on('message', (told: Partial<StoredBatch>) => {
    isEnough ||= enough(told)
  })
  const looking = () => isEnough || enough({}) || child.exitCode !== null
  await until(looking, 60_000)
  child.kill('SIGKILL')
  await gone
  running = undefined
}

test('a batch goes on after kills, and each line is answered once', async () => {
  // In the middle of the lines, twice: what was asked says where it is.
  await runUntil(() => provider.asked.length >= 60)
  await runUntil(() => provider.asked.length >= 160)
  const afterKills = provider.asked.length
  await runUntil(({ status }) => status === 'completed')

  await onDisk(async (store) => {
    const batch = await store.batches.get('default', ids.batch)
    expect(batch).toMatchObject({
      status: 'completed',
      counts: { total: LINES, completed: LINES, failed: 0 },
    })
    const text = Buffer.concat(
      await (await store.blobs.read(batch.outcome.outputFileId as string)).toArray(),
    ).toString()
    const names = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)
    expect(names).toHaveLength(LINES)
    expect(new Set(names).size).toBe(LINES)
    expect(batch.outcome.usage?.total_tokens).toBe(5 * LINES)
  })
  // A kill may lose the answers that were on their way, at most one for each line in work.
  expect(afterKills).toBeGreaterThanOrEqual(160)
  expect(provider.asked.length).toBeLessThanOrEqual(LINES + 2 * 8)
}, 180_000)
