import type { Clock } from '../kernel/index.ts'

/**
 * One timer for many deadlines. Nearly all requests settle long before theirs, so a timer each is wasted work: this one
 * is set for the earliest deadline seen and looks, when it fires, at what is really due.
 *
 * `sweep(nowMs)` settles what is due and gives the earliest deadline that is left, Infinity for none.
 */
export class DeadlineWatch {
  readonly #clock: Clock
  readonly #sweep: (nowMs: number) => number
  #timer: NodeJS.Timeout | undefined
  #firesAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, sweep: (nowMs: number) => number) {
    this.#clock = clock
    this.#sweep = sweep
  }

  /** Monotonic ms; Infinity is no deadline. */
  add(deadlineAtMs: number): void {
    if (deadlineAtMs < this.#firesAtMs) this.#set(deadlineAtMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#firesAtMs = Number.NEGATIVE_INFINITY
  }

  #set(deadlineAtMs: number): void {
    clearTimeout(this.#timer)
    this.#firesAtMs = deadlineAtMs
    if (deadlineAtMs === Number.POSITIVE_INFINITY) return
    // Timers round down to whole ms; one ms more keeps them from firing before the deadline.
    const delayMs = Math.min(Math.max(0, deadlineAtMs - this.#clock.monotonicMs()) + 1, 2 ** 31 - 1)
    this.#timer = setTimeout(() => this.#fire(), delayMs)
    this.#timer.unref()
  }

  #fire(): void {
    this.#firesAtMs = Number.POSITIVE_INFINITY
    const nextMs = this.#sweep(this.#clock.monotonicMs())
    if (nextMs < this.#firesAtMs) this.#set(nextMs)
  }
}
