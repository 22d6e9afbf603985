import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLogger, silentLogger, systemClock } from '../kernel/index.ts'
import { openStore } from './open-store.ts'
import { conformsToStore } from './store.conformance.ts'
import { killed, writerIn } from './testing/child.ts'
import { type PostgresHarness, postgresHarness } from './testing/postgres-harness.ts'
import { sampleRecord, spamModel } from './testing/samples.ts'

// Left out only on request: a suite that skips itself is green where it proves nothing.
const isSkipped = process.env.SLIPWAY_TEST_POSTGRES === 'skip'

describe.skipIf(isSkipped)('on a real PostgreSQL', () => {
  let postgres: PostgresHarness
  beforeAll(async () => {
    postgres = await postgresHarness()
  })
  afterAll(() => postgres?.server.remove())

  conformsToStore('PostgreSQL store', (clock) => postgres.open(clock))

  test('two processes that open an empty database at once both get a whole store', async () => {
    const databaseUrl = await postgres.createDatabase()
    const open = () =>
      openStore({ dataFolder: tmpdir(), databaseUrl, logger: silentLogger(), clock: systemClock })
    const [left, right] = await Promise.all([open(), open()])
    await left.models.create(spamModel)
    expect(await right.models.get('spam_filter')).toMatchObject(spamModel)
    await Promise.all([left.close(), right.close()])
  })

  test('while it is down every call says so at once; when it is back the same store works', async () => {
    const store = await postgres.open(systemClock)
    await store.models.create(spamModel)
    await store.jobs.send('before', {})
    await postgres.server.stop()
    const calls: [string, () => Promise<unknown>][] = [
      ['ping', () => store.ping()],
      ['read', () => store.models.get('spam_filter')],
      ['write', () => store.versions.register('spam_filter', 'v1', {} as never)],
      ['transaction', () => store.traffic.set('spam_filter', { shares: {}, slices: [], reason: '' })],
      ['copy', () => store.requestLog.append({ gateway: 'g', sequence: 1 }, [sampleRecord()])],
      ['job', () => store.jobs.send('before', {})],
    ]
    for (const [name, call] of calls)
      await expect(call(), name).rejects.toMatchObject({ code: 'store_unavailable' })
    await postgres.server.start()
    await store.ping()
    expect(await store.requestLog.append({ gateway: 'g', sequence: 1 }, [sampleRecord()])).toEqual({
      taken: 1,
    })
    await store.jobs.send('before', {})
    await store.close()
  })

  test('a job whose process was killed is taken up by another one', { timeout: 90_000 }, async () => {
    const databaseUrl = await postgres.createDatabase()
    const { child } = await writerIn([tmpdir(), databaseUrl], (lines) => lines.includes('job'))
    await killed(child)
    const store = await openStore({
      dataFolder: tmpdir(),
      databaseUrl,
      logger: silentLogger(),
      clock: systemClock,
    })
    const job = Promise.withResolvers<unknown>()
    await store.jobs.work('checks', async (data) => job.resolve(data))
    expect(await job.promise).toEqual({ n: 1 })
    await store.close()
  })

  test('a crash of the server keeps what was committed and nothing else', async () => {
    const store = await postgres.open(systemClock)
    const writes = Array.from({ length: 20 }, (_, sequence) =>
      store.requestLog
        .append({ gateway: 'g', sequence }, [sampleRecord({ requestId: `r-${sequence}` })])
        .then(() => sequence)
        .catch(() => undefined),
    )
    // Writes end in any order; these have certainly been acknowledged when the server is cut off.
    await Promise.all(writes.slice(0, 4))
    await postgres.server.stop('immediate')
    const acknowledged = (await Promise.all(writes)).filter((sequence) => sequence !== undefined)
    await postgres.server.start()
    expect(acknowledged).toEqual(expect.arrayContaining([0, 1, 2, 3]))
    const kept = new Set(
      (await store.requestLog.list({}, { limit: 100 })).items.map(({ requestId }) => requestId),
    )
    for (const sequence of acknowledged) expect(kept).toContain(`r-${sequence}`)
    // What was not acknowledged may have been committed before the crash; sent again, each is there exactly once.
    for (const sequence of writes.keys())
      await store.requestLog.append({ gateway: 'g', sequence }, [
        sampleRecord({ requestId: `r-${sequence}` }),
      ])
    expect(await store.requestLog.count({})).toBe(writes.length)
    await store.close()
  })

  test('where nothing listens, opening fails with the reason', async () => {
    const open = openStore({
      dataFolder: tmpdir(),
      databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
      logger: createLogger('test', { level: 'silent' }),
      clock: systemClock,
    })
    await expect(open).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
