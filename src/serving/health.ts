import type { Clock } from '../kernel/index.ts'

export type ReplicaPhase = 'starting' | 'ready' | 'draining' | 'failed'

/**
 * Three levels. Live: the process answers. Ready: artifact checked, model loaded, one inference done, and not
 * draining. Progress: while there is work, something comes out of it at least every `stuckAfterMs`; a process that
 * answers probes while its model hangs is the failure that the first two levels miss.
 */
export class Health {
  phase: ReplicaPhase = 'starting'
  readonly #clock: Clock
  readonly #stuckAfterMs: number
  readonly #workInHand: () => number
  #movedMs: number

  constructor(clock: Clock, workInHand: () => number, stuckAfterMs = 60_000) {
    this.#clock = clock
    this.#workInHand = workInHand
    this.#stuckAfterMs = stuckAfterMs
    this.#movedMs = clock.monotonicMs()
  }

  /** Something was produced, or work came to an idle house. */
  moved(): void {
    this.#movedMs = this.#clock.monotonicMs()
  }

  get isStuck(): boolean {
    return this.#workInHand() > 0 && this.#clock.monotonicMs() - this.#movedMs > this.#stuckAfterMs
  }

  get isLive(): boolean {
    return !this.isStuck
  }

  get isReady(): boolean {
    return this.phase === 'ready' && !this.isStuck
  }
}
