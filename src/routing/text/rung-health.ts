import type { RungTrigger } from '../../contracts/index.ts'

type RungState = 'closed' | 'open' | 'probing'

const BUCKETS = 10

/**
 * Whether a rung is worth asking, from how its last requests ended.
 *
 * closed ──rate ≥ openAboveRate over minRequests──▶ open ──holdMs──▶ probing: one request at a time
 *   ▲                                                 ▲                 │
 *   └──── enough probes, rate ≤ closeBelowRate ───────┼─────────────────┤
 *                                                     └── too many of them fail
 *
 * Two rates and a least time in each state, since one threshold flaps: the traffic that comes back is what broke it.
 */
export class RungHealth {
  readonly #trigger: RungTrigger
  readonly #requests = new Array<number>(BUCKETS).fill(0)
  readonly #failures = new Array<number>(BUCKETS).fill(0)
  /** The newest bucket, as a count of bucket lengths since the clock's zero. */
  #newest = 0
  #state: RungState = 'closed'
  #sinceMs = Number.NEGATIVE_INFINITY
  #probes = 0
  #failedProbes = 0
  #isProbeOut = false

  constructor(trigger: RungTrigger) {
    this.#trigger = trigger
  }

  /** Whether a request may go there now; a yes while probing is the probe, and `ended` must follow. */
  take(nowMs: number): boolean {
    this.#age(nowMs)
    if (this.#state === 'closed') return true
    if (this.#state === 'open') return false
    if (this.#isProbeOut) return false
    this.#isProbeOut = true
    return true
  }

  /** How a request that went there ended; `counts` is false for what says nothing of the rung (a cancelled one). */
  ended(isFailure: boolean, counts: boolean, nowMs: number): void {
    this.#age(nowMs)
    if (this.#state === 'probing') this.#probed(isFailure, counts, nowMs)
    else if (counts) this.#count(isFailure, nowMs)
  }

  get state(): RungState {
    return this.#state
  }

  /** Of the window; null below `minRequests`, where a rate would say nothing. */
  rate(nowMs: number): number | null {
    this.#roll(nowMs)
    const requests = sum(this.#requests)
    return requests < this.#trigger.minRequests ? null : sum(this.#failures) / requests
  }

  #count(isFailure: boolean, nowMs: number): void {
    this.#roll(nowMs)
    const bucket = this.#newest % BUCKETS
    this.#requests[bucket] = (this.#requests[bucket] ?? 0) + 1
    if (isFailure) this.#failures[bucket] = (this.#failures[bucket] ?? 0) + 1
    if (this.#state !== 'closed' || !this.#isHeld(nowMs)) return
    const rate = this.rate(nowMs)
    if (rate !== null && rate >= this.#trigger.openAboveRate) this.#become('open', nowMs)
  }

  #probed(isFailure: boolean, counts: boolean, nowMs: number): void {
    this.#isProbeOut = false
    if (!counts) return
    this.#probes++
    if (isFailure) this.#failedProbes++
    const wanted = Math.max(3, Math.ceil(this.#trigger.minRequests / 4))
    if (this.#failedProbes > this.#trigger.closeBelowRate * wanted) this.#become('open', nowMs)
    else if (this.#probes >= wanted) this.#become('closed', nowMs)
  }

  #age(nowMs: number): void {
    if (this.#state === 'open' && this.#isHeld(nowMs)) this.#become('probing', nowMs)
  }

  #isHeld(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= this.#trigger.holdMs
  }

  #become(state: RungState, nowMs: number): void {
    this.#state = state
    this.#sinceMs = nowMs
    this.#probes = 0
    this.#failedProbes = 0
    this.#isProbeOut = false
    if (state !== 'closed') return
    // The window that opened it must not open it again.
    this.#requests.fill(0)
    this.#failures.fill(0)
  }

  #roll(nowMs: number): void {
    const newest = Math.floor(nowMs / (this.#trigger.windowMs / BUCKETS))
    const steps = Math.min(newest - this.#newest, BUCKETS)
    for (let step = 1; step <= steps; step++) {
      const bucket = (this.#newest + step) % BUCKETS
      this.#requests[bucket] = 0
      this.#failures[bucket] = 0
    }
    if (newest > this.#newest) this.#newest = newest
  }
}

function sum(counts: readonly number[]): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
