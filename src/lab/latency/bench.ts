import type { Clock } from '../../kernel/index.ts'
import type { GatewayClient } from '../client/gateway-client.ts'
import type { LatencyPlan } from './plan.ts'
import type { Arm } from './raw.ts'

/** What the parts of the measurement share. */
export interface Bench {
  readonly plan: LatencyPlan
  readonly client: GatewayClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly body: Record<Arm, (index: number) => Uint8Array>
}

/** Failures that say nothing about the candidate end the check; the candidate's own are counted and judged. */
export function refuseHopeless(arm: Arm, failures: Readonly<Record<string, number>>, requests: number): void {
  const share = (name: string) => (failures[name] ?? 0) / Math.max(1, requests)
  if (share('unreachable') > 0.5) throw new Error('the gateway cannot be reached')
  if (share('status 429') > 0.01) throw new Error('the rate limit of the key is in the way (429)')
  if (arm === 'candidate') return
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  if (failed / Math.max(1, requests) > 0.5) {
    const [worst] = Object.entries(failures).sort(([, left], [, right]) => right - left)
    throw new Error(`the champion itself fails: ${failed} of ${requests} requests, most with ${worst![0]}`)
  }
}
