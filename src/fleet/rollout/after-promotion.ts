import type { GuardSpec, Rollout, RolloutLook, TrafficWindow } from '../../contracts/index.ts'
import { brakes, clopperPearson } from '../../stats/index.ts'
import { lastSeconds } from './evidence.ts'
import { eventsOf } from './guards.ts'

/**
 * The watch at 100 %. Nothing is compared here in the strict sense: the champion has no traffic any more, so the
 * candidate is held against the champion's rates in the minutes before, and drift cannot be told from harm. The rule
 * is therefore coarse and quick, like the brake: over the last ten seconds the rate is above the champion's old rate
 * plus the margin beyond doubt (a one-sided bound of 10⁻⁴), in most of these seconds, with at least 50 requests. A burst of
 * a second or two does not do it. Going back costs one traffic write for as long as the old replicas are kept.
 */
const RULE = {
  seconds: 10,
  badSeconds: 6,
  leastRequests: 50,
  confidence: 1 - 2e-4,
  leastBaseline: 100,
} as const

export function lookAfterPromotion(
  rollout: Rollout,
  /** One-second windows of the candidate since it took everything, and of the champion before that. */
  windows: { readonly candidate: readonly TrafficWindow[]; readonly champion: readonly TrafficWindow[] },
  settledUntilMs: number,
  sequence: number,
  nowMs: number,
): RolloutLook {
  const seconds = lastSeconds(rollout, windows.candidate, settledUntilMs, 3)
  const recent = windows.candidate.filter(
    (window) => window.startMs >= settledUntilMs - RULE.seconds * 1000 && window.startMs < settledUntilMs,
  )
  const readings = rollout.guards.map((guard) => readGuard(guard, recent, windows.champion))
  const worse = readings.filter((reading) => reading.isWorse)
  const [decision, reason]: [RolloutLook['decision'], string] = brakes(seconds)
    ? ['brake', 'at least half of the requests failed for three seconds']
    : worse.length > 0
      ? ['abort', `above the champion’s earlier rate: ${worse.map((each) => each.look.name).join(', ')}`]
      : recent.length === 0
        ? ['hold', 'no request was seen at full traffic; the champion is kept']
        : ['continue', 'watching at full traffic; the champion is kept']
  return {
    rolloutId: rollout.id,
    sequence,
    at: nowMs,
    step: rollout.step,
    sharePercent: 100,
    windows: recent.length,
    windowEndMs: Math.max(0, settledUntilMs),
    guards: readings.map((reading) => reading.look),
    decision,
    reason,
    needsRequests: null,
    needsMs: null,
  }
}

function readGuard(guard: GuardSpec, recent: readonly TrafficWindow[], champion: readonly TrafficWindow[]) {
  const now = countOf(guard, recent)
  const before = countOf(guard, champion)
  const limit = before.requests === 0 ? 1 : before.events / before.requests + guard.margin
  const isKnown = before.requests >= RULE.leastBaseline && now.requests >= RULE.leastRequests
  const interval = isKnown ? clopperPearson(now.events, now.requests, RULE.confidence) : undefined
  const badSeconds = recent.filter((window) => eventsOf(guard, window) > limit * window.requests).length
  const isWorse = interval !== undefined && interval.lower > limit && badSeconds >= RULE.badSeconds
  const difference = isKnown ? now.events / now.requests - before.events / before.requests : null
  return {
    isWorse,
    look: {
      name: guard.name,
      champion: before,
      candidate: now,
      difference,
      lower: interval === undefined ? null : interval.lower - limit + guard.margin,
      upper: interval === undefined ? null : interval.upper - limit + guard.margin,
      margin: guard.margin,
      decision: isWorse ? ('abort' as const) : isKnown ? ('continue' as const) : ('inconclusive' as const),
    },
  }
}

function countOf(guard: GuardSpec, windows: readonly TrafficWindow[]): { requests: number; events: number } {
  return {
    requests: windows.reduce((total, window) => total + window.requests, 0),
    events: windows.reduce((total, window) => total + eventsOf(guard, window), 0),
  }
}
