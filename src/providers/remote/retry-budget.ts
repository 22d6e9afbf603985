const WINDOW_S = 10
/** Retries in ten seconds that are always allowed, so that a provider with few requests has any. */
const FLOOR = 3

/**
 * Retries may be at most a share of the requests of the last ten seconds: when everything fails, traffic grows by that
 * share and not by the number of retries (Google SRE book, "Handling overload"). A share of 0 allows none.
 */
export class RetryBudget {
  readonly #share: number
  readonly #requests = new Float64Array(WINDOW_S)
  readonly #retries = new Float64Array(WINDOW_S)
  #second = 0
  allowed = 0
  refused = 0

  constructor(share: number) {
    this.#share = share
  }

  request(nowMs: number): void {
    this.#requests[this.#at(nowMs)]!++
  }

  /** Counts the retry where it allows it. */
  take(nowMs: number): boolean {
    const at = this.#at(nowMs)
    const mostRetries = this.#share === 0 ? 0 : Math.max(FLOOR, this.#share * sum(this.#requests))
    if (sum(this.#retries) + 1 > mostRetries) {
      this.refused++
      return false
    }
    this.#retries[at]!++
    this.allowed++
    return true
  }

  /** Forgets the seconds that fell out of the window. */
  #at(nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    const passed = Math.min(WINDOW_S, Math.max(0, second - this.#second))
    for (let step = 1; step <= passed; step++) {
      const at = (second - passed + step) % WINDOW_S
      this.#requests[at] = 0
      this.#retries[at] = 0
    }
    this.#second = Math.max(second, this.#second)
    return this.#second % WINDOW_S
  }
}

function sum(counts: Float64Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
