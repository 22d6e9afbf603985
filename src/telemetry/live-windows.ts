import type { TrafficWindow } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { WindowRepository } from '../store/index.ts'
import { addWindow, byStartThenVersion, rebin, WINDOW_MS, windowKey } from './windows.ts'

export interface WindowQuery {
  readonly model: string
  readonly versions?: string[]
  /** Inclusive. */
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  /** Added up to windows of this size; 1000 when left out. */
  readonly sizeMs?: number
}

/** The newest windows in memory, for the judge and live pages; older ones are in the store, which has all of them. */
export interface LiveWindows {
  /** What was just stored. */
  add(windows: readonly TrafficWindow[]): void
  list(query: WindowQuery): Promise<TrafficWindow[]>
  /** Whole windows that grew since the last call. */
  takeGrown(): TrafficWindow[]
}

/** The judge looks back over a step, live pages over minutes. */
const KEPT_MS = 15 * 60_000

/**
 * Memory knows a window whole only if it began after this process did: records of an earlier second may have been
 * stored by the process before. The margin covers clocks of other machines that run ahead.
 */
const START_MARGIN_MS = 5000

export function createLiveWindows(stored: WindowRepository, clock: Clock): LiveWindows {
  const windows = new Map<string, TrafficWindow>()
  const grown = new Map<string, TrafficWindow>()
  const startedMs = ceilTo(clock.nowMs() + START_MARGIN_MS, WINDOW_MS)
  let evictedToMs = 0

  const knownFromMs = () => Math.max(startedMs, evictedToMs)

  const evict = () => {
    const keepFromMs = ceilTo(clock.nowMs() - KEPT_MS, WINDOW_MS)
    // Once a minute is enough, and a clock that went back evicts nothing.
    if (keepFromMs < evictedToMs + 60_000) return
    evictedToMs = keepFromMs
    for (const [key, window] of windows) if (window.startMs < keepFromMs) windows.delete(key)
  }

  return {
    add: (added) => {
      evict()
      for (const window of added) {
        if (window.startMs < knownFromMs()) continue
        const key = windowKey(window.model, window.version, window.startMs)
        const into = windows.get(key)
        if (into === undefined) windows.set(key, { ...window, latency: { ...window.latency } })
        else addWindow(into, window)
        grown.set(key, windows.get(key)!)
      }
    },

    list: async ({ model, versions, fromMs, toMs, sizeMs = WINDOW_MS }) => {
      const splitMs = Math.min(toMs, Math.max(fromMs, knownFromMs()))
      const older =
        fromMs < splitMs
          ? await stored.list({
              model,
              fromMs,
              toMs: splitMs,
              ...(versions === undefined ? {} : { versions }),
            })
          : []
      const newer = [...windows.values()]
        .filter(
          (window) =>
            window.model === model &&
            window.startMs >= splitMs &&
            window.startMs < toMs &&
            (versions === undefined || versions.includes(window.version)),
        )
        .map(copyOf)
        .sort(byStartThenVersion)
      const all = [...older, ...newer]
      return sizeMs === WINDOW_MS ? all : rebin(all, sizeMs)
    },

    takeGrown: () => {
      const taken = [...grown.values()].map(copyOf)
      grown.clear()
      return taken
    },
  }
}

function copyOf(window: TrafficWindow): TrafficWindow {
  return { ...window, latency: { ...window.latency } }
}

function ceilTo(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
