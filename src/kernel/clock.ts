import { setTimeout as sleepFor } from 'node:timers/promises'

/** Where time comes from. Handed in, so that tests and simulation own it. */
export interface Clock {
  /** Wall clock, ms since the epoch: for records and people. It may jump. */
  nowMs(): number
  /** Monotonic ms since an arbitrary start: for durations and deadlines. It never goes back. */
  monotonicMs(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleepFor(ms, undefined, signal === undefined ? {} : { signal })
  },
}
