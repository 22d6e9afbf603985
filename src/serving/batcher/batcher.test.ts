import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { Batcher } from './batcher.ts'
import type { Batch, Work } from './queue.ts'
import { VirtualTimers } from './virtual-timers.ts'

interface Request extends Work {
  readonly id: number
}

interface Log {
  readonly batches: { readonly startMs: number; readonly endMs: number; readonly ids: number[] }[]
  readonly expired: { readonly id: number; readonly atMs: number }[]
  readonly refused: number[]
  readonly withdrawn: number[]
}

interface Sent {
  readonly atMs: number
  readonly rows: number
  readonly shape: number
  readonly priority: number
  readonly patienceMs: number | null
  readonly leavesAfterMs: number | null
}

interface House {
  readonly maxBatchSize: number
  readonly maxQueueDelayMs: number
  readonly maxQueueRows: number
  readonly fixedMs: number
  readonly perRowMs: number
}

/** Sends all requests to a batcher in virtual time, and waits until nothing can happen any more. */
async function play(sent: readonly Sent[], house: House): Promise<{ log: Log; requests: Request[] }> {
  const timers = new VirtualTimers()
  const log: Log = { batches: [], expired: [], refused: [], withdrawn: [] }
  const requests: Request[] = []
  const batcher = new Batcher<Request>({
    policy: house,
    timers,
    run: async ({ rows, work }: Batch<Request>, startMs) => {
      await timers.sleep(house.fixedMs + house.perRowMs * rows)
      log.batches.push({ startMs, endMs: timers.nowMs(), ids: work.map(({ id }) => id) })
    },
    onExpired: ({ id }) => void log.expired.push({ id, atMs: timers.nowMs() }),
  })
  for (const [id, { atMs, rows, shape, priority, patienceMs, leavesAfterMs }] of sent.entries()) {
    timers.at(atMs, () => {
      const request: Request = {
        id,
        rows: Math.min(rows, house.maxBatchSize),
        shapeKey: String(shape),
        priority,
        arrivedMs: atMs,
        deadlineAtMs: patienceMs === null ? Number.POSITIVE_INFINITY : atMs + patienceMs,
      }
      requests[id] = request
      if (batcher.refusal(request.rows, request.deadlineAtMs) !== undefined) log.refused.push(id)
      else batcher.submit(request)
    })
    if (leavesAfterMs !== null) {
      timers.at(atMs + leavesAfterMs, () => {
        if (batcher.withdraw(requests[id]!)) log.withdrawn.push(id)
      })
    }
  }
  await timers.runUntil(1e7)
  expect([batcher.queuedRows, batcher.queuedWork, batcher.runningRows]).toEqual([0, 0, 0])
  return { log, requests }
}

/** Most callers wait for as long as it takes, so that queues build up. */
function seldom(value: fc.Arbitrary<number>): fc.Arbitrary<number | null> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, value)
}

const traffic = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 60 }),
    rows: fc.integer({ min: 1, max: 8 }),
    shape: fc.integer({ min: 0, max: 1 }),
    priority: fc.integer({ min: 0, max: 2 }),
    patienceMs: seldom(fc.integer({ min: 1, max: 150 })),
    leavesAfterMs: seldom(fc.integer({ min: 0, max: 100 })),
  }),
  { maxLength: 60 },
)
const houses = fc.record({
  maxBatchSize: fc.integer({ min: 1, max: 16 }),
  maxQueueDelayMs: fc.integer({ min: 0, max: 10 }),
  maxQueueRows: fc.integer({ min: 4, max: 200 }),
  fixedMs: fc.integer({ min: 0, max: 30 }),
  perRowMs: fc.integer({ min: 0, max: 3 }),
})

describe('a batcher', () => {
  test.prop([traffic, houses])('lets every request leave exactly once', async (sent, house) => {
    const { log } = await play(sent, house)
    const left = [
      ...log.batches.flatMap(({ ids }) => ids),
      ...log.expired.map(({ id }) => id),
      ...log.refused,
      ...log.withdrawn,
    ]
    expect(left.toSorted((a, b) => a - b)).toEqual(sent.map((_, id) => id))
  })

  test.prop([traffic, houses])(
    'runs one batch at a time, of one shape, no larger than allowed',
    async (sent, house) => {
      const { log, requests } = await play(sent, house)
      let freeMs = 0
      for (const { startMs, endMs, ids } of log.batches) {
        expect(startMs).toBeGreaterThanOrEqual(freeMs)
        freeMs = endMs
        expect(new Set(ids.map((id) => requests[id]!.shapeKey)).size).toBe(1)
        expect(ids.reduce((rows, id) => rows + requests[id]!.rows, 0)).toBeLessThanOrEqual(house.maxBatchSize)
      }
    },
  )

  test.prop([traffic, houses])('is first in, first out within a priority and shape', async (sent, house) => {
    const { log, requests } = await play(sent, house)
    const lastOf = new Map<string, Request>()
    for (const id of log.batches.flatMap(({ ids }) => ids)) {
      const request = requests[id]!
      const lane = `${request.priority}/${request.shapeKey}`
      const last = lastOf.get(lane)
      if (last !== undefined) {
        expect([last.arrivedMs < request.arrivedMs, last.arrivedMs === request.arrivedMs]).toContain(true)
        if (last.arrivedMs === request.arrivedMs) expect(last.id).toBeLessThan(id)
      }
      lastOf.set(lane, request)
    }
  })

  test.prop([traffic, houses])(
    'lets the expired go at their deadline, also while a batch runs, and starts none of them',
    async (sent, house) => {
      const { log, requests } = await play(sent, house)
      for (const { id, atMs } of log.expired) expect(atMs).toBe(requests[id]!.deadlineAtMs)
      for (const { startMs, ids } of log.batches) {
        for (const id of ids) expect(startMs).toBeLessThan(requests[id]!.deadlineAtMs)
      }
    },
  )

  test.prop([traffic, houses])(
    'never idles longer than the delay while something waits',
    async (sent, house) => {
      const { log, requests } = await play(sent, house)
      let freeMs = 0
      for (const { startMs, endMs, ids } of log.batches) {
        const oldestMs = Math.min(...ids.map((id) => requests[id]!.arrivedMs))
        expect(startMs - Math.max(freeMs, oldestMs)).toBeLessThanOrEqual(house.maxQueueDelayMs)
        freeMs = endMs
      }
    },
  )

  const house = { maxBatchSize: 1, maxQueueDelayMs: 5, maxQueueRows: 3, fixedMs: 10, perRowMs: 0 }
  const sentAt = (atMs: number, patienceMs: number | null = null): Sent => ({
    atMs,
    rows: 1,
    shape: 0,
    priority: 1,
    patienceMs,
    leavesAfterMs: null,
  })

  test('refuses at once what could only start after its deadline', async () => {
    const warm = [0, 20, 40].map((atMs) => sentAt(atMs))
    const busy = [60, 61, 62].map((atMs) => sentAt(atMs))
    const { log } = await play([...warm, ...busy, sentAt(63, 15), sentAt(63, 40)], house)
    expect(log.refused).toEqual([6])
    expect(log.expired).toEqual([])
  })

  test('refuses what its queue cannot hold', async () => {
    const { log } = await play(
      [0, 1, 2, 3, 4, 5].map((atMs) => sentAt(atMs)),
      house,
    )
    expect(log.refused).toEqual([4, 5])
  })
})
