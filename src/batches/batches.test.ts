import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger, systemClock } from '../kernel/index.ts'
import type { Store, StoredBatch } from '../store/index.ts'
import { openTestStore } from '../store/testing.ts'
import { journalName } from './answered.ts'
import type { Asker, LineAnswer } from './gateway-asker.ts'
import { type Batches, createBatches, defaultBatchLimits } from './index.ts'
import type { BatchLimits } from './limits.ts'

const opened: { store: Store; batches: Batches }[] = []
afterEach(async () => {
  for (const { batches, store } of opened.splice(0)) {
    await batches.close()
    await store.close()
  }
})

const good: LineAnswer = { kind: 'answer', status: 200, requestId: 'r', body: {}, retryAfterMs: undefined }
const owner = { tenant: 't', key: 'k' }

async function open(ask: Asker['ask'], limits: Partial<BatchLimits> = {}, store?: Store) {
  const own = store ?? (await openTestStore())
  const asker = { ask, close: async () => undefined }
  const all = { ...defaultBatchLimits, ...limits }
  const batches = createBatches({
    store: own,
    asker,
    clock: systemClock,
    logger: silentLogger(),
    limits: all,
  })
  opened.push({ store: own, batches })
  return { store: own, batches }
}

const lineOf = (index: number, filler = '') =>
  `${JSON.stringify({ custom_id: `id-${index}`, method: 'POST', url: '/v1/completions', body: { model: 'm', prompt: filler } })}\n`

function inputOf(lines: number, filler = ''): Readable {
  return Readable.from(
    (function* () {
      for (let index = 0; index < lines; index++) yield Buffer.from(lineOf(index, filler))
    })(),
  )
}

async function start(batches: Batches, content: Readable): Promise<StoredBatch> {
  const about = async () => ({ purpose: 'batch', expiresAfterSeconds: undefined })
  const { id } = await batches.files.create({ tenant: 't', filename: 'in', content, about })
  return await batches.desk.create(owner, {
    input_file_id: id,
    endpoint: '/v1/completions',
    completion_window: '24h',
  })
}

async function endOf(store: Store, id: string): Promise<StoredBatch> {
  for (;;) {
    const batch = await store.batches.find(id)
    if (batch !== undefined && /completed|failed|expired|cancelled/.test(batch.status)) return batch
    await systemClock.sleep(10)
  }
}

async function textOf(store: Store, id: string | undefined): Promise<string> {
  return Buffer.concat(await (await store.blobs.read(id as string)).toArray()).toString()
}

/** Answers wait until so many are asked and the input had time to be read on, if anybody did; then all go. */
function gateOf(count: number) {
  const opened = Promise.withResolvers<void>()
  const full = Promise.withResolvers<void>()
  let held = 0
  return {
    pass: async () => {
      if (++held === count) full.resolve()
      await opened.promise
    },
    openAfterReading: async (store: Store, file: string) => {
      await full.promise
      for (let round = 0; round < 5; round++) await textOf(store, file)
      opened.resolve()
    },
  }
}

describe('what a batch holds at a time', () => {
  test('is bounded for 10,000 lines: lines in work, and what was read ahead of the answers', async () => {
    let inWork = 0
    let most = 0
    const gate = gateOf(defaultBatchLimits.linesAtOnce)
    const { batches, store } = await open(async () => {
      most = Math.max(most, ++inWork)
      await gate.pass()
      inWork--
      return good
    })
    let readBytes = 0
    let aheadBytes = 0
    let answeredBytes = 0
    // The input is read to be looked at, then to be answered; the latter is watched.
    let reads = 0
    const { openJournal, read } = store.blobs
    Object.assign(store.blobs, {
      read: async (name: string) => {
        const stream = await read(name)
        if (!name.startsWith('file-') || ++reads !== 2) return stream
        return stream.on('data', (chunk: Buffer) => {
          readBytes += chunk.length
          aheadBytes = Math.max(aheadBytes, readBytes - answeredBytes)
        })
      },
      openJournal: async (name: string) => {
        const journal = await openJournal(name)
        return {
          ...journal,
          append: async (line: string) => {
            await journal.append(line)
            answeredBytes += lineBytes
          },
        }
      },
    })
    const filler = 'x'.repeat(400)
    const lineBytes = Buffer.byteLength(lineOf(0, filler))
    await batches.open()
    const { id, wish } = await start(batches, inputOf(10_000, filler))
    await gate.openAfterReading(store, wish.input_file_id)
    const batch = await endOf(store, id)
    expect(batch.counts).toEqual({ total: 10_000, completed: 10_000, failed: 0 })
    expect(most).toBe(defaultBatchLimits.linesAtOnce)
    // Some chunks of the stream and the lines in work, of an input of 5 MB.
    expect(aheadBytes).toBeLessThan(512 * 1024)
    const lines = (await textOf(store, batch.outcome.outputFileId)).trimEnd().split('\n')
    expect(new Set(lines.map((line) => JSON.parse(line).custom_id)).size).toBe(10_000)
  }, 60_000)

  test('is bounded in bytes where lines are large', async () => {
    let bytesInWork = 0
    let most = 0
    const gate = gateOf(3)
    const { batches, store } = await open(
      async ({ body }) => {
        bytesInWork += body.length
        most = Math.max(most, bytesInWork)
        await gate.pass()
        bytesInWork -= body.length
        return good
      },
      { maxBytesInWork: 100_000 },
    )
    await batches.open()
    const { id, wish } = await start(batches, inputOf(40, 'y'.repeat(30_000)))
    await gate.openAfterReading(store, wish.input_file_id)
    expect((await endOf(store, id)).status).toBe('completed')
    expect(most).toBeLessThanOrEqual(100_000)
    expect(most).toBeGreaterThan(60_000)
  })
})

describe('what is stored', () => {
  test('is an answer before it is counted, and is not asked again', async () => {
    const asked: string[] = []
    const stuck = Promise.withResolvers<LineAnswer>()
    const first = await open(async ({ body }, signal) => {
      asked.push(body)
      if (asked.length < 5) return good
      signal.addEventListener('abort', () => stuck.reject(signal.reason))
      return await stuck.promise
    })
    await first.batches.open()
    const { id } = await start(first.batches, inputOf(20))
    while (asked.length < 12) await systemClock.sleep(5)
    await first.batches.close()
    const journal = await textOf(first.store, journalName(id, 'output'))
    expect(journal.trimEnd().split('\n')).toHaveLength(4)

    // As a kill in the middle of a write would leave it, and as if two processes had answered one line.
    const [double = ''] = journal.split('\n')
    const torn = await first.store.blobs.put(
      journalName(id, 'output'),
      Readable.from([Buffer.from(`${journal}${double}\n{"id":"batch_req_half`)]),
      1e9,
    )
    expect(torn.bytes).toBeGreaterThan(journal.length)
    let again = 0
    const second = await open(
      async () => {
        again++
        return good
      },
      {},
      first.store,
    )
    await second.batches.open()
    const batch = await endOf(second.store, id)
    expect(again).toBe(16)
    expect(batch.counts).toEqual({ total: 20, completed: 20, failed: 0 })
    const names = (await textOf(second.store, batch.outcome.outputFileId))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).custom_id)
    expect(names.sort()).toEqual(Array.from({ length: 20 }, (_, index) => `id-${index}`).sort())
    opened.shift()
  })

  test('ends with its owner: journals go when a batch ended, and content that no row knows', async () => {
    const { batches, store } = await open(async () => good, { sweepMs: 20 })
    await batches.open()
    const { id } = await start(batches, inputOf(3))
    await endOf(store, id)
    const namesNow = async () => {
      const names: string[] = []
      for await (const { name } of store.blobs.list()) names.push(name.split('-')[0] as string)
      return names
    }
    // The journals go right after the end was told.
    while ((await namesNow()).length > 2) await systemClock.sleep(5)
    expect(await namesNow()).toEqual(['file', 'file'])
  })
})

describe('a line', () => {
  test.each<[string, LineAnswer[], string, string | null]>([
    ['too long an answer', [{ kind: 'too-large' }], 'error', 'answer_too_large'],
    [
      'a connection that breaks each time',
      Array(9).fill({ kind: 'none', reason: 'reset', isUnreachable: false }),
      'error',
      'no_answer',
    ],
    [
      'a gateway that is away for a while',
      [...Array(3).fill({ kind: 'none', reason: 'refused', isUnreachable: true }), good],
      'output',
      null,
    ],
    ['a status that says nothing for later', [{ ...good, status: 422 } as LineAnswer], 'error', null],
  ])('with %s', async (_, answers, where, code) => {
    const left = [...answers]
    const { batches, store } = await open(async () => left.shift() ?? good, { maxTries: 2 })
    await batches.open()
    const { id } = await start(batches, inputOf(1))
    const { outcome } = await endOf(store, id)
    const file = where === 'output' ? outcome.outputFileId : outcome.errorFileId
    const line = JSON.parse(await textOf(store, file))
    expect(line.error?.code ?? null).toBe(code)
  })
})

test('a queue that is full says so', async () => {
  const { batches } = await open(async () => good, { maxUnfinished: 1 })
  await start(batches, inputOf(1))
  await expect(start(batches, inputOf(1))).rejects.toMatchObject({ code: 'overloaded' })
})
