import type { Random } from '../../kernel/index.ts'
import type { Account, AccountPool, Pooled } from './account-pool.ts'
import type { RemotePolicy } from './policy.ts'
import type { TryFailure } from './try-failure.ts'

export interface RetryQuestion<P extends Pooled> {
  readonly failure: Pick<TryFailure, 'retry' | 'retryAfterMs'>
  /** Those that this call asked already, the one that just failed included unless it has new proof. */
  readonly tried: readonly Account<P>[]
  /** Tries so far. */
  readonly tries: number
  readonly nowMs: number
  /** The call's own end. */
  readonly totalAtMs: number
}

/**
 * When somebody may be asked again; undefined: nobody in time. An account that was not asked yet is asked at once. Else
 * one that was waits a moment, at least as long as the provider said, and never longer than a person would sit through.
 */
export function retryAt<P extends Pooled>(
  pool: AccountPool<P>,
  { failure, nowMs, totalAtMs, tried, tries }: RetryQuestion<P>,
  policy: RemotePolicy,
  random: Random,
): number | undefined {
  if (failure.retry === 'nobody') return undefined
  if (pool.accounts.some((one) => !tried.includes(one) && pool.takes(one, nowMs))) return nowMs
  if (failure.retry === 'another') return undefined
  const backoffMs = policy.retryWaitMs * 2 ** (tries - 1) * (0.5 + random() / 2)
  const atMs = Math.max(nowMs + backoffMs, pool.readyAtMs(nowMs))
  return atMs - nowMs > policy.maxRetryWaitMs || atMs >= totalAtMs ? undefined : Math.ceil(atMs)
}
