import type { BatchPolicy } from '../../contracts/index.ts'
import type { Batch, QueueView, Work } from './queue.ts'

/** What the last batches tell of the next one. */
export interface Outlook {
  /** Rows that were in the house when the last batch ended, in it or waiting: who is likely to come back. */
  readonly companyRows: number
  /** 0..1: how well waiting paid of late, see `nextPatience`. */
  readonly patience: number
  /** Cost of a batch that does not depend on its rows: what one batch less saves. */
  readonly fixedMs: number
  /** Cost of a batch of so many rows. */
  serviceMs(rows: number): number
  /** Since when the instance is free, monotonic. */
  readonly freeSinceMs: number
}

/** Why a batch runs now; `late` means that it waited for company in vain. */
export type RunReason = 'full' | 'complete' | 'late' | 'not worth waiting'

export type Decision<W extends Work> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'run'; readonly batch: Batch<W>; readonly reason: RunReason }

/** A timer cannot hit less than this; a shorter wait is no wait. */
const SHORTEST_WAIT_MS = 1

/**
 * When does a free instance take a batch, and how large?
 *
 * It takes what fits into `maxBatchSize` rows at once when that is full, or when everybody who was here a moment ago
 * is in it: a lone caller never waits, nor does a rush that is complete. Otherwise company is on its way, and it waits
 * for it, from the moment it is free, no longer than `maxQueueDelayMs` and no longer than a batch's fixed cost, since
 * one batch less saves no more than that; shorter where waiting was in vain of late; and never so long that one of
 * them misses its deadline. The head of the queue decides which shapes may join.
 *
 * Measured in simulation (`bench/batching/rules.ts`, at most 32 rows and 5 ms), against taking what is there, and against
 * waiting until the oldest has waited 5 ms:
 *   batch 20 + .1 n ms, 8 callers    196/s   309/s   here 380/s   p99 44, 28, 23 ms
 *   the same, 32 callers             741/s  1365/s  here 1364/s   p99 47, 26, 26 ms
 *   the same, 200/s at random                                     p99 42.3, 42.3, 42.4 ms
 *   batch .03 + .002 n ms, 1 caller 4310/s   191/s  here 4310/s   p50 .03, 5.03, .03 ms
 * and with the real server (`bench/batching`): 8 callers who think for up to 1.5 ms 191/s taking what is there, here
 * 336/s; 24 callers 514/s and 802/s.
 */
export function decide<W extends Work>(
  queue: QueueView<W>,
  policy: BatchPolicy,
  outlook: Outlook,
  nowMs: number,
): Decision<W> {
  const head = queue.head()
  if (head === undefined) return { kind: 'idle' }
  const batch = queue.joinable(head, policy.maxBatchSize)
  // Something waits that cannot join (too large for what is left, or of another shape): waiting would delay it.
  if (batch.rows >= policy.maxBatchSize || queue.rows > batch.rows)
    return { kind: 'run', batch, reason: 'full' }
  if (batch.rows >= outlook.companyRows) return { kind: 'run', batch, reason: 'complete' }
  const worthMs = Math.min(policy.maxQueueDelayMs, outlook.fixedMs) * outlook.patience
  if (worthMs < SHORTEST_WAIT_MS) return { kind: 'run', batch, reason: 'not worth waiting' }
  // Not the head alone: one of a higher priority may have come last.
  let oldestMs = head.arrivedMs
  let deadlineAtMs = head.deadlineAtMs
  for (const work of batch.work) {
    if (work.arrivedMs < oldestMs) oldestMs = work.arrivedMs
    if (work.deadlineAtMs < deadlineAtMs) deadlineAtMs = work.deadlineAtMs
  }
  const companyMs = Math.max(oldestMs, outlook.freeSinceMs) + worthMs
  const untilMs = Math.min(companyMs, deadlineAtMs - outlook.serviceMs(batch.rows))
  return nowMs >= untilMs ? { kind: 'run', batch, reason: 'late' } : { kind: 'wait', untilMs }
}

/** Halved by each wait in vain, restored by company that came; otherwise it recovers, to try again in some 15 batches. */
export function nextPatience(patience: number, reason: RunReason): number {
  if (reason === 'late') return patience / 2
  if (reason === 'not worth waiting') return Math.min(1, patience * 1.05)
  return Math.min(1, patience * 2)
}
