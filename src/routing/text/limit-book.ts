import type { KeyLimits, LimitRule } from '../../contracts/index.ts'
import { type Allowance, ASK, CalendarAllowance, ConcurrencyAllowance, MinuteAllowance } from './allowance.ts'

/** What a request is expected to use at most, and then did use. Money in attodollars; undefined: no price is known. */
export interface TextUse {
  readonly tokens: bigint
  readonly cost: bigint | undefined
}

export interface LimitedBy {
  /** For a person: `2.5 USD a day of tenant free`. */
  readonly what: string
  /** Infinity: the request alone is more than the limit. */
  readonly retryAfterMs: number
}

/** Nothing was taken; who counts for all gateways must first lease so much. */
export interface Unleased {
  readonly short: readonly { readonly allowance: Allowance; readonly amount: bigint }[]
}

export interface Held {
  settle(used: TextUse, nowMs: number): void
}

export interface LimitSubject {
  readonly key: string
  readonly keyLimits: KeyLimits
  readonly tenant: string
  readonly model: string
}

export type Measure = 'requests' | 'tokens' | 'concurrency' | 'cost'

/** What one limit allows to whom. */
export interface AllowanceSpec {
  /** Whose, and what: `rule/free/tokens/minute`. Does not name the limit. */
  readonly id: string
  readonly measure: Measure
  /** `once`: at the same time. */
  readonly span: 'once' | 'minute' | 'day' | 'month'
  /** Whole; attodollars for `cost`. */
  readonly limit: bigint
  readonly onStoreDown: 'closed' | 'open'
}

export type MakeAllowance = (spec: AllowanceSpec) => Allowance

/** Counted by this process alone. */
export const localAllowance: MakeAllowance = ({ limit, span }) => {
  if (span === 'once') return new ConcurrencyAllowance(limit)
  return span === 'minute' ? new MinuteAllowance(limit) : new CalendarAllowance(limit, span)
}

interface Account {
  readonly what: string
  readonly measure: Measure
  readonly allowance: Allowance
}

/** Who was not seen for so long is forgotten when room is needed. */
const MAX_SUBJECTS = 50_000

/**
 * All limits that apply to a request: those of its key, and every rule for its tenant and model. A request takes from
 * each of them or from none, at its estimate; what it did use settles them. A cost that nobody can price cannot be held
 * to a limit of money, so where there is one such a request is refused, not let through for nothing.
 */
export class LimitBook {
  readonly #make: MakeAllowance
  #rules: readonly LimitRule[] = []
  /** By who and what and how much: a limit that changes begins anew, one that stays keeps what was used. */
  readonly #accounts = new Map<string, Account>()
  /** The accounts of each key, tenant and model that was seen under these rules. */
  readonly #found = new Map<string, readonly Account[]>()

  constructor(make: MakeAllowance = localAllowance) {
    this.#make = make
  }

  /** Rules of a new snapshot. */
  follow(rules: readonly LimitRule[]): void {
    this.#rules = rules
    this.#found.clear()
  }

  take(subject: LimitSubject, use: TextUse, nowMs: number): Held | LimitedBy | Unleased {
    const accounts = this.#accountsOf(subject)
    for (let index = 0; index < accounts.length; index++) {
      const account = accounts[index] as Account
      const amount = amountOf(account.measure, use)
      const waitMs = amount === undefined ? Number.POSITIVE_INFINITY : account.allowance.take(amount, nowMs)
      if (waitMs === 0) continue
      // All or none: what the earlier ones gave goes back.
      for (const earlier of accounts.slice(0, index))
        earlier.allowance.giveBack(amountOf(earlier.measure, use) ?? 0n, nowMs)
      if (waitMs === ASK) return { short: shortOf(accounts.slice(index), use, nowMs) }
      return { what: `${account.what}${reasonOf(account, amount)}`, retryAfterMs: waitMs }
    }
    return new Taken(accounts, use, nowMs)
  }

  #accountsOf(subject: LimitSubject): readonly Account[] {
    const { key, keyLimits, model, tenant } = subject
    const name = `${key}\n${tenant}\n${model}\n${keyLimits.tokensPerMinute ?? ''}\n${keyLimits.costUsdPerDay ?? ''}\n${keyLimits.costUsdPerMonth ?? ''}\n${keyLimits.onStoreDown ?? ''}`
    const found = this.#found.get(name)
    if (found !== undefined) return found
    if (this.#found.size >= MAX_SUBJECTS) this.#found.clear()
    const accounts = [
      ...this.#compile(`key ${key}`, `key/${key}`, {
        tokensPerMinute: keyLimits.tokensPerMinute ?? undefined,
        costUsdPerDay: keyLimits.costUsdPerDay ?? undefined,
        costUsdPerMonth: keyLimits.costUsdPerMonth ?? undefined,
        onStoreDown: keyLimits.onStoreDown,
      }),
      ...this.#rules
        .filter((rule) => applies(rule, tenant, model))
        .flatMap((rule) => this.#compile(ownerOf(rule, subject), `rule/${rule.name}`, rule)),
    ]
    this.#found.set(name, accounts)
    return accounts
  }

  #compile(owner: string, id: string, limits: Partial<LimitRule>): Account[] {
    const { concurrency, costUsdPerDay, costUsdPerMonth, requestsPerMinute, tokensPerMinute } = limits
    const accounts: Account[] = []
    const add = (limit: number | undefined, unit: string, measure: Measure, span: AllowanceSpec['span']) => {
      if (limit === undefined) return
      const whole = measure === 'cost' ? attodollarsOf(limit) : BigInt(Math.ceil(limit))
      const onStoreDown = limits.onStoreDown ?? 'closed'
      const spec = { id: `${id}/${measure}/${span}`, measure, span, limit: whole, onStoreDown }
      accounts.push(this.#account(`${limit} ${unit} of ${owner}`, spec))
    }
    add(concurrency, 'requests at once', 'concurrency', 'once')
    add(requestsPerMinute, 'requests a minute', 'requests', 'minute')
    add(tokensPerMinute, 'tokens a minute', 'tokens', 'minute')
    add(costUsdPerDay, 'USD a day', 'cost', 'day')
    add(costUsdPerMonth, 'USD a month', 'cost', 'month')
    return accounts
  }

  #account(what: string, spec: AllowanceSpec): Account {
    const name = `${what}\n${spec.onStoreDown}`
    const known = this.#accounts.get(name)
    if (known !== undefined) return known
    if (this.#accounts.size >= MAX_SUBJECTS) this.#forgetOldest()
    const account = { what, measure: spec.measure, allowance: this.#make(spec) }
    this.#accounts.set(name, account)
    return account
  }

  /** Maps keep the order of insertion. The found lists hold what is in use, so they are made again. */
  #forgetOldest(): void {
    let left = MAX_SUBJECTS / 10
    for (const what of this.#accounts.keys()) {
      if (left-- <= 0) break
      this.#accounts.delete(what)
    }
    this.#found.clear()
  }
}

class Taken implements Held {
  readonly #accounts: readonly Account[]
  readonly #use: TextUse
  readonly #takenAtMs: number
  #isSettled = false

  constructor(accounts: readonly Account[], use: TextUse, nowMs: number) {
    this.#accounts = accounts
    this.#use = use
    this.#takenAtMs = nowMs
  }

  settle(used: TextUse, nowMs: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    for (const { allowance, measure } of this.#accounts) {
      const taken = amountOf(measure, this.#use) ?? 0n
      allowance.settle(taken, amountOf(measure, used) ?? taken, nowMs, this.#takenAtMs)
    }
  }
}

/** The first is known to be; the others are looked at, so that all are leased by one message. */
function shortOf([first, ...more]: readonly Account[], use: TextUse, nowMs: number): Unleased['short'] {
  const short = (account: Account) => ({
    allowance: account.allowance,
    amount: amountOf(account.measure, use) ?? 0n,
  })
  return [
    short(first as Account),
    ...more.map(short).filter(({ allowance, amount }) => allowance.left(nowMs) < amount),
  ]
}

function reasonOf({ allowance }: Account, amount: bigint | undefined): string {
  if (amount === undefined) return ' (no price is known for this model)'
  return allowance.why === undefined ? '' : ` (what is left of it is not known: ${allowance.why})`
}

function amountOf(measure: Measure, use: TextUse): bigint | undefined {
  if (measure === 'tokens') return use.tokens
  return measure === 'cost' ? use.cost : 1n
}

function applies(rule: LimitRule, tenant: string, model: string): boolean {
  return (
    (rule.tenant === undefined || rule.tenant === tenant) &&
    (rule.model === undefined || rule.model === model)
  )
}

/** A rule is one account for all whom it names together. */
function ownerOf(rule: LimitRule, { model, tenant }: LimitSubject): string {
  const of = [
    ...(rule.tenant === undefined ? [] : [`tenant ${tenant}`]),
    ...(rule.model === undefined ? [] : [`model ${model}`]),
  ]
  return `${of.length === 0 ? 'all traffic' : of.join(' on ')} (${rule.name})`
}

function attodollarsOf(usd: number): bigint {
  return BigInt(Math.round(usd * 1e9)) * 10n ** 9n
}
