import type { KeyLimits, LeaseLaw } from '../../contracts/index.ts'
import type { Clock, Logger, Random } from '../../kernel/index.ts'
import {
  type Allowance,
  type AllowanceSpec,
  ASK,
  type KeyBudget,
  type LeaseAuthority,
  LeaseClient,
  type Refusal,
  type SharedBudget,
} from '../../routing/index.ts'
import { MetricText } from '../metrics/render.ts'

export interface SharedLimitsOptions {
  readonly authority: LeaseAuthority
  /** Of the gateway; with its start it makes the session. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Millionths of a dollar are leased; here money is counted in 10⁻¹⁸ dollars. */
const ATTODOLLARS_A_UNIT = 10n ** 12n
/** How often a request asks again before it is told that the limit is reached: others may take what it had leased. */
const MAX_ROUNDS = 3
const RETRY_MS = 100

/** Limits that all gateways count together, by leases. What is leased is taken without waiting. */
export class SharedLimits {
  readonly #client: LeaseClient
  readonly #clock: Clock
  readonly #budgets = new WeakMap<KeyBudget, KeyShare>()

  constructor({ authority, clock, log, name, random }: SharedLimitsOptions) {
    this.#clock = clock
    const session = `${name}.${clock.nowMs().toString(36)}.${Math.floor(random() * 2 ** 32).toString(36)}`
    this.#client = new LeaseClient({ authority, session, clock, random, log })
  }

  start(): void {
    this.#client.start()
  }

  /** For the rules of tenants and models and what keys may use of tokens and money. */
  readonly allowance = ({ id, limit, measure, onStoreDown, span }: AllowanceSpec): Allowance => {
    const unit = measure === 'cost' ? ATTODOLLARS_A_UNIT : 1n
    // Down, so that no more is granted than was allowed.
    const units = Number(limit / unit)
    const law: LeaseLaw =
      span === 'once'
        ? { kind: 'places', limit: units }
        : span === 'minute'
          ? { kind: 'rate', limit: units, periodMs: 60_000 }
          : { kind: 'calendar', limit: units, span }
    return this.#client.account({ id, law, unit, onStoreDown })
  }

  lease(short: readonly { readonly allowance: Allowance; readonly amount: bigint }[]): Promise<void> {
    return this.#client.lease(short)
  }

  /** After a request was admitted here: whether all gateways together still may. A promise only where a lease is used up. */
  admit(publicId: string, budget: KeyBudget): Refusal | undefined | Promise<Refusal | undefined> {
    const { concurrency, requestsPerSecond } = budget.limits
    if (concurrency === null && requestsPerSecond === null && budget.shared === undefined) return undefined
    let share = this.#budgets.get(budget)
    if (share === undefined) {
      share = new KeyShare(publicId, this.#client, this.#clock)
      this.#budgets.set(budget, share)
      budget.shared = share
    }
    return share.admit(budget.limits)
  }

  get metricsText(): string {
    const { answered, authority, failed, isUp, waited } = this.#client.view
    const text = new MetricText()
    const by = `authority="${authority}"`
    text.head(
      'slipway_gateway_shared_limits_up',
      'gauge',
      'Whether who counts limits for all gateways answers.',
    )
    text.line('slipway_gateway_shared_limits_up', by, isUp ? 1 : 0)
    text.head('slipway_gateway_lease_messages_total', 'counter', 'Messages about shared limits by outcome.')
    text.line('slipway_gateway_lease_messages_total', `${by},outcome="answered"`, answered)
    text.line('slipway_gateway_lease_messages_total', `${by},outcome="failed"`, failed)
    text.head('slipway_gateway_lease_waits_total', 'counter', 'Requests that had to wait for a lease.')
    text.line('slipway_gateway_lease_waits_total', by, waited)
    return text.toString()
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** Requests a second and at once of one key. When nobody can be asked they are counted on here. */
class KeyShare implements SharedBudget {
  readonly #publicId: string
  readonly #client: LeaseClient
  readonly #clock: Clock
  #limits: KeyLimits | undefined
  #rate: Allowance | undefined
  #places: Allowance | undefined
  /** Places that were taken for requests that are in flight. */
  #taken = 0
  #waiting = 0

  constructor(publicId: string, client: LeaseClient, clock: Clock) {
    this.#publicId = publicId
    this.#client = client
    this.#clock = clock
  }

  admit(limits: KeyLimits): Refusal | undefined | Promise<Refusal | undefined> {
    if (limits !== this.#limits) this.#follow(limits)
    const taken = this.#take()
    return taken === ASK ? this.#ask() : taken
  }

  freed(inFlight: number): void {
    while (this.#taken > inFlight - this.#waiting) {
      this.#taken--
      const nowMs = this.#clock.monotonicMs()
      this.#places?.settle(1n, 1n, nowMs, nowMs)
    }
  }

  #follow(limits: KeyLimits): void {
    const { concurrency, requestsPerSecond } = limits
    this.#limits = limits
    const terms = (what: string, law: LeaseLaw) =>
      this.#client.account({ id: `key/${this.#publicId}/${what}`, law, unit: 1n, onStoreDown: 'open' })
    this.#rate =
      requestsPerSecond === null
        ? undefined
        : terms('requests/second', { kind: 'rate', limit: requestsPerSecond, periodMs: 1000 })
    // Kept while places of it are in use, so that they can be given back.
    if (concurrency !== null) this.#places = terms('concurrency', { kind: 'places', limit: concurrency })
    else if (this.#taken === 0) this.#places = undefined
  }

  /** First a place, then the rate, so that a request refused for want of a place costs no rate. */
  #take(): Refusal | undefined | typeof ASK {
    const { concurrency, requestsPerSecond } = this.#limits as KeyLimits
    const nowMs = this.#clock.monotonicMs()
    const places = concurrency === null ? undefined : this.#places
    const forPlace = places?.take(1n, nowMs) ?? 0
    if (forPlace === ASK) return ASK
    if (forPlace > 0)
      return { code: 'concurrency_limited', limit: concurrency as number, retryAfterMs: Math.ceil(forPlace) }
    const forRate = this.#rate?.take(1n, nowMs) ?? 0
    if (forRate === 0) {
      if (places !== undefined) this.#taken++
      return undefined
    }
    places?.giveBack(1n, nowMs)
    if (forRate === ASK) return ASK
    return { code: 'rate_limited', limit: requestsPerSecond as number, retryAfterMs: Math.ceil(forRate) }
  }

  async #ask(): Promise<Refusal | undefined> {
    this.#waiting++
    try {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        await this.#client.lease(this.#short())
        const taken = this.#take()
        if (taken !== ASK) return taken
      }
      const limit = this.#limits?.requestsPerSecond
      return limit === null || limit === undefined
        ? { code: 'concurrency_limited', limit: this.#limits?.concurrency ?? 0, retryAfterMs: RETRY_MS }
        : { code: 'rate_limited', limit, retryAfterMs: RETRY_MS }
    } finally {
      this.#waiting--
    }
  }

  #short(): { allowance: Allowance; amount: bigint }[] {
    const nowMs = this.#clock.monotonicMs()
    return [this.#places, this.#rate]
      .filter((allowance) => allowance !== undefined && allowance.left(nowMs) < 1n)
      .map((allowance) => ({ allowance: allowance as Allowance, amount: 1n }))
  }
}
