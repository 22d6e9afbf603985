import type { Clock } from '../../kernel/index.ts'

/** What wakes the pacing; the event loop's own, or a simulation's. */
export interface Timers {
  after(ms: number, call: () => void): void
  /** As soon as what is ready now has been handled. */
  soon(call: () => void): void
}

const eventLoop: Timers = {
  after: (ms, call) => void setTimeout(call, ms),
  soon: (call) => void setImmediate(call),
}

/**
 * Calls `due(index)` for each offset at its time after now, in order, as exactly as one event loop can: a timer to
 * `spinMs` before, then turns of the event loop, which let answers be read meanwhile. A timer alone is up to a
 * millisecond late. Resolves after the last call; rejects with the signal's reason, within a timer.
 *
 * Whatever is late is sent at once and never skipped: skipping would hide the very delay that is measured.
 */
export function paceArrivals(options: {
  readonly offsetsMs: ArrayLike<number>
  readonly spinMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** `intendedMs` and the clock are monotonic. */
  readonly timers?: Timers
  readonly due: (index: number, intendedMs: number) => void
}): Promise<void> {
  const { offsetsMs, spinMs, clock, signal, due, timers = eventLoop } = options
  return new Promise((resolve, reject) => {
    const startMs = clock.monotonicMs()
    let next = 0
    const turn = () => {
      if (signal.aborted) return reject(signal.reason as Error)
      const nowMs = clock.monotonicMs()
      while (next < offsetsMs.length && startMs + offsetsMs[next]! <= nowMs) {
        const index = next++
        due(index, startMs + offsetsMs[index]!)
      }
      if (next >= offsetsMs.length) return resolve()
      const waitMs = startMs + offsetsMs[next]! - nowMs - spinMs
      if (waitMs >= 1) timers.after(Math.min(Math.floor(waitMs), MAX_TIMER_MS), turn)
      else timers.soon(turn)
    }
    turn()
  })
}

/** So that an abort is seen in time. */
const MAX_TIMER_MS = 200
