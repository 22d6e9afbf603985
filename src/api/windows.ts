import type { TrafficWindow } from '../contracts/index.ts'
import { mergeInto } from '../kernel/index.ts'

/** Adds windows up into larger ones of `sizeMs`, by version and start; a page draws no more points than it has pixels. */
export function mergedTo(sizeMs: number, windows: readonly TrafficWindow[]): TrafficWindow[] {
  const merged = new Map<string, TrafficWindow>()
  for (const window of windows) {
    const startMs = Math.floor(window.startMs / sizeMs) * sizeMs
    const key = `${window.version} ${startMs}`
    const into = merged.get(key)
    if (into === undefined) {
      merged.set(key, { ...window, startMs, sizeMs, latency: { ...window.latency } })
      continue
    }
    into.requests += window.requests
    into.errors += window.errors
    into.timeouts += window.timeouts
    into.refusals += window.refusals
    into.rows += window.rows
    into.computeMs += window.computeMs
    mergeInto(into.latency, window.latency)
  }
  return [...merged.values()].sort(
    (left, right) => left.startMs - right.startMs || (left.version < right.version ? -1 : 1),
  )
}
