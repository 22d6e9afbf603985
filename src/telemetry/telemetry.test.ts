import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RequestRecord, TrafficWindow } from '../contracts/index.ts'
import { SlipwayError, silentLogger } from '../kernel/index.ts'
import type { RequestLog, Store } from '../store/index.ts'
import { type ManualClock, manualClock, openTestStore } from '../store/testing.ts'
import { createTelemetry, type Telemetry } from './telemetry.ts'
import { sampleRecord, withTraffic } from './testing/samples.ts'

let clock: ManualClock
let store: Store
let telemetry: Telemetry
let sequence: number

const start = (over: Partial<RequestLog> = {}) =>
  createTelemetry({
    store: { ...store, requestLog: { ...store.requestLog, ...over } },
    clock,
    logger: silentLogger(),
  })

beforeEach(async () => {
  clock = manualClock()
  store = await openTestStore({ clock })
  telemetry = start()
  sequence = 0
})
afterEach(async () => {
  await telemetry.close()
  await store.close()
})

const batch = (records: RequestRecord[], fields = {}) => ({
  gateway: 'g1',
  sequence: sequence++,
  records,
  dropped: 0,
  ...fields,
})

/** Time passes until the promise settles, as it does outside. */
async function passing<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  while (!isSettled) {
    clock.advance(10)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return promise
}

const allWindows = (fields = {}) =>
  telemetry.windows({ model: 'spam_filter', fromMs: 0, toMs: 9e12, ...fields })
const requestsIn = (windows: TrafficWindow[]) => windows.reduce((sum, { requests }) => sum + requests, 0)

describe('taking', () => {
  test('a batch that comes twice counts once: in the log, in windows, in the metrics', async () => {
    const twice = batch([sampleRecord({ at: clock.nowMs() }), sampleRecord({ at: clock.nowMs() })], {
      dropped: 3,
    })
    expect(await passing(telemetry.ingest(twice))).toEqual({ taken: 2 })
    expect(await passing(telemetry.ingest(twice))).toEqual({ taken: 0 })
    expect(await passing(Promise.all([telemetry.ingest(twice), telemetry.ingest(batch([]))]))).toEqual([
      { taken: 0 },
      { taken: 0 },
    ])
    expect(await store.requestLog.count({})).toBe(2)
    expect(requestsIn(await allWindows())).toBe(2)
    expect(telemetry.metrics()).toMatchObject({
      taken: 2,
      droppedByGateways: 3,
      duplicateBatches: 2,
      waitingRecords: 0,
    })
  })

  test('a sender that sends the next batch when it is told of the last is never left waiting', async () => {
    const sender = async () => {
      for (let round = 0; round < 30; round++) {
        await telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() })]))
        // Turns of the event loop, in which the writer may be about to stop.
        for (let turn = 0; turn < round % 10; turn++) await Promise.resolve()
      }
    }
    await passing(sender())
    expect(telemetry.metrics()).toMatchObject({ taken: 30, waitingRecords: 0 })
  })

  test('batches of several gateways become one write', async () => {
    const answers = ['g1', 'g2', 'g3'].map((gateway) =>
      telemetry.ingest({ ...batch([sampleRecord({ at: clock.nowMs() })]), gateway }),
    )
    expect(await passing(Promise.all(answers))).toEqual([{ taken: 1 }, { taken: 1 }, { taken: 1 }])
    expect(telemetry.metrics()).toMatchObject({ writes: 1, taken: 3 })
  })

  test('when the store is away the sender is told, and the same batch is taken later', async () => {
    await telemetry.close()
    let isAway = true
    telemetry = start({
      take: async (batches, derive) => {
        if (!isAway) return store.requestLog.take(batches, derive)
        // As when the connection breaks before the commit.
        derive(batches.flatMap(({ records }) => [...records]))
        throw new SlipwayError('store_unavailable', { reason: 'down' })
      },
    })
    clock.advance(10_000) // memory knows only what began after the start
    const one = batch([sampleRecord({ at: clock.nowMs() })])
    await expect(passing(telemetry.ingest(one))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await allWindows()).toEqual([])
    isAway = false
    expect(await passing(telemetry.ingest(one))).toEqual({ taken: 1 })
    expect(telemetry.metrics()).toMatchObject({ failedWrites: 1, taken: 1 })
  })

  test('a batch that cannot be stored does not hold up those it came with', async () => {
    await telemetry.close()
    const take: RequestLog['take'] = async (batches, derive) => {
      if (batches.some(({ gateway }) => gateway === 'bad')) throw new Error('out of range')
      return store.requestLog.take(batches, derive)
    }
    telemetry = start({ take })
    const good = telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() })]))
    const bad = telemetry.ingest({ ...batch([sampleRecord({ at: clock.nowMs() })]), gateway: 'bad' })
    const also = telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() })]))
    const outcomes = await passing(Promise.allSettled([good, bad, also]))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await store.requestLog.count({})).toBe(2)
  })

  test('when more waits than may, senders wait, then are told to come back, and all is stored in the end', async () => {
    await telemetry.close()
    const gate = Promise.withResolvers<void>()
    telemetry = start({
      take: async (batches, derive) => {
        await gate.promise
        derive(batches.flatMap(({ records }) => [...records]))
        return { isNew: batches.map(() => true), newCases: 0 }
      },
    })
    const full = Array.from({ length: 10_000 }, () => sampleRecord({ at: clock.nowMs() }))
    const sent = Array.from({ length: 80 }, () => telemetry.ingest(batch(full)))
    const outcomes = Promise.allSettled(sent)
    await vi.waitFor(() => expect(telemetry.metrics().waitingRecords).toBeGreaterThanOrEqual(50_000))
    expect(telemetry.metrics().waitingRecords).toBeLessThanOrEqual(60_000)
    gate.resolve()
    const settled = await passing(outcomes)
    const refused = settled.filter((outcome) => outcome.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded' })
    expect(telemetry.metrics().taken).toBe(10_000 * (80 - refused.length))
  })

  test('a record from a clock that runs ahead counts as of now', async () => {
    await passing(telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() + 3_600_000 })])))
    const [window] = await allWindows()
    expect(window!.startMs).toBeLessThanOrEqual(clock.nowMs())
    expect(telemetry.metrics().clockSkewed).toBe(1)
  })

  test('closing stores what waits', async () => {
    const answer = telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() })]))
    await telemetry.close()
    expect(await answer).toEqual({ taken: 1 })
    await expect(telemetry.ingest(batch([]))).rejects.toMatchObject({ code: 'shutting_down' })
  })
})

describe('windows', () => {
  const late = async () => {
    clock.advance(10_000)
    const at = clock.nowMs()
    await passing(
      telemetry.ingest(batch([sampleRecord({ at }), sampleRecord({ at, version: 'v2', outcome: 'error' })])),
    )
    clock.advance(5000)
    await passing(telemetry.ingest(batch([sampleRecord({ at: at + 10 })])))
    return at
  }

  test('a late record joins its second, in memory and in the store alike', async () => {
    const at = await late()
    const live = await allWindows({ fromMs: at })
    expect(live.map(({ version, requests, errors }) => [version, requests, errors])).toEqual([
      ['v1', 2, 0],
      ['v2', 1, 1],
    ])
    expect(await store.windows.list({ model: 'spam_filter', fromMs: at, toMs: at + 1000 })).toEqual(live)
    expect(await allWindows({ fromMs: at, versions: ['v2'] })).toEqual([live[1]])
  })

  test('a process that starts anew answers the same', async () => {
    await late()
    const before = await allWindows()
    await telemetry.close()
    telemetry = start()
    expect(await allWindows()).toEqual(before)
    await passing(telemetry.ingest(batch([sampleRecord({ at: before[0]!.startMs + 1 })])))
    expect((await allWindows())[0]).toMatchObject({ requests: before[0]!.requests + 1 })
  })

  test('windows that left memory come from the store', async () => {
    const at = await late()
    clock.advance(20 * 60_000)
    await passing(telemetry.ingest(batch([sampleRecord({ at: clock.nowMs() })])))
    const all = await allWindows()
    expect(all.map(({ startMs }) => startMs)).toEqual(
      [at, at, Math.floor(clock.nowMs() / 1000) * 1000].map(secondOf),
    )
    expect(await allWindows({ sizeMs: 3_600_000 })).toHaveLength(2)
  })

  test('listeners get each second what grew, whole', async () => {
    const heard: TrafficWindow[][] = []
    const stop = telemetry.onWindows((windows) => heard.push(windows))
    const at = await late()
    await passing(new Promise((resolve) => setTimeout(resolve, 5)))
    clock.advance(1000)
    await vi.waitFor(() =>
      expect(heard.at(-1)).toMatchObject([{ startMs: secondOf(at), version: 'v1', requests: 2 }]),
    )
    stop()
    const count = heard.length
    await late()
    clock.advance(1000)
    expect(heard).toHaveLength(count)
  })

  test.each([
    ['a minute of traffic', 60, 4, 4],
    ['ten seconds of traffic', 10, 6, 6],
    ['none', 0, 0, 0],
  ])('the recent rate of %s', async (_, seconds, perSecond, rate) => {
    const start = clock.nowMs()
    const records = Array.from({ length: seconds * perSecond }, (_, index) =>
      sampleRecord({ at: start + Math.floor(index / perSecond) * 1000 }),
    )
    clock.advance(seconds * 1000 + 2000)
    const answer = telemetry.ingest(batch(records))
    await telemetry.close()
    await answer
    expect(await telemetry.recentRate('spam_filter')).toBeCloseTo(rate)
  })
})

describe('failures', () => {
  const failed = (fields: Partial<RequestRecord> = {}) =>
    sampleRecord({
      at: clock.nowMs(),
      outcome: 'error',
      status: 502,
      code: 'model_failed',
      input: '{}',
      ...fields,
    })

  test('a failed request with its input becomes a negative case, once', async () => {
    const record = failed({ version: 'v2' })
    await passing(
      telemetry.ingest(batch([record, record, failed({ input: undefined } as never), sampleRecord()])),
    )
    await passing(telemetry.ingest(batch([record])))
    const { items } = await store.failureCases.list({}, { limit: 10 })
    expect(items).toMatchObject([
      { requestId: record.requestId, version: 'v2', code: 'model_failed', label: 'negative' },
    ])
    expect(telemetry.metrics()).toMatchObject({ casesKept: 1 })
  })

  test('they are bounded a model and minute, and what is beyond is counted', async () => {
    await passing(telemetry.ingest(batch(Array.from({ length: 70 }, () => failed()))))
    await passing(telemetry.ingest(batch([failed({ model: 'other' })])))
    expect(telemetry.metrics()).toMatchObject({ casesKept: 61, casesSuppressed: 10 })
    clock.advance(60_000)
    await passing(telemetry.ingest(batch([failed()])))
    expect(telemetry.metrics()).toMatchObject({ casesKept: 62, casesSuppressed: 10 })
  })

  test('an incident says what changed before it, newest first', async () => {
    await withTraffic(store)
    clock.advance(125_000)
    await store.traffic.set('spam_filter', { shares: { v1: 95, v2: 5 }, slices: [], reason: 'r-1' })
    clock.advance(8000)
    const incident = await telemetry.incidents.open({
      model: 'spam_filter',
      version: 'v2',
      title: 'v2 fails 12 % of requests',
      actions: ['all traffic back to v1'],
    })
    expect(incident.before).toEqual([
      '8 s before: traffic v1 100 → 95 %, v2 0 → 5 % (r-1)',
      '2 min 13 s before: traffic v1 0 → 100 % (person)',
      '2 min 13 s before: v1 was first deployed, 1 replica',
      '2 min 13 s before: v2 was first deployed, 1 replica',
    ])
    await telemetry.incidents.addAction(incident.id, 'v2 stopped')
    await telemetry.incidents.close(incident.id)
    const { items } = await store.incidents.list({ model: 'spam_filter' }, { limit: 5 })
    expect(items).toMatchObject([
      {
        id: incident.id,
        closedAt: clock.nowMs(),
        actions: [{ what: 'all traffic back to v1' }, { what: 'v2 stopped' }],
      },
    ])
  })
})

describe('the split', () => {
  /** Units dealt to v2 with the chance given; each comes twice. */
  const dealt = (count: number, chance: number) =>
    Array.from({ length: 2 * count }, (_, index) => {
      const unit = Math.floor(index / 2)
      const bucket = (unit * 2_654_435_761) % 2 ** 32
      return sampleRecord({ at: clock.nowMs(), bucket, version: bucket / 2 ** 32 < chance ? 'v2' : 'v1' })
    })

  test.each([
    ['as intended raises nothing', 0.5, 0],
    ['not as intended opens one incident', 0.4, 1],
  ])('%s', async (_, chance, incidents) => {
    await withTraffic(store, { v1: 50, v2: 50 })
    clock.advance(10_000)
    await passing(telemetry.ingest(batch([sampleRecord({ at: clock.nowMs(), bucket: 1 })])))
    await vi.waitFor(async () => {
      await passing(telemetry.ingest(batch(dealt(2100, chance))))
      expect(telemetry.splits().get('spam_filter')?.units).toBe(2048)
    })
    await vi.waitFor(async () =>
      expect((await store.incidents.list({}, { limit: 5 })).items).toHaveLength(incidents),
    )
  })

  test('a new split is counted anew', async () => {
    await withTraffic(store, { v1: 50, v2: 50 })
    clock.advance(10_000)
    await passing(telemetry.ingest(batch(dealt(10, 0.5))))
    await store.traffic.set('spam_filter', { shares: { v1: 90, v2: 10 }, slices: [], reason: 'person' })
    clock.advance(10_000)
    await vi.waitFor(async () => {
      await passing(telemetry.ingest(batch(dealt(600, 0.1))))
      expect(telemetry.splits().get('spam_filter')).toMatchObject({ units: 512, isBroken: false })
    })
  })
})

test('partitions are made at the start, and later', async () => {
  await vi.waitFor(async () => {
    const { made } = await store.requestLog.maintainPartitions(clock.nowMs(), 30)
    expect(made).toEqual([])
  })
})

function secondOf(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
