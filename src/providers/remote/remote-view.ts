import type { Provider } from '../../contracts/index.ts'
import type { TextFailure } from '../text/text-upstream.ts'
import type { AccountPool, AccountState } from './account-pool.ts'
import type { Headroom } from './rate-headers.ts'
import type { RemoteAccount } from './remote-call.ts'
import type { RetryBudget } from './retry-budget.ts'

/** A provider as metrics and pages show it; counts are since it was opened. */
export interface RemoteView {
  readonly provider: string
  readonly kind: string
  readonly isReady: boolean
  /** Why it is not. */
  readonly reason: string | null
  readonly callsInFlight: number
  readonly retries: number
  /** That the budget did not allow. */
  readonly retriesRefused: number
  readonly accounts: readonly AccountView[]
}

export interface AccountView {
  readonly account: string
  readonly state: AccountState
  /** Why it is unready or rests; null else. */
  readonly reason: string | null
  /** Epoch ms; null where it does not rest. */
  readonly restsUntil: number | null
  readonly inFlight: number
  readonly tries: number
  readonly answered: number
  readonly errors: Readonly<Partial<Record<TextFailure['class'], number>>>
  readonly failuresInRow: number
  readonly rests: number
  readonly circuitOpenings: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** As the provider told it last; empty where it tells nothing. */
  readonly headroom: readonly Headroom[]
  /** Epoch ms. */
  readonly headroomAt: number | null
}

interface Viewed {
  readonly provider: Provider
  readonly pool: AccountPool<RemoteAccount>
  readonly budget: RetryBudget
  readonly open: number
  readonly isReady: boolean
  readonly reason: string | null
}

export function viewOf(viewed: Viewed, nowMs: number, wallMs: number): RemoteView {
  const { budget, pool, provider } = viewed
  return {
    provider: provider.name,
    kind: provider.kind,
    isReady: viewed.isReady,
    reason: viewed.reason,
    callsInFlight: viewed.open,
    retries: budget.allowed,
    retriesRefused: budget.refused,
    accounts: pool.accounts.map((account): AccountView => {
      const { answered, errors, inputTokens, outputTokens, tries } = account.of.tally
      const state = pool.stateOf(account, nowMs)
      const isResting = state === 'resting'
      return {
        account: account.of.name,
        state,
        reason: account.missing ?? (isResting ? account.restReason : null),
        restsUntil: isResting ? Math.round(wallMs + account.restsUntilMs - nowMs) : null,
        inFlight: account.inFlight,
        tries,
        answered,
        errors: Object.fromEntries(errors),
        failuresInRow: account.failures,
        rests: account.rests,
        circuitOpenings: account.circuitOpenings,
        inputTokens,
        outputTokens,
        headroom: account.headroom?.of ?? [],
        headroomAt: account.headroom === null ? null : Math.round(wallMs + account.headroom.atMs - nowMs),
      }
    }),
  }
}
