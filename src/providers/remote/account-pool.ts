import type { Random } from '../../kernel/index.ts'
import type { RemotePolicy } from './policy.ts'
import type { Headroom } from './rate-headers.ts'

/** What a pool must know of an account; who it is to the provider is the credential's matter. */
export interface Pooled {
  readonly name: string
  readonly weight: number
}

/**
 * How a try ended, as far as its account cares.
 * - `answered`: the provider did its part; a bad request or a filtered answer is not the account's fault.
 * - `failed`: not reached, broken off, 5xx, silence. So many in a row open the circuit.
 * - `limited`: 429, or told to come back later; rests as long as it was told, or longer each time.
 * - `refused`: 401, 403, or no money left. Rests long.
 * - `unknown`: we stopped it ourselves; says nothing.
 */
export type TryVerdict =
  | { readonly kind: 'answered' | 'failed' | 'unknown' }
  | { readonly kind: 'limited'; readonly restMs: number | null; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }

export type AccountState = 'ready' | 'resting' | 'open' | 'half-open' | 'unready'

/**
 * One key or region.
 *
 * ready ──failed × n──▶ open(until) ──time──▶ half-open: one probe ──answered──▶ ready, ──failed──▶ open, twice as long
 * ready ──limited, refused, used up──▶ resting(until) ──time──▶ ready
 * unready: it has no secret; read again when somebody asks.
 */
export class Account<P extends Pooled> {
  readonly of: P
  inFlight = 0
  /** Without a secret; in words. */
  missing: string | undefined
  failures = 0
  openUntilMs = 0
  /** Since it last answered; how long it stays open next follows from it. */
  openings = 0
  circuitOpenings = 0
  isProbed = false
  limitedInRow = 0
  restsUntilMs = 0
  restReason: string | null = null
  rests = 0
  /** The rest that was reported last, so that each is once. */
  toldRestMs = 0
  /** As the last answer told it; monotonic. Null: none ever did. */
  headroom: { readonly of: readonly Headroom[]; readonly atMs: number } | null = null

  constructor(of: P) {
    this.of = of
  }

  state(nowMs: number, circuitFailures: number): AccountState {
    if (this.missing !== undefined) return 'unready'
    if (nowMs < this.restsUntilMs) return 'resting'
    if (this.failures < circuitFailures) return 'ready'
    return nowMs < this.openUntilMs ? 'open' : 'half-open'
  }
}

/** The accounts of one provider: each request goes to one of those that take it, by weight. */
export class AccountPool<P extends Pooled> {
  readonly accounts: readonly Account<P>[]
  readonly #policy: RemotePolicy
  readonly #random: Random

  constructor(pooled: readonly P[], policy: RemotePolicy, random: Random) {
    this.accounts = pooled.map((one) => new Account(one))
    this.#policy = policy
    this.#random = random
  }

  /** Counts one in flight on what it returns; given back by `release`, once. */
  pick(nowMs: number, excluded?: readonly Account<P>[]): Account<P> | undefined {
    const takes = (account: Account<P>) => this.takes(account, nowMs) && excluded?.includes(account) !== true
    let weights = 0
    for (const account of this.accounts) if (takes(account)) weights += account.of.weight
    if (weights === 0) return undefined
    let at = this.#random() * weights
    let picked: Account<P> | undefined
    for (const account of this.accounts) {
      if (!takes(account)) continue
      picked = account
      at -= account.of.weight
      if (at < 0) break
    }
    if (picked !== undefined) {
      picked.inFlight++
      if (this.stateOf(picked, nowMs) === 'half-open') picked.isProbed = true
    }
    return picked
  }

  release(account: Account<P>, verdict: TryVerdict, nowMs: number): void {
    account.inFlight--
    const wasProbe = account.isProbed && this.stateOf(account, nowMs) === 'half-open'
    account.isProbed = false
    if (verdict.kind === 'unknown') return
    if (verdict.kind === 'failed') {
      this.#failed(account, wasProbe, nowMs)
      return
    }
    account.failures = 0
    account.openings = 0
    if (verdict.kind === 'limited') this.#limited(account, verdict.restMs, verdict.why, nowMs)
    else if (verdict.kind === 'refused') this.rest(account, this.#policy.longRestMs, verdict.why, nowMs)
    else account.limitedInRow = 0
  }

  /** Sets an account aside; a shorter rest never ends a longer one. */
  rest(account: Account<P>, restMs: number, reason: string, nowMs: number): void {
    const untilMs = nowMs + Math.min(restMs, this.#policy.maxRestMs)
    if (untilMs <= account.restsUntilMs || untilMs <= nowMs) return
    if (account.restsUntilMs <= nowMs) account.rests++
    account.restsUntilMs = untilMs
    account.restReason = reason
  }

  takes(account: Account<P>, nowMs: number): boolean {
    const state = this.stateOf(account, nowMs)
    return state === 'ready' || (state === 'half-open' && !account.isProbed)
  }

  isReady(nowMs: number): boolean {
    for (const account of this.accounts) if (this.takes(account, nowMs)) return true
    return false
  }

  stateOf(account: Account<P>, nowMs: number): AccountState {
    return account.state(nowMs, this.#policy.circuitFailures)
  }

  /** When time alone makes the first of them take requests again; Infinity: time does not. */
  readyAtMs(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY
    for (const account of this.accounts) {
      if (this.takes(account, nowMs)) return nowMs
      const state = this.stateOf(account, nowMs)
      if (state === 'unready' || state === 'half-open') continue
      const circuitMs = account.failures >= this.#policy.circuitFailures ? account.openUntilMs : 0
      earliestMs = Math.min(earliestMs, Math.max(account.restsUntilMs, circuitMs))
    }
    return earliestMs
  }

  /** Those that were in flight when the circuit opened fail together; they are one failure, not many. */
  #failed(account: Account<P>, wasProbe: boolean, nowMs: number): void {
    const { circuitFailures, maxOpenMs, openMs } = this.#policy
    const isOpen = account.failures >= circuitFailures
    if (isOpen && !wasProbe) return
    if (!isOpen) account.failures++
    if (account.failures < circuitFailures) return
    account.openUntilMs = nowMs + Math.min(maxOpenMs, openMs * 2 ** account.openings)
    account.openings++
    account.circuitOpenings++
  }

  #limited(account: Account<P>, toldMs: number | null, why: string, nowMs: number): void {
    const { limitedRestMs, maxLimitedRestMs } = this.#policy
    const mostMs = Math.min(maxLimitedRestMs, limitedRestMs * 2 ** account.limitedInRow)
    account.limitedInRow++
    const ownMs = mostMs * (0.5 + this.#random() / 2)
    this.rest(account, toldMs ?? ownMs, why, nowMs)
  }
}
