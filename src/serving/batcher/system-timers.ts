import type { Clock } from '../../kernel/index.ts'
import type { BatchTimers } from './batcher.ts'

export function systemTimers(clock: Clock): BatchTimers {
  return {
    nowMs: () => clock.monotonicMs(),
    soon: (wake) => void setImmediate(wake),
    at: (ms, wake) => {
      // A timer may fire a fraction of a ms early; then the batcher finds nothing due and asks again.
      const timer = setTimeout(wake, Math.max(0, Math.min(Math.ceil(ms - clock.monotonicMs()), 2 ** 31 - 1)))
      return () => clearTimeout(timer)
    },
  }
}
