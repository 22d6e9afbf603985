/** An amount that may be used in a span of time. Tokens and requests are whole numbers, money is attodollars. */
export interface Allowance {
  /**
   * 0: taken. Else milliseconds until it is worth asking again; nothing was taken then. Infinity: never, it is too much.
   * `ASK`: who counts for all gateways must be asked first.
   */
  take(amount: bigint, nowMs: number): number
  /** What was used instead of what was taken: gives back the rest, or takes what it was more, even beyond the limit. */
  settle(taken: bigint, used: bigint, nowMs: number, takenAtMs: number): void
  /** What was taken at this very moment, as if it never had been. */
  giveBack(amount: bigint, nowMs: number): void
  /** What could be taken now. */
  left(nowMs: number): bigint
  /** Why it refuses, where that is not because it is used up. */
  readonly why?: string | undefined
}

export const ASK = -1 as const

const MINUTE_MS = 60_000

/**
 * So much a minute, as a bucket that holds one minute's worth and refills evenly: no burst of twice the limit around the
 * turn of a minute, which fixed windows allow. What was used beyond what was taken is a debt that refills first.
 */
export class MinuteAllowance implements Allowance {
  readonly #limit: bigint
  #level: bigint
  #atMs: number | undefined

  constructor(perMinute: bigint) {
    this.#limit = perMinute
    this.#level = perMinute
  }

  take(amount: bigint, nowMs: number): number {
    this.#refill(nowMs)
    if (amount > this.#limit) return Number.POSITIVE_INFINITY
    if (amount <= this.#level) {
      this.#level -= amount
      return 0
    }
    return Math.max(1, Math.ceil((Number(amount - this.#level) / Number(this.#limit)) * MINUTE_MS))
  }

  settle(taken: bigint, used: bigint, nowMs: number): void {
    this.#refill(nowMs)
    this.#level += taken - used
    if (this.#level > this.#limit) this.#level = this.#limit
    // One answer that was much longer than anybody could foresee must not lock the door for hours.
    if (this.#level < -this.#limit) this.#level = -this.#limit
  }

  giveBack(amount: bigint, nowMs: number): void {
    this.settle(amount, 0n, nowMs)
  }

  left(nowMs: number): bigint {
    this.#refill(nowMs)
    return this.#level > 0n ? this.#level : 0n
  }

  #refill(nowMs: number): void {
    this.#atMs ??= nowMs
    const passedMs = Math.min(Math.floor(nowMs - this.#atMs), 2 * MINUTE_MS)
    if (passedMs <= 0) {
      // A clock that went back gives nothing and takes nothing.
      if (nowMs < this.#atMs) this.#atMs = nowMs
      return
    }
    const gained = (this.#limit * BigInt(passedMs)) / BigInt(MINUTE_MS)
    // A refill of nothing keeps the time, else a slow bucket that is asked often would never fill.
    if (gained === 0n) return
    this.#level = this.#level + gained > this.#limit ? this.#limit : this.#level + gained
    this.#atMs += passedMs
  }
}

/** So much a calendar day or month, UTC. What is in flight at the turn counts in the span in which it was taken. */
export class CalendarAllowance implements Allowance {
  readonly #limit: bigint
  readonly #span: 'day' | 'month'
  #used = 0n
  #startMs = Number.NEGATIVE_INFINITY
  #endMs = Number.NEGATIVE_INFINITY

  constructor(limit: bigint, span: 'day' | 'month') {
    this.#limit = limit
    this.#span = span
  }

  take(amount: bigint, nowMs: number): number {
    this.#turn(nowMs)
    if (amount > this.#limit) return Number.POSITIVE_INFINITY
    if (this.#used + amount > this.#limit) return Math.max(1, this.#endMs - nowMs)
    this.#used += amount
    return 0
  }

  settle(taken: bigint, used: bigint, nowMs: number): void {
    this.#turn(nowMs)
    this.#used += used - taken
    if (this.#used < 0n) this.#used = 0n
  }

  giveBack(amount: bigint, nowMs: number): void {
    this.settle(amount, 0n, nowMs)
  }

  left(nowMs: number): bigint {
    this.#turn(nowMs)
    return this.#used < this.#limit ? this.#limit - this.#used : 0n
  }

  #turn(nowMs: number): void {
    if (nowMs >= this.#startMs && nowMs < this.#endMs) return
    // Back over a turn and forth again must not grant a span twice.
    if (nowMs < this.#startMs) return
    const now = new Date(nowMs)
    const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
    this.#startMs = this.#span === 'day' ? Date.UTC(year, month, day) : Date.UTC(year, month, 1)
    this.#endMs = this.#span === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)
    this.#used = 0n
  }
}

/** So many at once. */
export class ConcurrencyAllowance implements Allowance {
  readonly #limit: bigint
  #inUse = 0n

  constructor(limit: bigint) {
    this.#limit = limit
  }

  take(amount: bigint): number {
    if (this.#inUse + amount > this.#limit) return RETRY_WHEN_FULL_MS
    this.#inUse += amount
    return 0
  }

  settle(taken: bigint): void {
    this.#inUse -= taken
  }

  giveBack(amount: bigint): void {
    this.settle(amount)
  }

  left(): bigint {
    return this.#limit - this.#inUse
  }
}

/** Nobody knows when a place is free; clients are told a round figure. */
const RETRY_WHEN_FULL_MS = 100
