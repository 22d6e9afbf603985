/** An upstream of so many slots: who gets one gives a first token, then writes, then leaves; the rest wait in order. */
export class SimUpstream<T> {
  readonly #slots: number
  readonly #waiting: { of: T; firstMs: number; restMs: number }[] = []
  /** Sorted, the soonest last. */
  readonly #events: SimEvent<T>[] = []
  #busy = 0

  constructor(slots: number) {
    this.#slots = slots
  }

  get nextMs(): number {
    return this.#events.at(-1)?.atMs ?? Number.POSITIVE_INFINITY
  }

  get busyShare(): number {
    return this.#busy / this.#slots
  }

  start(of: T, firstMs: number, restMs: number, nowMs: number): void {
    if (this.#busy < this.#slots) this.#begin({ of, firstMs, restMs }, nowMs)
    else this.#waiting.push({ of, firstMs, restMs })
  }

  /** What has happened by now, one by one. */
  take(nowMs: number): SimEvent<T> | undefined {
    if (this.nextMs > nowMs) return undefined
    const event = this.#events.pop() as SimEvent<T>
    if (event.what === 'end') {
      this.#busy--
      const next = this.#waiting.shift()
      if (next !== undefined) this.#begin(next, event.atMs)
    }
    return event
  }

  #begin({ firstMs, of, restMs }: { of: T; firstMs: number; restMs: number }, nowMs: number): void {
    this.#busy++
    this.#add({ atMs: nowMs + firstMs, what: 'first', of })
    this.#add({ atMs: nowMs + firstMs + restMs, what: 'end', of })
  }

  #add(event: SimEvent<T>): void {
    let [from, to] = [0, this.#events.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#events[middle] as SimEvent<T>).atMs > event.atMs) from = middle + 1
      else to = middle
    }
    this.#events.splice(from, 0, event)
  }
}

export interface SimEvent<T> {
  readonly atMs: number
  readonly what: 'first' | 'end'
  readonly of: T
}
