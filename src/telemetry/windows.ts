import type { RequestRecord, TrafficWindow } from '../contracts/index.ts'
import { countInto, mergeInto } from '../kernel/index.ts'

/** Live windows are one second. */
export const WINDOW_MS = 1000

/**
 * Counts and latencies of what the traffic split dealt, one window a (model, version, second of arrival). Pinned
 * requests and those that never got a version are not traffic of a version. Every request is in the histogram, timed
 * out ones with the time they were given: a censored value is slow, not missing.
 */
export function windowsOf(records: readonly RequestRecord[], sizeMs = WINDOW_MS): TrafficWindow[] {
  const windows = new Map<string, TrafficWindow>()
  for (const record of records) {
    if (record.assignment !== 'split' || record.version === null) continue
    const startMs = record.at - (record.at % sizeMs)
    const key = windowKey(record.model, record.version, startMs)
    let window = windows.get(key)
    if (window === undefined) {
      window = emptyWindow(record.model, record.version, startMs, sizeMs)
      windows.set(key, window)
    }
    window.requests++
    if (record.outcome === 'error') window.errors++
    else if (record.outcome === 'timeout') window.timeouts++
    else if (record.outcome === 'refused') window.refusals++
    window.rows += record.rows
    window.computeMs += record.computeMs
    countInto(window.latency, record.latencyMs)
  }
  return [...windows.values()]
}

/** Adds windows up to windows of `sizeMs`, which their own sizes divide; by start, then version. */
export function rebin(windows: readonly TrafficWindow[], sizeMs: number): TrafficWindow[] {
  const merged = new Map<string, TrafficWindow>()
  for (const window of windows) {
    const startMs = window.startMs - (window.startMs % sizeMs)
    const key = windowKey(window.model, window.version, startMs)
    let into = merged.get(key)
    if (into === undefined) {
      into = emptyWindow(window.model, window.version, startMs, sizeMs)
      merged.set(key, into)
    }
    addWindow(into, window)
  }
  return [...merged.values()].sort(byStartThenVersion)
}

/** Adds the counts of `window` to `into`. */
export function addWindow(into: TrafficWindow, window: TrafficWindow): void {
  into.requests += window.requests
  into.errors += window.errors
  into.timeouts += window.timeouts
  into.refusals += window.refusals
  into.rows += window.rows
  into.computeMs += window.computeMs
  mergeInto(into.latency, window.latency)
}

export function windowKey(model: string, version: string, startMs: number): string {
  return `${startMs} ${model} ${version}`
}

export function byStartThenVersion(left: TrafficWindow, right: TrafficWindow): number {
  return (
    left.startMs - right.startMs ||
    compareText(left.version, right.version) ||
    compareText(left.model, right.model)
  )
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function emptyWindow(model: string, version: string, startMs: number, sizeMs: number): TrafficWindow {
  return {
    model,
    version,
    startMs,
    sizeMs,
    requests: 0,
    errors: 0,
    timeouts: 0,
    refusals: 0,
    rows: 0,
    computeMs: 0,
    latency: {},
  }
}
