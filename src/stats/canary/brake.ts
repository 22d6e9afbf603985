import { requireCount } from '../check.ts'
import type { CanaryWindow } from './law.ts'

/** Failures here are failed requests, whatever the guards count. */
export const BRAKE = {
  /** Seconds in a row. */
  seconds: 3,
  /** Candidate requests over these seconds. */
  leastRequests: 30,
  /** Share of failing candidate requests, in each of these seconds. */
  failingShare: 0.5,
  /** From this share on the champion is ill too, and the candidate may not be the cause. */
  championShare: 0.05,
} as const

/**
 * Stop at once, outside every error budget of the law: in each of the last 3 seconds at least half of the candidate's
 * requests failed, at least 30 over the three together, while the champion failed in less than 5 % over the three.
 * A second without candidate requests breaks the row. A silent champion does not hold the brake back: there is
 * nothing that says the trouble is general.
 * @param seconds one-second windows in order; only the last three are read.
 */
export function brakes(seconds: readonly CanaryWindow[]): boolean {
  const last = seconds.slice(-BRAKE.seconds)
  if (last.length < BRAKE.seconds) return false
  let requests = 0
  let championRequests = 0
  let championFailures = 0
  for (const { a, b } of last) {
    for (const count of [a.n, a.events, b.n, b.events]) requireCount('count', count)
    if (b.n === 0 || b.events < BRAKE.failingShare * b.n) return false
    requests += b.n
    championRequests += a.n
    championFailures += a.events
  }
  if (requests < BRAKE.leastRequests) return false
  return championRequests === 0 || championFailures < BRAKE.championShare * championRequests
}
