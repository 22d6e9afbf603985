import type { GuardSpec, RolloutPlan, StepForecast, TrafficWindow } from '../../contracts/index.ts'
import { planCanary } from '../../stats/index.ts'
import { eventsOf } from './guards.ts'
import { baseRateOf } from './needs.ts'

/** An operator's patience for the detection of a regression in one step. */
const WITHIN_MS = 300_000

/**
 * What each step can and cannot see, guard by guard, at the champion's present rates. Each step is taken on its own;
 * in truth it has the evidence of the steps before it too, so this is the cautious side. The last step, 100 %, has
 * nothing to compare with and is left out.
 */
export function forecastSteps(
  plan: RolloutPlan,
  guards: readonly GuardSpec[],
  championWindows: readonly TrafficWindow[],
  requestsPerSecond: number,
): StepForecast[] {
  return plan.steps
    .filter((share) => share < 100)
    .flatMap((share) =>
      guards.map((guard) => forecast(plan, guard, championWindows, share, requestsPerSecond)),
    )
}

function forecast(
  plan: RolloutPlan,
  guard: GuardSpec,
  championWindows: readonly TrafficWindow[],
  sharePercent: number,
  requestsPerSecond: number,
): StepForecast {
  const baseRate = rateOf(guard, championWindows)
  const said = { sharePercent, requestsPerSecond, guard: guard.name, baseRate, withinMs: WITHIN_MS }
  if (!(requestsPerSecond > 0)) return { ...said, promoteMs: null, detectableRise: null }
  const { promotion, detectable } = planCanary({
    requestsPerSecond,
    share: sharePercent / 100,
    baseRate,
    windowSeconds: plan.windowMs / 1000,
    margin: guard.margin,
    alphaAbort: plan.alphaAbort / plan.guards.length,
    alphaPromote: plan.alphaPromote,
    detectWithinSeconds: WITHIN_MS / 1000,
  })
  const promoteSeconds = promotion.median?.seconds
  return {
    ...said,
    promoteMs: promoteSeconds === undefined ? null : Math.ceil(promoteSeconds * 1000),
    detectableRise: detectable.median ?? null,
  }
}

/** Half an event more than seen: a clean record does not make the rate zero. */
function rateOf(guard: GuardSpec, windows: readonly TrafficWindow[]): number {
  const requests = windows.reduce((total, window) => total + window.requests, 0)
  if (requests === 0) return baseRateOf(guard)
  const events = windows.reduce((total, window) => total + eventsOf(guard, window), 0)
  return Math.min(0.999, (events + 0.5) / (requests + 1))
}
