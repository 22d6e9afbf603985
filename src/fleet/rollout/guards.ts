import type { GuardName, GuardSpec, RolloutPlan, TrafficWindow } from '../../contracts/index.ts'
import { countSlowerThan, type Histogram, histogramQuantileMs, mergeInto } from '../../kernel/index.ts'

/**
 * By how much a rate may rise where the plan does not say: one percentage point for what users see as failure. For
 * latency the rate is the share of requests slower than the champion's own p95 (p99), so 5 % (1 %) of the champion's
 * by construction; it may double to 10 % (triple to 3 %), which is a p95 that moved to where the p90 was.
 */
export const defaultGuardMargins: Record<GuardName, number> = {
  errors: 0.01,
  timeouts: 0.01,
  refusals: 0.01,
  latencyP95: 0.05,
  latencyP99: 0.02,
}

const LATENCY_QUANTILE: Partial<Record<GuardName, number>> = { latencyP95: 0.95, latencyP99: 0.99 }

/** So many champion requests name a quantile well enough: a handful lie beyond it. */
const LEAST_REQUESTS: Partial<Record<GuardName, number>> = { latencyP95: 100, latencyP99: 300 }

/** The champion's latency is taken from so much of its traffic before the start. */
export const BASELINE_MS = 600_000

export function guardsOf(plan: RolloutPlan): GuardSpec[] {
  return plan.guards.map((name) => ({
    name,
    margin: plan.guardMargins[name] ?? defaultGuardMargins[name],
    thresholdMs: null,
  }))
}

/**
 * Fixes the latency thresholds from the champion's windows, once, before any candidate request is seen. They are upper
 * edges of histogram buckets, so later counts of slower requests are exact. Thresholds that are fixed stay.
 * @returns the guards, or how many champion requests are still missing.
 */
export function fixThresholds(
  guards: readonly GuardSpec[],
  championWindows: readonly TrafficWindow[],
): { guards: GuardSpec[] } | { missingRequests: number } {
  const latency: Histogram = {}
  for (const window of championWindows) mergeInto(latency, window.latency)
  const requests = Object.values(latency).reduce((total, count) => total + count, 0)
  let missingRequests = 0
  const fixed = guards.map((guard) => {
    const quantile = LATENCY_QUANTILE[guard.name]
    if (quantile === undefined || guard.thresholdMs !== null) return guard
    missingRequests = Math.max(missingRequests, (LEAST_REQUESTS[guard.name] ?? 0) - requests)
    return { ...guard, thresholdMs: histogramQuantileMs(latency, quantile) }
  })
  return missingRequests > 0 ? { missingRequests } : { guards: fixed }
}

/** Requests of a window that a guard counts as bad. */
export function eventsOf(guard: GuardSpec, window: TrafficWindow): number {
  switch (guard.name) {
    case 'errors':
      return window.errors
    case 'timeouts':
      return window.timeouts
    case 'refusals':
      return window.refusals
    case 'latencyP95':
    case 'latencyP99':
      if (guard.thresholdMs === null) return 0
      return Math.min(window.requests, countSlowerThan(window.latency, guard.thresholdMs))
  }
}

/** Whatever the guards watch: a request that was not answered. */
export function failuresOf(window: TrafficWindow): number {
  return Math.min(window.requests, window.errors + window.timeouts + window.refusals)
}
