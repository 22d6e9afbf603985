import type { AccountState } from '../remote/account-pool.ts'
import type { Headroom } from '../remote/rate-headers.ts'

/** What a provider with accounts shows of itself; counts are since it was opened. */
export interface ProviderView {
  readonly provider: string
  readonly kind: string
  readonly isReady: boolean
  readonly accounts: readonly {
    readonly account: string
    readonly state: AccountState
    /** Why it is unready or rests; null else. */
    readonly reason: string | null
    /** Epoch ms; null where it does not rest. */
    readonly restsUntil: number | null
    readonly inFlight: number
    readonly tries: number
    readonly answered: number
    readonly circuitOpenings: number
    /** As the provider told it last; empty where it tells nothing. */
    readonly headroom: readonly Headroom[]
    /** Epoch ms. */
    readonly headroomAt: number | null
  }[]
}
