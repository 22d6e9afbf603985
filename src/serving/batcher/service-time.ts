/** Each batch counts 2 % less than the next: some fifty batches are remembered. */
const DECAY = 0.98
/** Below this spread of batch sizes the slope is not learned anew but kept. */
const LEAST_VARIANCE = 0.25

/**
 * Time of a batch of n rows as a + b·n ms, fitted by least squares over recent batches. When all of them have one size
 * the slope cannot be seen; then the last one is kept and only a is moved.
 */
export class ServiceTime {
  #weight = 0
  #rows = 0
  #ms = 0
  #rowsSquared = 0
  #rowsMs = 0
  #perRowMs = 0

  observe(rows: number, ms: number): void {
    this.#weight = this.#weight * DECAY + 1
    this.#rows = this.#rows * DECAY + rows
    this.#ms = this.#ms * DECAY + ms
    this.#rowsSquared = this.#rowsSquared * DECAY + rows * rows
    this.#rowsMs = this.#rowsMs * DECAY + rows * ms
    const meanRows = this.#rows / this.#weight
    const variance = this.#rowsSquared / this.#weight - meanRows * meanRows
    if (variance < LEAST_VARIANCE) return
    const covariance = this.#rowsMs / this.#weight - meanRows * (this.#ms / this.#weight)
    this.#perRowMs = Math.max(0, covariance / variance)
  }

  get perRowMs(): number {
    return this.#perRowMs
  }

  get fixedMs(): number {
    if (this.#weight === 0) return 0
    return Math.max(0, (this.#ms - this.#perRowMs * this.#rows) / this.#weight)
  }

  of(rows: number): number {
    return this.fixedMs + this.#perRowMs * rows
  }
}
