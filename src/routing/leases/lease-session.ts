import type { LeaseAnswer, LeaseExchange } from '../../contracts/index.ts'
import type { Allowance } from '../text/allowance.ts'
import { type Leased, LeasedAmount, type LeaseLine, type LeaseTerms } from './leased-allowance.ts'
import { LeasedPlaces } from './leased-places.ts'

const MAX_ASKS = 256
const MAX_ACCOUNTS = 50_000
/** Far below the time after which a silent session is forgotten, and with it what requests under way could give back. */
export const HEARTBEAT_MS = 30_000

interface Waiter {
  readonly accounts: readonly Leased[]
  readonly wake: () => void
}

interface UnderWay {
  readonly message: LeaseExchange
  readonly accounts: readonly Leased[]
  readonly waiters: readonly Waiter[]
  readonly sentMs: number
}

/**
 * What one gateway leases and what it says to who counts for all. It decides; `LeaseClient` sends.
 *
 * quiet ──somebody waits, a lease runs low or out, something is to be given back──▶ under way ──answered──▶ quiet
 * A message that fails stays under way and is sent again as it was, until it is answered; meanwhile `down` says why, and
 * nobody waits: the accounts decide by their policy.
 */
export class LeaseSession implements LeaseLine {
  down: string | undefined
  readonly #name: string
  #restarts = 0
  #sequence = 0
  #saidMs = Number.NEGATIVE_INFINITY
  readonly #accounts = new Map<string, Leased>()
  readonly #active = new Set<Leased>()
  #waiters: Waiter[] = []
  #underWay: UnderWay | undefined

  readonly #stirred: () => void

  /** `name`: one start of one gateway, unlike any other. `stirred`: it was quiet, and soon may have something to say. */
  constructor(name: string, stirred: () => void = () => undefined) {
    this.#name = name
    this.#stirred = stirred
  }

  get isQuiet(): boolean {
    return this.#active.size === 0 && this.#underWay === undefined
  }

  get waiting(): number {
    return this.#waiters.length + (this.#underWay?.waiters.length ?? 0)
  }

  get session(): string {
    return `${this.#name}.${this.#restarts}`
  }

  /** The account of these terms; one that is known takes the new limit and keeps what it holds. */
  account(terms: LeaseTerms): Leased {
    const known = this.#accounts.get(terms.id)
    if (known !== undefined) {
      known.terms = terms
      return known
    }
    if (this.#accounts.size >= MAX_ACCOUNTS) this.#forgetIdle()
    const account =
      terms.law.kind === 'places' ? new LeasedPlaces(terms, this) : new LeasedAmount(terms, this)
    this.#accounts.set(terms.id, account)
    return account
  }

  touched(account: Leased): void {
    const wasQuiet = this.#active.size === 0
    this.#active.add(account)
    if (wasQuiet) this.#stirred()
  }

  /** Calls back when the next message was answered, or cannot be: then it is worth taking again. */
  wait(short: readonly { readonly allowance: Allowance; readonly amount: bigint }[], wake: () => void): void {
    const accounts = short.map(({ allowance }) => allowance as Leased)
    for (const { allowance, amount } of short) (allowance as Leased).await(amount)
    this.#waiters.push({ accounts, wake })
  }

  /** The message that is under way, or a new one, or undefined where there is nothing to say. */
  message(nowMs: number): LeaseExchange | undefined {
    if (this.#underWay !== undefined) return this.#underWay.message
    const accounts = new Set<Leased>()
    const boarding = this.#waiters.findIndex((waiter) => {
      if (accounts.size + waiter.accounts.length > MAX_ASKS) return true
      for (const account of waiter.accounts) accounts.add(account)
      return false
    })
    const waiters = boarding < 0 ? this.#waiters : this.#waiters.slice(0, boarding)
    for (const account of this.#active) {
      if (accounts.size >= MAX_ASKS) break
      if (account.isDue(nowMs)) accounts.add(account)
      else if (account.isIdle) this.#active.delete(account)
    }
    const isSilent = this.#sequence > 0 && nowMs - this.#saidMs >= HEARTBEAT_MS
    if (accounts.size === 0 && !isSilent) return undefined
    this.#waiters = boarding < 0 ? [] : this.#waiters.slice(boarding)
    const asking = [...accounts]
    const message: LeaseExchange = {
      session: this.session,
      sequence: ++this.#sequence,
      asks: asking.map((account) => account.ask(nowMs)),
    }
    this.#saidMs = nowMs
    this.#underWay = { message, accounts: asking, waiters, sentMs: nowMs }
    return message
  }

  answered(answer: LeaseAnswer, nowMs: number): void {
    const underWay = this.#underWay
    if (underWay === undefined || answer.sequence !== underWay.message.sequence) return
    this.#underWay = undefined
    this.down = undefined
    underWay.accounts.forEach((account, index) => {
      const grant = answer.grants[index]
      if (grant === undefined) return
      account.answered(grant, underWay.sentMs, nowMs)
      this.#active.add(account)
    })
    for (const { wake } of underWay.waiters) wake()
  }

  failed(reason: string): void {
    this.down = reason
    const waiters = [...(this.#underWay?.waiters ?? []), ...this.#waiters]
    this.#waiters = []
    if (this.#underWay !== undefined) this.#underWay = { ...this.#underWay, waiters: [] }
    for (const { wake } of waiters) wake()
  }

  /** It will never be taken: a new session begins, which has nothing to give back. */
  refused(reason: string): void {
    this.failed(reason)
    this.#underWay = undefined
    this.#restarts++
    this.#sequence = 0
  }

  relinquish(nowMs: number): void {
    for (const account of this.#active) account.relinquish(nowMs)
  }

  #forgetIdle(): void {
    for (const [id, account] of this.#accounts) {
      if (!account.isIdle) continue
      this.#accounts.delete(id)
      this.#active.delete(account)
    }
  }
}
