import type { CostRow, TokenUsage } from '../../contracts/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { attodollars } from '../../pricing/index.ts'
import { type Held, LimitBook, type LimitedBy } from '../../routing/index.ts'
import type { LimitRefusal, Reservation, TextEstimate, TextLimits } from './parts.ts'

/** Told to clients whose request alone is more than a limit: it will not fit later either. */
const NEVER_MS = 86_400_000

/**
 * Tokens and money of keys, tenants and models, counted by this gateway: with n gateways a limit may be used n times.
 * Calendar time is the wall clock's, since days and months are people's.
 */
export function bookedLimits(clock: Clock): TextLimits {
  const book = new LimitBook()
  return {
    follow: (snapshot) => book.follow(snapshot.limits ?? []),
    reserve(subject, estimate) {
      const taken = book.take(
        {
          key: subject.key.publicId,
          keyLimits: subject.key.limits,
          tenant: subject.key.tenant,
          model: subject.model.model,
        },
        useOf(estimate),
        clock.nowMs(),
      )
      return 'settle' in taken ? new Booked(taken, estimate, clock) : refusal(taken)
    },
  }
}

class Booked implements Reservation {
  readonly #held: Held
  readonly #estimate: TextEstimate
  readonly #clock: Clock

  constructor(held: Held, estimate: TextEstimate, clock: Clock) {
    this.#held = held
    this.#estimate = estimate
    this.#clock = clock
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
      this.#clock.nowMs(),
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
