import { requireAtLeast, requireCount } from '../check.ts'
import type { ArmCount } from './law.ts'

/**
 * Standard deviation of one arm's own rate of bad requests between windows, beyond what sampling explains: 0 for
 * independent requests, large where failures come in bursts. From successive differences (von Neumann 1941), so that a
 * slow drift of the rate, which both arms share, counts for nothing. At least two windows with requests.
 */
export function rateDeviation(windows: readonly ArmCount[]): number {
  for (const { n, events } of windows) {
    requireCount('n', n)
    requireCount('events', events)
  }
  const busy = windows.filter(({ n }) => n > 0)
  requireAtLeast('windows', busy.length, 2)
  let excess = 0
  for (let index = 1; index < busy.length; index += 1) {
    const [before, after] = [busy[index - 1]!, busy[index]!]
    const pooled = (before.events + after.events) / (before.n + after.n)
    const step = after.events / after.n - before.events / before.n
    // With one rate for both, E(step²) = p(1 − p)(1/n + 1/n'); the pooled p(1 − p) is too small by 1 − 1/(n + n').
    const shrunk = 1 - 1 / (before.n + after.n)
    const sampling = ((pooled * (1 - pooled)) / shrunk) * (1 / before.n + 1 / after.n)
    excess += step * step - sampling
  }
  return Math.sqrt(Math.max(0, excess / (2 * (busy.length - 1))))
}
