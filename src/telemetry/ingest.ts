import type {
  FailureCase,
  RequestRecord,
  TelemetryBatch,
  TextWindow,
  TrafficWindow,
} from '../contracts/index.ts'
import { type Clock, isSlipwayError, type Logger, SlipwayError } from '../kernel/index.ts'
import type { RequestLog } from '../store/index.ts'
import type { Capture } from './capture.ts'
import { textWindowsOf } from './text-windows.ts'
import { windowsOf } from './windows.ts'

/** Batches of all gateways that arrive within this time are one transaction. */
const GATHER_MS = 100
/** A transaction takes at most so many records, and is started early when so many wait. */
const RECORDS_PER_WRITE = 10_000
/** Records that may wait; beyond it `ingest` waits before it takes more: the gateway keeps its batch meanwhile. */
const WAITING_RECORDS = 50_000
/** Callers that may wait for room; beyond it they are told to come back. */
const WAITING_CALLERS = 64
/** A time further ahead than this is a broken clock; the record counts as of now. */
const AHEAD_LIMIT_MS = 60_000

export interface IngestMetrics {
  /** Records stored, each once. */
  taken: number
  /** Batches that had been taken before. */
  duplicateBatches: number
  /** What gateways say they had to drop, from batches taken. */
  droppedByGateways: number
  /** Records whose time lay too far ahead. */
  clockSkewed: number
  /** Failure cases that were new, and failing requests beyond the bound of a minute. */
  casesKept: number
  casesSuppressed: number
  writes: number
  failedWrites: number
}

export interface Ingest {
  readonly metrics: Readonly<IngestMetrics>
  waitingRecords(): number
  /**
   * Resolves when the batch is durable; `taken` is 0 for one that was taken before. Rejects with what the store says
   * (then nothing of it was taken, and the same batch may come again), or `overloaded`.
   */
  ingest(batch: TelemetryBatch): Promise<{ taken: number }>
  /** Writes what waits; afterwards nothing is taken. */
  close(): Promise<void>
}

export interface Stored {
  readonly records: readonly RequestRecord[]
  readonly windows: readonly TrafficWindow[]
  readonly textWindows?: readonly TextWindow[]
  readonly failureCases: readonly FailureCase[]
}

interface Waiting {
  readonly batch: TelemetryBatch
  readonly resolve: (answer: { taken: number }) => void
  readonly reject: (error: unknown) => void
}

/** Gathers batches, writes them in order, one transaction at a time, and tells `onStored` what was new. */
export function createIngest(parts: {
  requestLog: RequestLog
  capture: Capture
  clock: Clock
  logger: Logger
  onStored: (stored: Stored) => void
}): Ingest {
  const { requestLog, capture, clock, logger, onStored } = parts
  const metrics: IngestMetrics = {
    taken: 0,
    duplicateBatches: 0,
    droppedByGateways: 0,
    clockSkewed: 0,
    casesKept: 0,
    casesSuppressed: 0,
    writes: 0,
    failedWrites: 0,
  }
  const waiting: Waiting[] = []
  const forRoom: (() => void)[] = []
  let waitingRecords = 0
  let writing: Promise<void> | undefined
  let gathering = new AbortController()
  let isClosed = false

  const writeAll = async () => {
    try {
      while (waiting.length > 0) {
        if (waitingRecords < RECORDS_PER_WRITE && !isClosed) await pause(clock, GATHER_MS, gathering.signal)
        gathering = new AbortController()
        const group = takeGroup(waiting)
        waitingRecords -= recordsOf(group)
        await write(group)
        while (forRoom.length > 0 && waitingRecords < WAITING_RECORDS) forRoom.shift()?.()
      }
    } finally {
      // In the same turn in which nothing was found waiting: what comes next must start a writer of its own.
      writing = undefined
    }
  }

  const write = async (group: readonly Waiting[]) => {
    const nowMs = clock.nowMs()
    let stored: Stored = { records: [], windows: [], failureCases: [] }
    let suppressed = 0
    try {
      const { isNew, newCases } = await requestLog.take(
        group.map(({ batch }) => batch),
        (records) => {
          const selected = capture.select(records, nowMs)
          suppressed = selected.suppressed
          stored = {
            records,
            windows: windowsOf(records),
            textWindows: textWindowsOf(records),
            failureCases: selected.cases,
          }
          return stored
        },
      )
      capture.kept(stored.failureCases, nowMs)
      metrics.writes++
      metrics.casesKept += newCases
      metrics.casesSuppressed += suppressed
      account(group, isNew)
      tell(stored)
      for (const [index, { batch, resolve }] of group.entries())
        resolve({ taken: isNew[index] ? batch.records.length : 0 })
    } catch (error) {
      const isDown = isSlipwayError(error) && error.code === 'store_unavailable'
      if (!isDown && group.length > 1) {
        // One batch that cannot be stored must not hold up the others.
        for (const one of group) await write([one])
        return
      }
      metrics.failedWrites++
      logger.warn({ reason: String(error), batches: group.length }, 'telemetry was not stored')
      for (const { reject } of group) reject(error)
    }
  }

  const account = (group: readonly Waiting[], isNew: readonly boolean[]) => {
    for (const [index, { batch }] of group.entries()) {
      if (!isNew[index]) {
        metrics.duplicateBatches++
        continue
      }
      metrics.taken += batch.records.length
      metrics.droppedByGateways += batch.dropped
    }
  }

  const tell = (stored: Stored) => {
    try {
      onStored(stored)
    } catch (error) {
      logger.error({ err: error }, 'telemetry listener failed')
    }
  }

  /** Asked again after waiting: others that were let in before may have filled the room. */
  const waitForRoom = async () => {
    if (forRoom.length >= WAITING_CALLERS)
      throw new SlipwayError('overloaded', { what: 'The telemetry queue', retryAfterMs: 1000 })
    while (waitingRecords >= WAITING_RECORDS && !isClosed)
      await new Promise<void>((resolve) => forRoom.push(resolve))
  }

  return {
    metrics,
    waitingRecords: () => waitingRecords,

    ingest: async (batch) => {
      // Without a pause in between, so that the room that was seen is the room that is taken.
      if (waitingRecords >= WAITING_RECORDS) await waitForRoom()
      if (isClosed) throw new SlipwayError('shutting_down')
      const records = inTime(batch.records, clock.nowMs())
      metrics.clockSkewed += records.skewed
      const answer = new Promise<{ taken: number }>((resolve, reject) =>
        waiting.push({ batch: { ...batch, records: records.records }, resolve, reject }),
      )
      waitingRecords += batch.records.length
      if (waitingRecords >= RECORDS_PER_WRITE) gathering.abort()
      writing ??= writeAll()
      return answer
    },

    close: async () => {
      isClosed = true
      gathering.abort()
      for (const proceed of forRoom.splice(0)) proceed()
      await writing
    },
  }
}

/** Whole batches from the front, at least one, up to the bound of a write. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let records = 0
  let count = 0
  for (const { batch } of waiting) {
    if (count > 0 && records + batch.records.length > RECORDS_PER_WRITE) break
    records += batch.records.length
    count++
  }
  return waiting.splice(0, count)
}

function recordsOf(group: readonly Waiting[]): number {
  return group.reduce((sum, { batch }) => sum + batch.records.length, 0)
}

function inTime(
  records: readonly RequestRecord[],
  nowMs: number,
): { records: RequestRecord[]; skewed: number } {
  let skewed = 0
  const kept = records.map((record) => {
    if (record.at <= nowMs + AHEAD_LIMIT_MS) return record
    skewed++
    return { ...record, at: nowMs }
  })
  return { records: kept, skewed }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => undefined)
}
