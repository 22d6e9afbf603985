import { type Clock, systemClock } from '../../kernel/index.ts'

/** A clock that stands until a test sets it forward; its sleeps are real. */
export function setClock(): Clock & { skip(ms: number): void } {
  let nowMs = 1_800_000_000_000
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: systemClock.sleep,
    skip: (ms) => {
      nowMs += ms
    },
  }
}
