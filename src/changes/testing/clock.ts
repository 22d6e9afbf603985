import type { Clock } from '../../kernel/index.ts'

/** Time that moves when a test says so, and by what is slept: sleepers wake at once. */
export function testClock(startMs = 1_700_000_000_000): Clock & { add(ms: number): void } {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 2))
      signal?.throwIfAborted()
      nowMs += ms
    },
    add: (ms) => {
      nowMs += ms
    },
  }
}
