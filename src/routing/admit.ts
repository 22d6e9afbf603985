import type { KeyLimits } from '../contracts/index.ts'

/** Why a request is turned away before any work, and when it is worth coming back. */
export interface Refusal {
  readonly code: 'rate_limited' | 'concurrency_limited' | 'overloaded'
  readonly limit: number
  readonly retryAfterMs: number
}

/** What a key may do on all gateways together. */
export interface SharedBudget {
  /** A request ended; so many of the key are in flight here now. */
  freed(inFlight: number): void
}

/** A full gateway or key frees a place at the next answer; nobody knows when, so clients are told a round figure. */
const RETRY_WHEN_FULL_MS = 100

/**
 * What one key may do here. The rate is GCRA (the virtual scheduling of ITU-T I.371): one number instead of a bucket
 * and its refill; a second's worth may come at once. This is what one gateway lets through; `shared` is the part of the
 * budget that all gateways count together, where they do.
 */
export class KeyBudget {
  inFlight = 0
  limits: KeyLimits
  shared: SharedBudget | undefined
  /** When the bucket would be empty of debt, monotonic ms. */
  #theoreticalArrivalMs = 0

  constructor(limits: KeyLimits) {
    this.limits = limits
  }

  /** Takes one request out of the rate; ms to wait when there is none left. */
  takeRate(nowMs: number): number {
    const rate = this.limits.requestsPerSecond
    if (rate === null) return 0
    const intervalMs = 1000 / rate
    const burstMs = Math.max(1000, intervalMs)
    // A clock that went back (a restored machine) must not lock the key out for the time it lost.
    if (this.#theoreticalArrivalMs > nowMs + burstMs) this.#theoreticalArrivalMs = nowMs + burstMs
    const startMs = Math.max(this.#theoreticalArrivalMs, nowMs)
    const waitMs = startMs + intervalMs - burstMs - nowMs
    if (waitMs > 1e-6) return waitMs
    this.#theoreticalArrivalMs = startMs + intervalMs
    return 0
  }
}

/**
 * Decides on a request before its body is read. Order: the gateway's own bound first (it protects everybody), then
 * the key's concurrency, then its rate, so that a refused request costs no token.
 */
export class Admission {
  inFlight = 0
  readonly #maxInFlight: number
  readonly #budgets = new Map<string, KeyBudget>()

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight
  }

  /** The budget of a key; kept over snapshots, so that a new snapshot does not refill anything. */
  budgetOf(publicId: string, limits: KeyLimits): KeyBudget {
    const known = this.#budgets.get(publicId)
    if (known !== undefined) {
      known.limits = limits
      return known
    }
    const budget = new KeyBudget(limits)
    this.#budgets.set(publicId, budget)
    return budget
  }

  /** Forgets keys that are gone; those with requests in flight wait for the next time. */
  keepOnly(publicIds: ReadonlySet<string>): void {
    for (const [publicId, budget] of this.#budgets)
      if (!publicIds.has(publicId) && budget.inFlight === 0) this.#budgets.delete(publicId)
  }

  /**
   * Undefined: admitted and counted; give it back with `release`.
   * @param share of all places, of the gateway and of the key, up to which this one may fill them: work that can wait
   *   leaves the rest to those who cannot.
   */
  admit(budget: KeyBudget, nowMs: number, share = 1): Refusal | undefined {
    if (this.inFlight >= this.#maxInFlight * share)
      return { code: 'overloaded', limit: this.#maxInFlight, retryAfterMs: RETRY_WHEN_FULL_MS }
    const { concurrency, requestsPerSecond } = budget.limits
    if (concurrency !== null && budget.inFlight >= Math.max(1, concurrency * share))
      return { code: 'concurrency_limited', limit: concurrency, retryAfterMs: RETRY_WHEN_FULL_MS }
    if (requestsPerSecond !== null) {
      const waitMs = budget.takeRate(nowMs)
      if (waitMs > 0)
        return { code: 'rate_limited', limit: requestsPerSecond, retryAfterMs: Math.ceil(waitMs) }
    }
    budget.inFlight++
    this.inFlight++
    return undefined
  }

  release(budget: KeyBudget): void {
    budget.inFlight--
    this.inFlight--
    budget.shared?.freed(budget.inFlight)
  }
}
