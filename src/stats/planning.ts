import { requireOpenUnit, requirePositive, requirePositiveCount } from './check.ts'
import { wilson } from './proportion.ts'
import { normalQuantile } from './special/normal.ts'
import { findRoot, smallestWhole } from './special/root.ts'
import { studentQuantile } from './special/student-t.ts'

export interface TestLevel {
  /** Error rate of the test, .05 unless given: two-sided for differences, one-sided for non-inferiority. */
  readonly alpha?: number
  /** Chance of finding what is there, .8 unless given. */
  readonly power?: number
}

const MOST_PAIRS = 1_000_000

/**
 * Paired items needed to find a difference of two proportions when a share `discordant` of the items is answered
 * differently: n = ((z_{1−α/2}·√D + z_power·√(D − δ²))/δ)² (Connor 1987, for McNemar's test).
 */
export function pairedItemsNeeded(difference: number, discordant: number, level: TestLevel = {}): number {
  requireDiscordant(difference, discordant)
  const { twoSided, power } = quantiles(level)
  const root = twoSided * Math.sqrt(discordant) + power * Math.sqrt(discordant - difference ** 2)
  return Math.ceil((root / difference) ** 2)
}

/**
 * The smallest difference of proportions that `n` paired items can find. Undefined when they cannot even find all
 * discordant items going one way.
 */
export function pairedDetectable(n: number, discordant: number, level: TestLevel = {}): number | undefined {
  requirePositiveCount('n', n)
  requireOpenUnit('discordant', discordant)
  const { twoSided, power } = quantiles(level)
  const excess = (difference: number) =>
    difference * Math.sqrt(n) -
    twoSided * Math.sqrt(discordant) -
    power * Math.sqrt(Math.max(0, discordant - difference ** 2))
  if (excess(discordant) < 0) return undefined
  return findRoot(excess, 0, discordant)
}

/** Paired items that show "no worse by `margin`" when both are equal: (z_{1−α} + z_power)²·D/m². One-sided α. */
export function pairedItemsForMargin(margin: number, discordant: number, level: TestLevel = {}): number {
  requireDiscordant(margin, discordant)
  const { oneSided, power } = quantiles(level)
  return Math.ceil(((oneSided + power) ** 2 * discordant) / margin ** 2)
}

/** Trials in each of two independent arms that find a rise from `rateA` to `rateB` (Fleiss, Levin, Paik 2003, 4.14). */
export function itemsPerArm(rateA: number, rateB: number, level: TestLevel = {}): number {
  requireOpenUnit('rateA', rateA)
  requireOpenUnit('rateB', rateB)
  if (rateA === rateB) throw new RangeError('equal rates differ at no size')
  const { twoSided, power } = quantiles(level)
  const middle = (rateA + rateB) / 2
  const root =
    twoSided * Math.sqrt(2 * middle * (1 - middle)) +
    power * Math.sqrt(rateA * (1 - rateA) + rateB * (1 - rateB))
  return Math.ceil((root / (rateB - rateA)) ** 2)
}

/** Trials after which the Wilson interval of a rate near `rate` is no wider than ± `halfWidth`. */
export function itemsForHalfWidth(rate: number, halfWidth: number, confidence = 0.95): number {
  requireOpenUnit('halfWidth', halfWidth)
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`rate must lie in [0, 1], not ${rate}`)
  const narrow = (n: number) => {
    const { lower, upper } = wilson(Math.round(rate * n), n, confidence)
    return (upper - lower) / 2 <= halfWidth
  }
  let most = 1
  while (!narrow(most)) most *= 2
  return smallestWhole(narrow, 1, most) ?? most
}

/**
 * Half-width of a ratio of latencies after `pairs` AB/BA block pairs, as a share: .08 means ± 8 %.
 * @param pairSd standard deviation of ln Q_B − ln Q_A between pairs, from an A/A calibration.
 */
export function ratioHalfWidth(pairs: number, pairSd: number, confidence = 0.95): number {
  if (!(pairs >= 2)) throw new RangeError(`a spread needs at least 2 pairs, not ${pairs}`)
  requirePositive('pairSd', pairSd)
  requireOpenUnit('confidence', confidence)
  return Math.expm1((-studentQuantile((1 - confidence) / 2, pairs - 1) * pairSd) / Math.sqrt(pairs))
}

/** Block pairs that find a latency ratio of 1 + `change` (two-sided α). Undefined above a million. */
export function pairsNeeded(change: number, pairSd: number, level: TestLevel = {}): number | undefined {
  return pairsFor(change, pairSd, level, (level.alpha ?? 0.05) / 2)
}

/** Block pairs that show "slower by less than `margin`" when both are equally fast (one-sided α). Undefined above a million. */
export function pairsForMargin(margin: number, pairSd: number, level: TestLevel = {}): number | undefined {
  return pairsFor(margin, pairSd, level, level.alpha ?? 0.05)
}

/** The smallest change of a latency ratio that `pairs` block pairs find, as a share (two-sided α). */
export function detectableRatio(pairs: number, pairSd: number, level: TestLevel = {}): number {
  if (!(pairs >= 2)) throw new RangeError(`a spread needs at least 2 pairs, not ${pairs}`)
  requirePositive('pairSd', pairSd)
  quantiles(level)
  return Math.expm1((reach(pairs, (level.alpha ?? 0.05) / 2, level) * pairSd) / Math.sqrt(pairs))
}

function pairsFor(change: number, pairSd: number, level: TestLevel, tail: number): number | undefined {
  requirePositive('change', change)
  requirePositive('pairSd', pairSd)
  quantiles(level)
  const effect = Math.log1p(change) / pairSd
  return smallestWhole((pairs) => reach(pairs, tail, level) <= effect * Math.sqrt(pairs), 2, MOST_PAIRS)
}

/** Standard errors between "nothing" and "found": both quantiles from the t law, within 1 % of the non-central one from 6 pairs on. */
function reach(pairs: number, tail: number, level: TestLevel): number {
  return -studentQuantile(tail, pairs - 1) - studentQuantile(1 - (level.power ?? 0.8), pairs - 1)
}

function quantiles(level: TestLevel): { twoSided: number; oneSided: number; power: number } {
  const { alpha = 0.05, power = 0.8 } = level
  requireOpenUnit('alpha', alpha)
  requireOpenUnit('power', power)
  return {
    twoSided: -normalQuantile(alpha / 2),
    oneSided: -normalQuantile(alpha),
    power: normalQuantile(power),
  }
}

function requireDiscordant(difference: number, discordant: number): void {
  requireOpenUnit('difference', difference)
  requireOpenUnit('discordant', discordant)
  if (difference > discordant)
    throw new RangeError(`a difference of ${difference} needs at least as many discordant items`)
}
