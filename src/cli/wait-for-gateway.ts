import type { Client } from '../sdk/index.ts'

const STEP_MS = 50

/**
 * Waits until the gateway works from the newest snapshot, so that the next command meets what this one did; false when it
 * did not within `timeoutMs`. Snapshots travel in some 50 ms.
 */
export async function gatewayCaughtUp(client: Client, timeoutMs: number): Promise<boolean> {
  const wanted = revisionIn(await client.call('controlMetrics'), 'slipway_snapshot_revision')
  const untilMs = performance.now() + timeoutMs
  while (performance.now() < untilMs) {
    if (revisionIn(await client.call('gatewayMetrics'), 'slipway_gateway_snapshot_revision') >= wanted)
      return true
    await new Promise((settle) => setTimeout(settle, STEP_MS))
  }
  return false
}

function revisionIn(metrics: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN)
}
