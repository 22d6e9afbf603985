/** What the batcher knows of a piece of work: one request, or a part of one that is larger than a batch. */
export interface Work {
  /** 1 ≤ rows ≤ maxBatchSize. */
  readonly rows: number
  /** Work of another key cannot share a tensor with this one. */
  readonly shapeKey: string
  /** 0 is served first. */
  readonly priority: number
  /** Monotonic ms. */
  readonly arrivedMs: number
  /** Monotonic ms; Infinity for none. */
  readonly deadlineAtMs: number
}

export interface Batch<W extends Work> {
  readonly rows: number
  readonly work: readonly W[]
}

/** What a decision may look at. */
export interface QueueView<W extends Work> {
  readonly rows: number
  /** The next to be served: the oldest of the first priority that has any. */
  head(): W | undefined
  /** Up to `maxRows` rows that may run with the head, in order; nothing of one shape overtakes the same shape. */
  joinable(head: W, maxRows: number): Batch<W>
}

/** First in, first out inside a priority. Removal anywhere costs the same as at the front. */
export class BatchQueue<W extends Work> implements QueueView<W> {
  /** Sorted by priority; a set keeps the order of arrival. */
  readonly #lanes: { readonly priority: number; readonly waiting: Set<W> }[] = []
  #rows = 0
  #length = 0

  get rows(): number {
    return this.#rows
  }

  get length(): number {
    return this.#length
  }

  push(work: W): void {
    this.#laneOf(work.priority).add(work)
    this.#rows += work.rows
    this.#length++
  }

  /** False when it was not waiting. */
  remove(work: W): boolean {
    if (!this.#laneOf(work.priority).delete(work)) return false
    this.#rows -= work.rows
    this.#length--
    return true
  }

  head(): W | undefined {
    for (const { waiting } of this.#lanes) {
      for (const first of waiting) return first
    }
    return undefined
  }

  joinable(head: W, maxRows: number): Batch<W> {
    const work: W[] = []
    let rows = 0
    for (const { waiting } of this.#lanes) {
      for (const candidate of waiting) {
        if (candidate.shapeKey !== head.shapeKey) continue
        if (rows + candidate.rows > maxRows) return { rows, work }
        rows += candidate.rows
        work.push(candidate)
        if (rows === maxRows) return { rows, work }
      }
    }
    return { rows, work }
  }

  *[Symbol.iterator](): IterableIterator<W> {
    for (const { waiting } of this.#lanes) yield* waiting
  }

  #laneOf(priority: number): Set<W> {
    let index = 0
    while (index < this.#lanes.length && this.#lanes[index]!.priority < priority) index++
    const lane = this.#lanes[index]
    if (lane?.priority === priority) return lane.waiting
    const waiting = new Set<W>()
    this.#lanes.splice(index, 0, { priority, waiting })
    return waiting
  }
}
