import type { LeaseAsk, LeaseGrant, LeaseLaw } from '../../contracts/index.ts'
import { type Allowance, ASK } from '../text/allowance.ts'
import { LEASE_SAFETY, leaseMsOf, rateOf } from './lease-law.ts'

export interface LeaseTerms {
  /** The same on every gateway; names no limit. */
  readonly id: string
  readonly law: LeaseLaw
  /** How much of what is taken here is one unit of the lease: 10¹² attodollars are a millionth of a dollar. */
  readonly unit: bigint
  readonly onStoreDown: 'closed' | 'open'
}

/** What a leased account knows of the one who leases. */
export interface LeaseLine {
  /** Undefined: reachable, as far as is known. Else why not. */
  readonly down: string | undefined
  /** Something changed that a message may be worth sending for. */
  touched(account: Leased): void
}

/** One side of the exchange, as the lease client drives it. Times are monotonic ms of this process. */
export interface Leased extends Allowance {
  terms: LeaseTerms
  /** A request waits for so much; answered by the next message. */
  await(amount: bigint): void
  /** Whether a message now would say or get something. */
  isDue(nowMs: number): boolean
  /** Holds nothing and has nothing to say. */
  readonly isIdle: boolean
  /** What a message says and asks; it will be sent until it is answered, so all of it counts as told. */
  ask(nowMs: number): LeaseAsk
  /** `sentMs`: when the message was first sent; leases run from then, since the grant cannot be older. */
  answered(grant: LeaseGrant, sentMs: number, nowMs: number): void
  /** Puts all that is free into what the next message gives back. */
  relinquish(nowMs: number): void
}

const DOWN_RETRY_MS = 1000
/** What is wished for beyond what waits: the use of this part of a lease. */
const SPARE_SHARE = 0.4
const MAX_SPARE_MS = 10_000
/** A refusal is remembered no longer, since others may have given back by then. */
const MAX_REFUSED_MS = 250

interface Parcel {
  amount: bigint
  readonly untilMs: number
}

/**
 * Tokens, requests or money that this gateway leased and may use without asking. It is used up at the authority already,
 * so nothing here can admit too much; what is not used in its time, and what requests used less than they took, is
 * released by the next message and never used again here. When the authority is down and the lease is used up, `closed`
 * refuses, `open` goes on with what the authority said was left (and what fills again meanwhile), owing it.
 */
export class LeasedAmount implements Leased {
  terms: LeaseTerms
  readonly #line: LeaseLine
  #parcels: Parcel[] = []
  #free = 0n
  #release = 0n
  #owe = 0n
  #waiting: bigint[] = []
  #refused: { from: bigint; untilMs: number; retryAtMs: number } | undefined
  #askedFirst = 0n
  #isScarce = false
  #epoch = 0
  #epochSinceMs = Number.NEGATIVE_INFINITY
  /** Used per ms, smoothed. */
  #rate = 0
  #usedSince = 0n
  #sinceMs = Number.NEGATIVE_INFINITY
  #usedAtMs = Number.NEGATIVE_INFINITY
  /** Spares are not asked for at every turn: who counts has others to answer, and stores what it answers. */
  #askedMs = Number.NEGATIVE_INFINITY
  /** What could be taken while the authority is down, as it was at `#leftAtMs`. */
  #left: bigint | undefined
  #leftAtMs = 0
  #renewsAtMs = Number.POSITIVE_INFINITY

  constructor(terms: LeaseTerms, line: LeaseLine) {
    this.terms = terms
    this.#line = line
  }

  take(amount: bigint, nowMs: number): number {
    this.#expire(nowMs)
    if (amount <= this.#free) {
      this.#consume(amount)
      this.#use(amount, nowMs)
      return 0
    }
    if (this.#line.down !== undefined) return this.#takeWhileDown(amount, nowMs)
    const refused = this.#refused
    if (refused !== undefined && nowMs < refused.untilMs && amount >= refused.from)
      return Math.max(1, refused.retryAtMs - nowMs)
    return ASK
  }

  get why(): string | undefined {
    return this.#line.down
  }

  settle(taken: bigint, used: bigint, _nowMs: number, takenAtMs: number): void {
    if (used > taken) this.#owe += used - taken
    // What was taken in a span that is over is not missing in this one.
    else if (takenAtMs >= this.#epochSinceMs) this.#release += taken - used
    this.#line.touched(this)
  }

  giveBack(amount: bigint): void {
    const [oldest] = this.#parcels
    if (oldest === undefined) this.#release += amount
    else {
      oldest.amount += amount
      this.#free += amount
    }
  }

  left(nowMs: number): bigint {
    this.#expire(nowMs)
    return this.#free
  }

  await(amount: bigint): void {
    this.#waiting.push(amount)
    this.#line.touched(this)
  }

  isDue(nowMs: number): boolean {
    this.#expire(nowMs)
    const { unit } = this.terms
    if (this.#waiting.length > 0 || this.#release >= unit || this.#owe >= unit) return true
    const wished = this.#wished(nowMs)
    if (this.#isScarce) return this.#free > 0n
    return wished > 0n && this.#free < wished / 2n && nowMs - this.#askedMs >= this.#horizonMs / 4
  }

  get isIdle(): boolean {
    const { unit } = this.terms
    return this.#free === 0n && this.#release < unit && this.#owe < unit && this.#waiting.length === 0
  }

  ask(nowMs: number): LeaseAsk {
    this.#expire(nowMs)
    this.#measure(nowMs)
    const { id, law, unit } = this.terms
    const waiting = this.#waiting
    this.#waiting = []
    this.#askedMs = nowMs
    if (this.#isScarce && waiting.length === 0) this.relinquish(nowMs)
    // What is free here serves the first as well; it is just not enough.
    const first = waiting[0] ?? 0n
    const need = waiting.reduce((sum, amount) => sum + amount, 0n)
    const wished = this.#isScarce ? 0n : this.#wished(nowMs) - this.#free
    this.#askedFirst = first
    const release = this.#release / unit
    const owe = this.#owe / unit
    this.#release -= release * unit
    this.#owe -= owe * unit
    return {
      id,
      law,
      release: asUnits(release),
      owe: asUnits(owe),
      first: asUnits(unitsUp(missing(first, this.#free), unit)),
      need: asUnits(unitsUp(missing(need, this.#free), unit)),
      spare: wished > 0n ? asUnits(wished / unit) : 0,
      holds: 0,
    }
  }

  answered(grant: LeaseGrant, sentMs: number, nowMs: number): void {
    const { unit } = this.terms
    if (grant.epoch !== this.#epoch) {
      // Another day or month: what is left of the last one is worth nothing.
      this.#parcels = []
      this.#free = 0n
      this.#release = 0n
      this.#epoch = grant.epoch
      this.#epochSinceMs = nowMs
    }
    this.#isScarce = grant.scarce
    this.#left = BigInt(grant.left) * unit
    this.#leftAtMs = nowMs
    this.#renewsAtMs = grant.renewsMs > 0 ? sentMs + grant.renewsMs : Number.POSITIVE_INFINITY
    if (grant.granted > 0) {
      const amount = BigInt(grant.granted) * unit
      this.#parcels.push({ amount, untilMs: sentMs + grant.leaseMs * LEASE_SAFETY })
      this.#free += amount
    }
    this.#expire(nowMs)
    if (grant.waitMs === 0) this.#refused = undefined
    else {
      const waitMs = grant.waitMs < 0 ? Number.POSITIVE_INFINITY : grant.waitMs
      const untilMs = nowMs + Math.min(waitMs, MAX_REFUSED_MS)
      this.#refused = { from: this.#askedFirst, untilMs, retryAtMs: nowMs + waitMs }
    }
  }

  relinquish(nowMs: number): void {
    this.#expire(nowMs)
    this.#release += this.#free
    this.#free = 0n
    this.#parcels = []
    // Else the message that gives it back would wish for as much again.
    this.#usedAtMs = Number.NEGATIVE_INFINITY
  }

  #takeWhileDown(amount: bigint, nowMs: number): number {
    if (this.terms.onStoreDown === 'closed') return DOWN_RETRY_MS
    this.#fill(nowMs)
    const left = this.#left as bigint
    if (left < amount) return DOWN_RETRY_MS
    this.#left = left - amount
    // Owed at once, so that it settles like what was leased.
    this.#owe += amount
    this.#line.touched(this)
    return 0
  }

  /** With every gateway that goes on, so much may be used beyond the limit: no more than was left when last heard of. */
  #fill(nowMs: number): void {
    const { law, unit } = this.terms
    const whole = BigInt(Math.max(1, Math.floor(law.limit))) * unit
    if (this.#left === undefined || nowMs >= this.#renewsAtMs) {
      this.#left = whole
      this.#leftAtMs = nowMs
      this.#renewsAtMs = Number.POSITIVE_INFINITY
    } else if (law.kind === 'rate') {
      const { intervalMs } = rateOf(law)
      const filled = Math.floor((nowMs - this.#leftAtMs) / intervalMs)
      this.#leftAtMs += filled * intervalMs
      this.#left += BigInt(filled) * unit
      if (this.#left > whole) this.#left = whole
    }
  }

  get #horizonMs(): number {
    return Math.min(leaseMsOf(this.terms.law) * SPARE_SHARE, MAX_SPARE_MS)
  }

  #wished(nowMs: number): bigint {
    const horizonMs = this.#horizonMs
    if (nowMs - this.#usedAtMs > horizonMs) return 0n
    const soFar = this.#sinceMs === Number.NEGATIVE_INFINITY ? 0 : nowMs - this.#sinceMs
    const rate = soFar < MEASURE_MS ? this.#rate : Math.max(this.#rate, Number(this.#usedSince) / soFar)
    return BigInt(Math.ceil(rate * horizonMs))
  }

  #use(amount: bigint, nowMs: number): void {
    if (this.#sinceMs === Number.NEGATIVE_INFINITY) this.#sinceMs = nowMs
    this.#usedSince += amount
    this.#usedAtMs = nowMs
    this.#line.touched(this)
  }

  #measure(nowMs: number): void {
    const forMs = nowMs - this.#sinceMs
    if (this.#sinceMs === Number.NEGATIVE_INFINITY || forMs < MEASURE_MS) return
    this.#rate = (this.#rate + Number(this.#usedSince) / forMs) / 2
    this.#usedSince = 0n
    this.#sinceMs = nowMs
  }

  #consume(amount: bigint): void {
    this.#free -= amount
    let rest = amount
    for (const parcel of this.#parcels) {
      // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint.
      const taken = parcel.amount < rest ? parcel.amount : rest
      parcel.amount -= taken
      rest -= taken
      if (rest === 0n) return
    }
  }

  #expire(nowMs: number): void {
    while (this.#parcels.length > 0 && (this.#parcels[0] as Parcel).untilMs <= nowMs) {
      const { amount } = this.#parcels.shift() as Parcel
      this.#free -= amount
      this.#release += amount
    }
  }
}

/** Use over less time says little. */
const MEASURE_MS = 50

function missing(amount: bigint, free: bigint): bigint {
  return amount > free ? amount - free : 0n
}

function unitsUp(amount: bigint, unit: bigint): bigint {
  return (amount + unit - 1n) / unit
}

function asUnits(units: bigint): number {
  return Number(units > MAX_UNITS ? MAX_UNITS : units)
}

const MAX_UNITS = BigInt(Number.MAX_SAFE_INTEGER)
