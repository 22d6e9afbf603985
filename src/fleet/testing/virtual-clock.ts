import type { Clock } from '../../kernel/index.ts'

/** Time that passes only when a test says so. */
export interface VirtualClock extends Clock {
  /** Wakes sleepers in the order of their times; work they do in between is finished first. */
  advance(ms: number): Promise<void>
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let nowMs = startMs
  const sleepers = new Set<Sleeper>()

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason)
        const sleeper: Sleeper = {
          dueMs: nowMs + ms,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', stop)
            resolve()
          },
        }
        const stop = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', stop, { once: true })
      })
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        await settle()
        const next = [...sleepers].sort((left, right) => left.dueMs - right.dueMs)[0]
        if (next === undefined || next.dueMs > untilMs) break
        nowMs = Math.max(nowMs, next.dueMs)
        next.wake()
      }
      nowMs = untilMs
      await settle()
    },
  }
}

/** Lets promises that wait for nothing outside run to their end. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise<void>((resolve) => setImmediate(resolve))
}
