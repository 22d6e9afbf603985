import type { Clock } from '../../kernel/index.ts'

/** A clock that stands until it is moved; who sleeps wakes when it has been moved past their time. */
export interface ManualClock extends Clock {
  advance(ms: number): void
}

export function manualClock(startMs = Date.UTC(2026, 0, 15, 12)): ManualClock {
  let nowMs = startMs
  const sleepers = new Set<{ untilMs: number; wake: () => void }>()
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper = { untilMs: nowMs + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    advance: (ms) => {
      nowMs += ms
      for (const sleeper of [...sleepers]) {
        if (sleeper.untilMs > nowMs) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}
