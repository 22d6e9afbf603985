/** A bounded first-in-first-out queue over a ring. `push` says no when full; the caller decides what that means. */
export class RingQueue<T> {
  readonly #slots: (T | undefined)[]
  #head = 0
  #length = 0

  readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.#slots = new Array<T | undefined>(capacity)
  }

  get length(): number {
    return this.#length
  }

  push(item: T): boolean {
    if (this.#length === this.capacity) return false
    this.#slots[(this.#head + this.#length) % this.capacity] = item
    this.#length++
    return true
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) % this.capacity
    this.#length--
    return item
  }

  /** Takes up to `count` items, oldest first. */
  take(count: number): T[] {
    const taken: T[] = []
    while (taken.length < count && this.#length > 0) taken.push(this.shift() as T)
    return taken
  }
}
