import { requireCount, requireOpenUnit } from './check.ts'
import { logBeta } from './special/beta.ts'

/**
 * Evidence against "both are equally good" from discordant pairs, valid at any look: reject at α once E ≥ 1/α.
 * E = 2^{b+c}·B(b+½, c+½)/B(½, ½), the Jeffreys mixture (Robbins 1970). Grows slower than a fixed-n test: that is the
 * price of looking early.
 */
export function pairEValue(b: number, c: number): number {
  requireCount('b', b)
  requireCount('c', c)
  return Math.exp((b + c) * Math.LN2 + logBeta(b + 0.5, c + 0.5) - Math.log(Math.PI))
}

/**
 * Evidence that the candidate causes more than its share of bad requests: `candidate` of `total` bad ones, given that
 * it had `share` of the requests; prior Beta(4ρ, 4(1 − ρ)), one-sided. Kept to show what counting pooled events does:
 * under bursts or a moving base rate its false alarms are many times α. Decisions use the canary law instead.
 */
export function countEValue(candidate: number, total: number, share: number): number {
  requireCount('candidate', candidate)
  requireCount('total', total)
  requireOpenUnit('share', share)
  if (candidate > total) throw new RangeError(`${candidate} of ${total} events is too many`)
  if (candidate <= share * total) return 0
  const rest = total - candidate
  return Math.exp(
    logBeta(candidate + 4 * share, rest + 4 * (1 - share)) -
      logBeta(4 * share, 4 * (1 - share)) -
      candidate * Math.log(share) -
      rest * Math.log1p(-share),
  )
}
