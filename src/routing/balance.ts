import type { Random } from '../kernel/index.ts'

/** What a balancer must know of a replica; `isReady` is read at each pick. */
export interface Balanced {
  readonly isReady: boolean
}

/**
 * How a pick ended, as far as balancing cares. `unreachable`: the connection could not be made or broke; that opens
 * the circuit. A model that fails on its input says nothing about the replica and is `answered`.
 */
export type PickOutcome = 'answered' | 'unreachable'

export interface BalancePolicy {
  /** A new replica gets a rising share of picks for so long; 0 turns it off. */
  readonly slowStartMs: number
  /** First time aside after a failed connection; doubled at each further failure up to the maximum. */
  readonly asideMs: number
  readonly maxAsideMs: number
}

export const defaultBalancePolicy: BalancePolicy = { slowStartMs: 0, asideMs: 250, maxAsideMs: 10_000 }

/**
 * A replica as the balancer sees it. It is its own handle: `pick` counts one in flight, `release` takes it back.
 *
 * closed ──unreachable──▶ open(until) ──time──▶ half-open: one probe ──answered──▶ closed, ──unreachable──▶ open, longer
 */
export class PoolMember<R extends Balanced> {
  readonly replica: R
  readonly addedAtMs: number
  inFlight = 0
  /** Outstanding work of those in flight: one each, or what each was picked with. */
  load = 0
  isDraining = false
  /** Consecutive failures; above 0 the circuit is open until `asideUntilMs`, then half-open. */
  failures = 0
  asideUntilMs = 0

  constructor(replica: R, nowMs: number) {
    this.replica = replica
    this.addedAtMs = nowMs
  }
}

/**
 * The replicas of one version. Power of two choices by outstanding work: requests of rows, tokens of text. Two at random, the less busy one wins
 * (Mitzenmacher 2001: the busiest of n replicas then holds log log n more than the mean, with no scan and no shared
 * state). Ready, non-draining replicas only; what is being retried elsewhere is excluded by the caller.
 */
export class ReplicaPool<R extends Balanced> {
  readonly members: PoolMember<R>[] = []
  readonly #policy: BalancePolicy
  readonly #random: Random

  constructor(random: Random, policy: BalancePolicy = defaultBalancePolicy) {
    this.#random = random
    this.#policy = policy
  }

  add(replica: R, nowMs: number): PoolMember<R> {
    const member = new PoolMember(replica, nowMs)
    this.members.push(member)
    return member
  }

  remove(member: PoolMember<R>): void {
    const at = this.members.indexOf(member)
    if (at >= 0) this.members.splice(at, 1)
  }

  /**
   * Counts one in flight on the member it returns; the caller gives it back with `release`, once and as heavy. What one
   * weighs only counts beside others of the same pool.
   */
  pick(nowMs: number, excluded?: readonly PoolMember<R>[], weight = 1): PoolMember<R> | undefined {
    const picked = this.#choose(nowMs, excluded)
    if (picked === undefined) return undefined
    picked.inFlight++
    picked.load += weight
    return picked
  }

  release(member: PoolMember<R>, outcome: PickOutcome, nowMs: number, weight = 1): void {
    member.inFlight--
    member.load -= weight
    if (outcome === 'answered') {
      member.failures = 0
      return
    }
    // Requests that were in flight on a broken connection fail together; they are one failure, not many.
    if (member.failures > 0 && nowMs < member.asideUntilMs) return
    member.failures++
    const { asideMs, maxAsideMs } = this.#policy
    member.asideUntilMs = nowMs + Math.min(maxAsideMs, asideMs * 2 ** (member.failures - 1))
  }

  /** How many replicas could be picked now. */
  available(nowMs: number): number {
    let count = 0
    for (const member of this.members) if (this.#takes(member, nowMs)) count++
    return count
  }

  #choose(nowMs: number, excluded: readonly PoolMember<R>[] | undefined): PoolMember<R> | undefined {
    const count = this.members.length
    if (count === 1) return this.#eligible(this.members[0] as PoolMember<R>, nowMs, excluded)
    if (count === 0) return undefined
    const first = Math.floor(this.#random() * count)
    const second = (first + 1 + Math.floor(this.#random() * (count - 1))) % count
    const left = this.#eligible(this.members[first] as PoolMember<R>, nowMs, excluded)
    const right = this.#eligible(this.members[second] as PoolMember<R>, nowMs, excluded)
    if (left !== undefined && right !== undefined)
      return this.#load(right, nowMs) < this.#load(left, nowMs) ? right : left
    return left ?? right ?? this.#leastBusy(nowMs, excluded)
  }

  /** Both choices were out: look at all, which only happens while replicas come and go. */
  #leastBusy(nowMs: number, excluded: readonly PoolMember<R>[] | undefined): PoolMember<R> | undefined {
    let best: PoolMember<R> | undefined
    for (const member of this.members) {
      if (this.#eligible(member, nowMs, excluded) === undefined) continue
      if (best === undefined || this.#load(member, nowMs) < this.#load(best, nowMs)) best = member
    }
    return best
  }

  #eligible(
    member: PoolMember<R>,
    nowMs: number,
    excluded: readonly PoolMember<R>[] | undefined,
  ): PoolMember<R> | undefined {
    if (!this.#takes(member, nowMs)) return undefined
    return excluded?.includes(member) ? undefined : member
  }

  #takes(member: PoolMember<R>, nowMs: number): boolean {
    if (member.isDraining || !member.replica.isReady) return false
    if (member.failures === 0) return true
    return nowMs >= member.asideUntilMs && member.inFlight === 0
  }

  /** Outstanding, weighed up for a replica that is still warming (a tenth of its share at first). */
  #load(member: PoolMember<R>, nowMs: number): number {
    const { slowStartMs } = this.#policy
    const ageMs = nowMs - member.addedAtMs
    if (ageMs >= slowStartMs) return member.load + 1
    return (member.load + 1) / Math.max(0.1, ageMs / slowStartMs)
  }
}
