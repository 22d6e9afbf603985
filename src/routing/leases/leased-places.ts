import type { LeaseAsk, LeaseGrant } from '../../contracts/index.ts'
import { ASK } from '../text/allowance.ts'
import { LEASE_SAFETY } from './lease-law.ts'
import type { Leased, LeaseLine, LeaseTerms } from './leased-allowance.ts'

const DOWN_RETRY_MS = 1000
const MAX_REFUSED_MS = 100
/** Places are asked to be kept this often, of the time that they are leased for. */
const RENEW_SHARE = 0.3
/** How long a place that was in use is kept for the next request before others may have it. */
const KEEP_MS = 500
/** Of the most that were in use lately: so many are kept, in use or free. */
const KEEP_SHARE = 1.25

/**
 * Requests at once. Places are held, not used up: each message says how many this gateway holds, and a gateway that
 * falls silent loses them after the lease, so those of a killed one come back. A few more than the recent peak are kept
 * free unless they are scarce. A lease that could not be renewed gives no place any more, though the requests that have
 * one go on: so many may be too many until they end, and their places go with them.
 */
export class LeasedPlaces implements Leased {
  terms: LeaseTerms
  readonly #line: LeaseLine
  #inUse = 0
  #free = 0
  /** Of those in use: others have these places, so nobody gets them here when they end. */
  #lost = 0
  #untilMs = Number.NEGATIVE_INFINITY
  #renewAtMs = Number.NEGATIVE_INFINITY
  #waiting = 0
  #refusedUntilMs = Number.NEGATIVE_INFINITY
  #isScarce = false
  #peak = 0
  #peakAtMs = Number.NEGATIVE_INFINITY

  constructor(terms: LeaseTerms, line: LeaseLine) {
    this.terms = terms
    this.#line = line
  }

  take(amount: bigint, nowMs: number): number {
    const places = Number(amount)
    if (places <= this.#free && nowMs < this.#untilMs) {
      this.#free -= places
      this.#use(places, nowMs)
      return 0
    }
    if (this.#line.down !== undefined) {
      const isRoom = this.#inUse + places <= this.terms.law.limit
      if (this.terms.onStoreDown === 'closed' || !isRoom) return DOWN_RETRY_MS
      this.#free = Math.max(0, this.#free - places)
      this.#use(places, nowMs)
      return 0
    }
    return nowMs < this.#refusedUntilMs ? MAX_REFUSED_MS : ASK
  }

  get why(): string | undefined {
    return this.#line.down
  }

  settle(taken: bigint): void {
    const ended = Number(taken)
    const gone = Math.min(ended, this.#lost)
    this.#inUse -= ended
    this.#lost -= gone
    this.#free += ended - gone
    this.#line.touched(this)
  }

  giveBack(amount: bigint): void {
    this.settle(amount)
  }

  left(nowMs: number): bigint {
    return BigInt(nowMs < this.#untilMs ? this.#free : 0)
  }

  await(amount: bigint): void {
    this.#waiting += Number(amount)
    this.#line.touched(this)
  }

  isDue(nowMs: number): boolean {
    if (this.#waiting > 0) return true
    if (this.#free > 0 && this.#inUse + this.#free > this.#wished(nowMs)) return true
    return this.#inUse + this.#free > 0 && nowMs >= this.#renewAtMs
  }

  get isIdle(): boolean {
    return (
      this.#inUse === 0 &&
      this.#free === 0 &&
      this.#waiting === 0 &&
      this.#renewAtMs === Number.NEGATIVE_INFINITY
    )
  }

  ask(nowMs: number): LeaseAsk {
    const wished = this.#wished(nowMs)
    const surplus = this.#inUse + this.#free - Math.max(wished, this.#inUse + this.#waiting)
    if (surplus > 0) this.#free -= Math.min(this.#free, surplus)
    // A lease that ran out may have been given to others: only what is in use is claimed.
    if (nowMs >= this.#untilMs) this.#free = 0
    const holds = this.#inUse + this.#free
    const need = Math.max(0, this.#waiting - this.#free)
    this.#waiting = 0
    return {
      id: this.terms.id,
      law: this.terms.law,
      release: 0,
      owe: 0,
      first: Math.min(1, need),
      need,
      spare: Math.max(0, wished - holds - need),
      holds,
    }
  }

  answered(grant: LeaseGrant, sentMs: number, nowMs: number): void {
    this.#isScarce = grant.scarce
    this.#free += grant.granted
    const lostFree = Math.min(this.#free, grant.lost)
    this.#free -= lostFree
    this.#lost = Math.min(grant.lost - lostFree, this.#inUse)
    this.#untilMs = sentMs + grant.leaseMs * LEASE_SAFETY
    const isHolding = this.#inUse + this.#free > 0
    this.#renewAtMs = isHolding ? sentMs + grant.leaseMs * RENEW_SHARE : Number.NEGATIVE_INFINITY
    this.#refusedUntilMs = grant.waitMs === 0 ? Number.NEGATIVE_INFINITY : nowMs + MAX_REFUSED_MS
  }

  relinquish(): void {
    this.#free = 0
  }

  #wished(nowMs: number): number {
    if (this.#isScarce) return this.#inUse
    return nowMs - this.#peakAtMs < KEEP_MS ? Math.floor(this.#peak * KEEP_SHARE) : this.#inUse
  }

  #use(places: number, nowMs: number): void {
    this.#inUse += places
    if (this.#inUse >= this.#peak || nowMs - this.#peakAtMs >= KEEP_MS) {
      this.#peak = this.#inUse
      this.#peakAtMs = nowMs
    }
    this.#line.touched(this)
  }
}
