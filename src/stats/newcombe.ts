import { requireTrials, wilson } from './proportion.ts'
import type { Estimate, Proportion } from './types.ts'

/**
 * Interval of p_B − p_A for two independent proportions: Newcombe (1998a) method 10, two Wilson intervals joined
 * by square-and-add. For error and timeout rates of two arms that share no items.
 */
export function newcombe(a: Proportion, b: Proportion, confidence = 0.95): Estimate {
  requireTrials(a.successes, a.n)
  requireTrials(b.successes, b.n)
  const first = wilson(a.successes, a.n, confidence)
  const second = wilson(b.successes, b.n, confidence)
  const difference = second.estimate - first.estimate
  return {
    estimate: difference,
    lower: difference - Math.hypot(second.estimate - second.lower, first.upper - first.estimate),
    upper: difference + Math.hypot(second.upper - second.estimate, first.estimate - first.lower),
  }
}
