/**
 * When a place comes free for somebody, as far as one can know: places are given back at a measured rate, those ahead
 * and those of higher classes who arrive meanwhile go first.
 */
export class PlaceRate {
  /** Mean time that a place is held, ms; 0 before any was given back. */
  #heldMs = 0
  #seen = 0
  readonly #arrivals: ArrivalRate[] = []

  /** A place was given back after so long. */
  ended(heldMs: number): void {
    this.#seen++
    this.#heldMs += (heldMs - this.#heldMs) / Math.min(this.#seen, HELD_OVER)
  }

  arrived(rank: number, nowMs: number): void {
    this.#arrivals[rank] ??= new ArrivalRate(nowMs)
    this.#arrivals[rank].arrived(nowMs)
  }

  /**
   * Ms until the place comes that `ahead` others get before, at the quantile; 0 while too little was seen to know, and
   * infinite where those of higher classes (below `rank`) take all that comes free.
   *
   * With all places taken they come free at places ÷ mean hold (Little's law); the wait for k of them is a sum of k
   * exponential gaps (an Erlang law), whose quantile is taken by Wilson and Hilferty's cube root.
   */
  startsInMs(ahead: number, rank: number, places: number, quantile: number, nowMs: number): number {
    if (this.#seen < KNOWN_FROM) return 0
    let perMs = places / Math.max(this.#heldMs, 0.001)
    for (let higher = 0; higher < rank; higher++) perMs -= this.#arrivals[higher]?.perMs(nowMs) ?? 0
    if (perMs <= 0) return Number.POSITIVE_INFINITY
    return erlangQuantile(ahead + 1, quantile) / perMs
  }

  view(): { readonly heldMs: number } {
    return { heldMs: this.#heldMs }
  }
}

/** Of the sum of `count` exponential gaps of mean 1 (Wilson and Hilferty 1931; within 2 % from count 3 on). */
export function erlangQuantile(count: number, quantile: number): number {
  // Exact where the root is poor.
  if (count === 1) return -Math.log(1 - quantile)
  const spread = 1 / (9 * count)
  return count * (1 - spread + normalQuantile(quantile) * Math.sqrt(spread)) ** 3
}

/** Of the upper half only (Abramowitz and Stegun 26.2.23, error below 4.5e-4). */
function normalQuantile(quantile: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - Math.max(0.5, quantile)))
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
  )
}

/** Arrivals per ms over about the last ten seconds: a count that fades (an exponential window). */
class ArrivalRate {
  readonly #sinceMs: number
  #count = 0
  #atMs: number

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
    this.#atMs = nowMs
  }

  arrived(nowMs: number): void {
    this.#fade(nowMs)
    this.#count++
  }

  perMs(nowMs: number): number {
    this.#fade(nowMs)
    // What the window would hold by now, so that the first seconds do not look like quiet ones.
    const filled = 1 - Math.exp(-(nowMs - this.#sinceMs) / RATE_OVER_MS)
    return this.#count / (RATE_OVER_MS * Math.max(filled, 0.1))
  }

  #fade(nowMs: number): void {
    this.#count *= Math.exp(-(nowMs - this.#atMs) / RATE_OVER_MS)
    this.#atMs = nowMs
  }
}

const RATE_OVER_MS = 10_000
const HELD_OVER = 64
const KNOWN_FROM = 8
