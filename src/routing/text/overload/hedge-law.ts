import { bucketEdgeMs, bucketOf, HISTOGRAM_BUCKETS } from '../../../kernel/index.ts'

export interface HedgeSettings {
  readonly afterQuantile: number
  readonly budgetShare: number
}

/**
 * When a second attempt is worth it, and how many there may be (Dean and Barroso, "The Tail at Scale", 2013: after the
 * 95th percentile, so that few requests are asked twice). Each request pays `budgetShare` of a hedge in, a hedge takes a
 * whole one out; saved up are at most ten, so that a bad minute after a good hour is not asked twice as a whole.
 */
export class HedgeLaw {
  readonly #settings: HedgeSettings
  #tokens = 0
  /** The TTFT of this minute or so, and of the one before. */
  #recent = new Uint32Array(HISTOGRAM_BUCKETS)
  #before = new Uint32Array(HISTOGRAM_BUCKETS)
  #sinceMs = Number.NEGATIVE_INFINITY
  #afterMs: number | undefined
  #unread = 0

  constructor(settings: HedgeSettings) {
    this.#settings = settings
  }

  /** One request that could be hedged. Ms until it should be; undefined while too little is known. */
  request(nowMs: number): number | undefined {
    this.#tokens = Math.min(MAX_SAVED, this.#tokens + this.#settings.budgetShare)
    this.#turn(nowMs)
    return this.#afterMs
  }

  firstContent(ttftMs: number, nowMs: number): void {
    this.#turn(nowMs)
    const bucket = bucketOf(ttftMs)
    this.#recent[bucket] = (this.#recent[bucket] as number) + 1
    this.#unread++
    if (this.#unread >= READ_EACH) this.#read()
  }

  /** Whether the budget has one; takes it. Slack for sums of shares that are no binary fractions. */
  take(): boolean {
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens -= 1
    return true
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#sinceMs < WINDOW_MS) return
    // After a long silence what was seen before it is no recent time.
    if (nowMs - this.#sinceMs >= 2 * WINDOW_MS) this.#recent.fill(0)
    const oldest = this.#before
    this.#before = this.#recent
    this.#recent = oldest.fill(0)
    this.#sinceMs = nowMs
    this.#read()
  }

  #read(): void {
    this.#unread = 0
    let seen = 0
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) seen += this.#at(bucket)
    this.#afterMs = undefined
    if (seen < KNOWN_FROM) return
    const rank = Math.ceil(this.#settings.afterQuantile * seen)
    let below = 0
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      below += this.#at(bucket)
      if (below < rank) continue
      this.#afterMs = bucketEdgeMs(bucket)
      return
    }
  }

  #at(bucket: number): number {
    return (this.#recent[bucket] as number) + (this.#before[bucket] as number)
  }
}

const WINDOW_MS = 60_000
const MAX_SAVED = 10
/** Below so many a quantile near 1 is the greatest seen. */
const KNOWN_FROM = 20
const READ_EACH = 10
