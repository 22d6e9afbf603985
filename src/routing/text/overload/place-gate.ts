import { ConcurrencyLimit, type LimitLaw, type LimitSettings } from './concurrency-limit.ts'
import { PlaceRate } from './predicted-start.ts'

/** Bounds of one class: how many may wait, and for how long. */
export interface ClassBound {
  readonly maxQueued: number
  readonly maxWaitMs: number
}

export interface GateSettings extends LimitSettings {
  readonly reserveShare: number
  readonly predictQuantile: number
  /** By rank, the first class first. */
  readonly classes: readonly ClassBound[]
}

/** Somebody who wants a place; the gate keeps it while it waits. */
export interface Waiter {
  /** Place of its priority class, 0 being the first. */
  readonly rank: number
  /** Of no use after this, monotonic ms. */
  readonly deadlineMs: number
}

export type GateRefusalReason = 'queue-full' | 'predicted' | 'waited'

export interface GateRefusal {
  readonly reason: GateRefusalReason
  /** The predicted start. */
  readonly retryAfterMs: number
}

export interface GatePlace {
  readonly rank: number
  readonly startedMs: number
  /** With itself. */
  readonly inFlight: number
}

/**
 * The places at one upstream version:
 *
 * arrive ─┬ a place is free for its class, nobody of it or above waits ──▶ placed ──▶ ended
 *         ├ it would start within its deadline and its class's bound ────▶ queued ─┬▶ placed (`next`)
 *         │                                                                        ├▶ refused (`expire`)
 *         └ else ──▶ refused at once, told when to come back                        └▶ gone (`leave`)
 *
 * Who waits is served by class, then by arrival. Of the limit a share is kept from lower classes for each higher one that
 * had requests lately, so that these need not wait for a long answer of a batch to end; while higher classes are silent,
 * lower ones have it all. Pure: who holds it calls `next` after everything that may free a place, and `expire` at
 * `dueMs`.
 */
export class PlaceGate<W extends Waiter> {
  readonly #settings: GateSettings
  readonly #limit: LimitLaw
  readonly #rate = new PlaceRate()
  readonly #queues: readonly Map<W, number>[]
  readonly #inFlight: number[]
  readonly #seenMs: number[]
  #total = 0

  constructor(settings: GateSettings, limit: LimitLaw = new ConcurrencyLimit(settings)) {
    this.#settings = settings
    this.#limit = limit
    this.#queues = settings.classes.map(() => new Map<W, number>())
    this.#inFlight = settings.classes.map(() => 0)
    this.#seenMs = settings.classes.map(() => Number.NEGATIVE_INFINITY)
  }

  arrive(waiter: W, nowMs: number): GatePlace | 'queued' | GateRefusal {
    const { rank } = waiter
    this.#seenMs[rank] = nowMs
    const ahead = this.#ahead(rank)
    if (ahead === 0 && this.#hasPlace(rank, nowMs)) {
      this.#rate.arrived(rank, nowMs)
      return this.#place(rank, nowMs)
    }
    const startsInMs = this.#startsInMs(rank, ahead, nowMs)
    const bound = this.#settings.classes[rank] as ClassBound
    const dueMs = Math.min(waiter.deadlineMs, nowMs + bound.maxWaitMs)
    const queue = this.#queues[rank] as Map<W, number>
    if (queue.size >= bound.maxQueued) return refusal('queue-full', startsInMs)
    if (nowMs + startsInMs > dueMs) return refusal('predicted', startsInMs)
    // Only those who are let in take places from lower classes.
    this.#rate.arrived(rank, nowMs)
    queue.set(waiter, dueMs)
    return 'queued'
  }

  /** Whoever starts now; call again until there is nobody. Those past their time are left to `expire`. */
  next(nowMs: number): { readonly waiter: W; readonly place: GatePlace } | undefined {
    for (const [rank, queue] of this.#queues.entries()) {
      if (queue.size === 0) continue
      for (const [waiter, dueMs] of queue) {
        if (dueMs <= nowMs) continue
        if (!this.#hasPlace(rank, nowMs)) return undefined
        queue.delete(waiter)
        return { waiter, place: this.#place(rank, nowMs) }
      }
    }
    return undefined
  }

  /** A place beside the queue, for a second attempt: only where one is free and nobody waits at all. */
  spare(rank: number, nowMs: number): GatePlace | undefined {
    if (this.queuedInAll > 0 || !this.#hasPlace(rank, nowMs)) return undefined
    return this.#place(rank, nowMs)
  }

  /** @param ttftMs as the upstream told it; else from the place until now. */
  firstContent(place: GatePlace, nowMs: number, ttftMs = nowMs - place.startedMs): void {
    const { inFlight, rank, startedMs } = place
    this.#limit.sample({ rank, startedMs, inFlight, ttftMs }, nowMs)
  }

  /**
   * The place is given back.
   * @param how `overloaded`: the upstream turned it away for load or was too slow; `unused`: nothing was asked.
   */
  ended(place: GatePlace, how: 'answered' | 'overloaded' | 'unused', nowMs: number): void {
    this.#inFlight[place.rank] = this.inFlight(place.rank) - 1
    this.#total--
    if (how === 'overloaded') this.#limit.overloaded(place.startedMs, nowMs)
    if (how === 'answered') this.#rate.ended(nowMs - place.startedMs)
  }

  /** Who waited is gone; false: it did not wait. */
  leave(waiter: W): boolean {
    return this.#queues[waiter.rank]?.delete(waiter) ?? false
  }

  /** One whose time to wait is over; call again until there is nobody. */
  expire(nowMs: number): { readonly waiter: W; readonly refusal: GateRefusal } | undefined {
    for (const [rank, queue] of this.#queues.entries())
      for (const [waiter, dueMs] of queue)
        if (dueMs <= nowMs) {
          queue.delete(waiter)
          return { waiter, refusal: refusal('waited', this.#startsInMs(rank, this.#ahead(rank), nowMs)) }
        }
    return undefined
  }

  /** When the first of those who wait is past its time; infinite while nobody waits. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const queue of this.#queues) for (const due of queue.values()) dueMs = Math.min(dueMs, due)
    return dueMs
  }

  get limit(): number {
    return this.#limit.limit
  }
  get inFlightInAll(): number {
    return this.#total
  }
  get queuedInAll(): number {
    let queued = 0
    for (const queue of this.#queues) queued += queue.size
    return queued
  }

  /** The most that may be at the upstream when one of this class starts. */
  capOf(rank: number, nowMs: number): number {
    const { limit } = this
    let kept = 0
    for (let higher = 0; higher < rank; higher++)
      if (this.#isActive(higher, nowMs)) kept += Math.ceil(this.#settings.reserveShare * limit)
    return Math.max(1, limit - kept)
  }

  inFlight(rank: number): number {
    return this.#inFlight[rank] ?? 0
  }

  queued(rank: number): number {
    return this.#queues[rank]?.size ?? 0
  }

  baselineMs(rank: number): number | undefined {
    return this.#limit.baselineMs(rank)
  }

  #isActive(rank: number, nowMs: number): boolean {
    if (this.inFlight(rank) > 0 || this.queued(rank) > 0) return true
    return nowMs - (this.#seenMs[rank] as number) < ACTIVE_MS
  }

  #hasPlace(rank: number, nowMs: number): boolean {
    return this.#total < this.capOf(rank, nowMs)
  }

  #place(rank: number, nowMs: number): GatePlace {
    this.#total++
    this.#inFlight[rank] = this.inFlight(rank) + 1
    return { rank, startedMs: nowMs, inFlight: this.#total }
  }

  /** Of its class and above. */
  #ahead(rank: number): number {
    let ahead = 0
    for (let each = 0; each <= rank; each++) ahead += this.queued(each)
    return ahead
  }

  /** More may be at the upstream than its class may have: so many must end first. */
  #startsInMs(rank: number, ahead: number, nowMs: number): number {
    const over = Math.max(0, this.#total - this.capOf(rank, nowMs))
    const { predictQuantile } = this.#settings
    const places = Math.max(1, Math.min(this.#total, this.limit))
    return this.#rate.startsInMs(ahead + over, rank, places, predictQuantile, nowMs)
  }
}

/** A class counts as having requests for so long after its last. */
const ACTIVE_MS = 10_000
/** Nobody is sent away for longer, and nobody comes back at once. */
const MOST_RETRY_MS = 60_000
const LEAST_RETRY_MS = 100

function refusal(reason: GateRefusalReason, startsInMs: number): GateRefusal {
  return { reason, retryAfterMs: Math.ceil(Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, startsInMs))) }
}
