import type { BatchTimers } from './batcher.ts'

/** Time that only moves when told: for tests. */
export class VirtualTimers implements BatchTimers {
  #nowMs = 0
  #order = 0
  readonly #due = new Set<{ readonly ms: number; readonly order: number; readonly wake: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  soon(wake: () => void): void {
    this.at(this.#nowMs, wake)
  }

  at(ms: number, wake: () => void): () => void {
    const entry = { ms: Math.max(ms, this.#nowMs), order: this.#order++, wake }
    this.#due.add(entry)
    return () => void this.#due.delete(entry)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.#nowMs + ms, resolve)
    })
  }

  /** Runs everything up to then, with what it causes. */
  async runUntil(ms: number): Promise<void> {
    for (;;) {
      let first: { readonly ms: number; readonly order: number; readonly wake: () => void } | undefined
      for (const entry of this.#due) {
        if (entry.ms > ms) continue
        if (
          first === undefined ||
          entry.ms < first.ms ||
          (entry.ms === first.ms && entry.order < first.order)
        ) {
          first = entry
        }
      }
      if (first === undefined) break
      this.#due.delete(first)
      this.#nowMs = first.ms
      first.wake()
      // Promises that hang on it settle before time moves on.
      for (let turn = 0; turn < 4; turn++) await null
    }
    this.#nowMs = Math.max(this.#nowMs, ms)
  }
}
