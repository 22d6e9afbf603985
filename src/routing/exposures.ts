/**
 * Counts how many units each version was shown to, once per (experiment, bucket, window).
 *
 * The log of exposures is the request log itself: every dealt request is recorded with its experiment and bucket, so
 * exact counts of distinct units come from there. This is the running figure for /metrics, where a split that is off
 * shows at once.
 *
 * Memory is fixed: a table of 2¹⁶ places. Two units on one place in the same window displace each other and may be
 * counted again, so the figure reads high by at most units/2¹⁷ of itself while units ≪ 2¹⁶ a window.
 */
const PLACES = 65_536

export class ExposureCounter {
  readonly #windowMs: number
  readonly #buckets = new Uint32Array(PLACES)
  readonly #stamps = new Float64Array(PLACES)

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** True the first time a unit of an experiment is seen in the current window. */
  isFirst(experimentSeed: number, bucket: number, nowMs: number): boolean {
    // The bucket is mixed already; the seed keeps experiments apart on the same place. Stamps start at 1: 0 is empty.
    const mark = (bucket ^ experimentSeed) >>> 0
    const place = (mark ^ (mark >>> 16)) & (PLACES - 1)
    const stamp = Math.floor(nowMs / this.#windowMs) + 1
    if (this.#stamps[place] === stamp && this.#buckets[place] === mark) return false
    this.#stamps[place] = stamp
    this.#buckets[place] = mark
    return true
  }
}
