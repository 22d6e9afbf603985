import type { TelemetryBatch, TrafficWindow } from '../contracts/index.ts'
import type { Clock, Logger } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { createCapture } from './capture.ts'
import { createIncidents, type Incidents } from './incidents.ts'
import { createIngest, type IngestMetrics } from './ingest.ts'
import { createLiveWindows, type WindowQuery } from './live-windows.ts'
import type { SplitReading } from './split-ratio.ts'
import { createSplitWatch } from './split-watch.ts'
import { createTextStates, type TextStates } from './text-states.ts'
import { type TextSummary, textSummary } from './text-summary.ts'
import { TEXT_WINDOW_MS } from './text-windows.ts'
import { WINDOW_MS } from './windows.ts'

export interface TelemetryOptions {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** How long the request log and windows are kept; 30 when left out. */
  readonly retentionDays?: number
}

/** What was answered, by whom and how well: taken from gateways, kept in the store, shown live. */
export interface Telemetry {
  /**
   * Resolves when the batch is durable. `taken` is 0 for a batch that was taken before. Rejects with
   * `store_unavailable` or `overloaded`: then nothing of it was taken and the same batch may come again.
   */
  ingest(batch: TelemetryBatch): Promise<{ taken: number }>
  /** Windows of the split's traffic by start, then version; from memory where it reaches, else from the store. */
  windows(query: WindowQuery): Promise<TrafficWindow[]>
  /** Requests a second that the split dealt in the last minute of settled windows, all versions together. */
  recentRate(model: string): Promise<number>
  /** Called once a second with the windows that grew, each whole; returns its undo. */
  onWindows(listener: (windows: TrafficWindow[]) => void): () => void
  /** The newest comparison of the observed with the intended split, by model. */
  splits(): ReadonlyMap<string, SplitReading>
  /** What versions of text answered, from whole minutes. `sizeMs`: of a point of its series, whole minutes. */
  text(query: { model: string; fromMs: number; toMs: number; sizeMs: number }): Promise<TextSummary>
  readonly textStates: TextStates
  readonly incidents: Incidents
  metrics(): TelemetryMetrics
  /** Writes what waits and stops. Idempotent. */
  close(): Promise<void>
}

export interface TelemetryMetrics extends Readonly<IngestMetrics> {
  readonly waitingRecords: number
}

const RETENTION_DAYS = 30
/** A window is settled when it is this old: gateways post each second or sooner. */
const SETTLED_MS = 2000
const RATE_OVER_MS = 60_000
const UPKEEP_EVERY_MS = 3_600_000
/** When the store was away at the hour. */
const UPKEEP_RETRY_MS = 30_000

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { store, clock, logger } = options
  const live = createLiveWindows(store.windows, clock)
  const incidents = createIncidents(store, clock)
  const listeners = new Set<(windows: TrafficWindow[]) => void>()
  const stop = new AbortController()

  const splits = createSplitWatch({
    store,
    logger,
    onBroken: (model, reading) => {
      incidents
        .open({ model, title: `Traffic of ${model} is not split as intended: ${reading.says}` })
        .catch((error: unknown) => logger.error({ reason: String(error), model }, 'incident was not opened'))
    },
  })
  const ingest = createIngest({
    requestLog: store.requestLog,
    capture: createCapture(),
    clock,
    logger,
    onStored: ({ records, windows }) => {
      live.add(windows)
      splits.add(records)
    },
  })

  const emit = () => {
    const grown = live.takeGrown()
    if (grown.length === 0) return
    for (const listener of [...listeners]) {
      try {
        listener(grown)
      } catch (error) {
        logger.error({ err: error }, 'window listener failed')
      }
    }
  }
  const upkeep = async () => {
    try {
      const did = await store.requestLog.maintainPartitions(
        clock.nowMs(),
        options.retentionDays ?? RETENTION_DAYS,
      )
      if (did.made.length + did.dropped.length > 0) logger.info(did, 'partitions kept up')
      return UPKEEP_EVERY_MS
    } catch (error) {
      logger.warn({ reason: String(error) }, 'partitions were not kept up')
      return UPKEEP_RETRY_MS
    }
  }
  const loops = [
    repeat(clock, stop.signal, async () => {
      emit()
      return WINDOW_MS
    }),
    repeat(clock, stop.signal, upkeep),
  ]

  return {
    ingest: (batch) => ingest.ingest(batch),
    windows: (query) => live.list(query),
    recentRate: async (model) => {
      const toMs = clock.nowMs() - SETTLED_MS - (clock.nowMs() % WINDOW_MS)
      const windows = await live.list({ model, fromMs: toMs - RATE_OVER_MS, toMs })
      const requests = windows.reduce((sum, window) => sum + window.requests, 0)
      // A model whose traffic began within the minute is judged over the time that it had.
      const sinceMs = Math.min(...windows.map((window) => window.startMs), toMs - WINDOW_MS)
      return (requests * 1000) / (toMs - sinceMs)
    },
    onWindows: (listener) => {
      const own = (windows: TrafficWindow[]) => listener(windows)
      listeners.add(own)
      return () => listeners.delete(own)
    },
    splits: () => splits.readings(),
    text: async ({ fromMs, model, sizeMs, toMs }) => {
      const wholeFromMs = fromMs - (fromMs % TEXT_WINDOW_MS)
      return textSummary(await store.textWindows.list({ model, fromMs: wholeFromMs, toMs }), sizeMs)
    },
    textStates: createTextStates(clock),
    incidents,
    metrics: () => ({ ...ingest.metrics, waitingRecords: ingest.waitingRecords() }),
    close: async () => {
      stop.abort()
      splits.close()
      await ingest.close()
      emit()
      await Promise.all(loops)
    },
  }
}

/** Runs `turn` again and again, waiting as long as it says, until stopped. */
async function repeat(clock: Clock, signal: AbortSignal, turn: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    const waitMs = await turn()
    await clock.sleep(waitMs, signal).catch(() => undefined)
  }
}
