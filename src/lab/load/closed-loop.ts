import type { Clock } from '../../kernel/index.ts'
import { failureName, fatalReason } from '../client/failures.ts'
import type { GatewayClient, Outcome } from '../client/gateway-client.ts'
import { rounded } from '../judging.ts'

export interface ClosedLoopRun {
  /** Of answered requests, in ms, in the order of their end. */
  readonly latencyMs: number[]
  readonly failures: Record<string, number>
  /** Answered requests a second. */
  readonly goodPerSecond: number
  /** Sums over answered requests, as their headers tell. */
  readonly computeMs: number[]
}

/**
 * `concurrency` callers that each send the next request when theirs is answered, until both `leastRequests` and
 * `leastMs` are reached, or `mostMs`. Rejects when a request shows that going on is senseless.
 */
export async function closedLoop(options: {
  readonly client: GatewayClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly version: string
  readonly concurrency: number
  readonly leastRequests: number
  readonly leastMs: number
  readonly mostMs: number
  readonly body: (index: number) => Uint8Array
}): Promise<ClosedLoopRun> {
  const { client, clock, signal } = options
  const latencyMs: number[] = []
  const computeMs: number[] = []
  const failures: Record<string, number> = {}
  const startMs = clock.monotonicMs()
  let sent = 0
  const isOver = () => {
    const elapsedMs = clock.monotonicMs() - startMs
    return elapsedMs >= options.mostMs || (elapsedMs >= options.leastMs && sent >= options.leastRequests)
  }
  const take = (outcome: Outcome, sentMs: number) => {
    const fatal = fatalReason(outcome, options.version)
    if (fatal !== undefined) throw new Error(fatal)
    if (outcome.kind !== 'answered') {
      const name = failureName(outcome)
      failures[name] = (failures[name] ?? 0) + 1
      return
    }
    latencyMs.push(rounded(clock.monotonicMs() - sentMs, 3))
    if (outcome.computeMs !== null) computeMs.push(outcome.computeMs)
  }
  const caller = async () => {
    while (!isOver()) {
      signal.throwIfAborted()
      const sentMs = clock.monotonicMs()
      const outcome = await client.ask(options.body(sent++))
      signal.throwIfAborted()
      take(outcome, sentMs)
      // A gateway that refuses at once would otherwise be asked as fast as it can refuse.
      if (outcome.kind !== 'answered') await clock.sleep(FAILURE_PAUSE_MS, signal)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, caller))
  const seconds = (clock.monotonicMs() - startMs) / 1000
  return { latencyMs, failures, computeMs, goodPerSecond: rounded(latencyMs.length / seconds, 1) }
}

const FAILURE_PAUSE_MS = 20
