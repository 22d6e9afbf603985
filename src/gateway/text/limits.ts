import type { CostRow, TokenUsage } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { attodollars } from '../../pricing/index.ts'
import {
  type Held,
  LimitBook,
  type LimitedBy,
  type LimitSubject,
  type Unleased,
} from '../../routing/index.ts'
import type { SharedLimits } from '../leases/shared-limits.ts'
import type { LimitRefusal, Reservation, TextEstimate, TextLimits } from './parts.ts'

/** Told to clients whose request alone is more than a limit: it will not fit later either. */
const NEVER_MS = 86_400_000

/** How often a request asks again before it is told that the limit is reached: others may take what it had leased. */
const MAX_ROUNDS = 4

/**
 * Tokens, requests, places and money of keys, tenants and models: counted by this gateway alone, or, where there is
 * `shared`, by all gateways together. Alone, days and months go by the wall clock, since they are people's; together
 * they go by the clock of who counts, and here only the age of leases matters.
 */
export function bookedLimits(clock: Clock, shared?: SharedLimits): TextLimits {
  const book = new LimitBook(shared?.allowance)
  const nowMs = () => (shared === undefined ? clock.nowMs() : clock.monotonicMs())
  const outcome = (taken: Held | LimitedBy, estimate: TextEstimate) =>
    'settle' in taken ? new Booked(taken, estimate, nowMs) : refusal(taken)
  const leased = async (subject: LimitSubject, estimate: TextEstimate, first: Unleased) => {
    let taken: Held | LimitedBy | Unleased = first
    for (let round = 0; 'short' in taken && round < MAX_ROUNDS; round++) {
      await shared?.lease(taken.short)
      taken = book.take(subject, useOf(estimate), nowMs())
    }
    return outcome('short' in taken ? TAKEN_BY_OTHERS : taken, estimate)
  }
  return {
    follow: (snapshot) => book.follow(snapshot.limits ?? []),
    reserve({ key, model }, estimate) {
      const subject = { key: key.publicId, keyLimits: key.limits, tenant: key.tenant, model: model.model }
      const taken = book.take(subject, useOf(estimate), nowMs())
      return 'short' in taken ? leased(subject, estimate, taken) : outcome(taken, estimate)
    },
  }
}

const TAKEN_BY_OTHERS: LimitedBy = { what: 'what all gateways may use together', retryAfterMs: 100 }

class Booked implements Reservation {
  readonly #held: Held
  readonly #estimate: TextEstimate
  readonly #nowMs: () => number

  constructor(held: Held, estimate: TextEstimate, nowMs: () => number) {
    this.#held = held
    this.#estimate = estimate
    this.#nowMs = nowMs
  }

  settle(usage: TokenUsage, cost: CostRow): void {
    const { inputTokens, outputTokens } = this.#estimate
    const input = sum(usage.input, usage.cacheRead, usage.cacheWrite, usage.cacheWriteHour)
    const tokens = (input ?? inputTokens) + (usage.output ?? outputTokens)
    this.#held.settle(
      {
        tokens: BigInt(Math.ceil(tokens)),
        cost: cost.costUsd === null ? this.#estimate.cost : attodollars(cost.costUsd),
      },
      this.#nowMs(),
    )
  }
}

function useOf({ cost, inputTokens, outputTokens }: TextEstimate) {
  return { tokens: BigInt(Math.ceil(inputTokens + outputTokens)), cost }
}

function refusal({ retryAfterMs, what }: LimitedBy): LimitRefusal {
  const isNever = retryAfterMs === Number.POSITIVE_INFINITY
  return {
    isRefusal: true,
    code: 'limit_reached',
    what: isNever ? `${what}, which this request alone exceeds` : what,
    retryAfterMs: isNever ? NEVER_MS : Math.ceil(retryAfterMs),
  }
}

/** Null where nobody told any of them. */
function sum(...counts: (number | null)[]): number | null {
  const told = counts.filter((count) => count !== null)
  return told.length === 0 ? null : told.reduce((total, count) => total + count, 0)
}
