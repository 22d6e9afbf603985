import { KeptList, type Placed } from './kept-list.ts'

/** What is looked at on every tick while it is open. */
export interface Kept extends Placed {
  tick(nowMs: number): void
  /** What waits in this process for a client to take it. */
  readonly unsentBytes: number
}

/** What has text to write at the end of this turn of the event loop. */
export interface Flushed {
  flush(): void
}

/**
 * One timer for all open text requests (heartbeats, stuck readers, hold-back, longest stream), and one turn-end flush
 * for all that was written during it: neither costs a request a timer or a closure of its own.
 */
export class StreamKeeper {
  readonly #kept = new KeptList<Kept>()
  readonly #monotonicMs: () => number
  readonly #timer: NodeJS.Timeout
  #waiting: Flushed[] = []
  #spare: Flushed[] = []
  #isScheduled = false
  readonly #flushAll = (): void => {
    const waiting = this.#waiting
    this.#waiting = this.#spare
    this.#isScheduled = false
    for (const one of waiting) one.flush()
    waiting.length = 0
    this.#spare = waiting
  }

  constructor(tickMs: number, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
  }

  get unsentBytes(): number {
    let bytes = 0
    this.#kept.forEach((one) => {
      bytes += one.unsentBytes
    })
    return bytes
  }

  add(one: Kept): void {
    this.#kept.add(one)
  }

  remove(one: Kept): void {
    this.#kept.remove(one)
  }

  flushSoon(one: Flushed): void {
    this.#waiting.push(one)
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(this.#flushAll)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const nowMs = this.#monotonicMs()
    this.#kept.forEach((one) => {
      one.tick(nowMs)
    })
  }
}
