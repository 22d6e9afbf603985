import type { TrafficShares } from '../../../../src/contracts/index.ts'
import { listed, sharePercent } from '../../format/numbers.ts'

/** Shares are kept in steps of 0.01 %; in whole steps, so that sums stay exact. */
const STEPS = 100

/** Both versions beside a handle after it was moved: what one gets the other gives, and neither goes below nothing. */
export function shifted(
  shares: TrafficShares,
  [left, right]: readonly [string, string],
  byPercent: number,
): TrafficShares {
  const steps = (version: string) => Math.round((shares[version] ?? 0) * STEPS)
  const by = Math.max(-steps(left), Math.min(steps(right), Math.round(byPercent * STEPS)))
  return { ...shares, [left]: (steps(left) + by) / STEPS, [right]: (steps(right) - by) / STEPS }
}

export function isSameSplit(one: TrafficShares, other: TrafficShares): boolean {
  return changes(one, other).length === 0
}

/**
 * What a new split does to the units (users, sessions: whatever is dealt). A version that grows only takes, one that
 * shrinks only gives, so between one giver and its takers, or one taker and its givers, it is known who goes where.
 */
export function moveWords(before: TrafficShares, after: TrafficShares): string {
  const moved = changes(before, after)
  const givers = moved.filter(({ by }) => by < 0)
  const takers = moved.filter(({ by }) => by > 0)
  const [giver, taker] = [givers[0], takers[0]]
  if (giver === undefined || taker === undefined) return 'Nothing moves.'
  if (givers.length === 1)
    return sentence(takers.map(({ version, by }) => `${share(by)} from ${giver.version} to ${version}`))
  if (takers.length === 1)
    return sentence(givers.map(({ version, by }) => `${share(by)} from ${version} to ${taker.version}`))
  const away = listed(givers.map(({ version, by }) => `${share(by)} away from ${version}`))
  return `${away} of units move, ${listed(takers.map(({ version, by }) => `${share(by)} to ${version}`))}.`
}

/** "12 % of units move from v1 to v2", the others after it. */
function sentence(moves: readonly string[]): string {
  return `${listed(moves.map((move, index) => (index === 0 ? move.replace(' from', ' of units move from') : move)))}.`
}

function share(by: number): string {
  return sharePercent(Math.abs(by))
}

function changes(before: TrafficShares, after: TrafficShares): { version: string; by: number }[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((version) => {
    const by = Math.round(((after[version] ?? 0) - (before[version] ?? 0)) * STEPS) / STEPS
    return by === 0 ? [] : { version, by }
  })
}

export function splitWords(shares: TrafficShares): string {
  return Object.entries(shares)
    .filter(([, percent]) => percent > 0)
    .map(([version, percent]) => `${version} ${sharePercent(percent)}`)
    .join(', ')
}
