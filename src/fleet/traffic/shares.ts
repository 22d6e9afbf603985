import type { TrafficShares } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { TrafficRow } from '../../store/index.ts'

/** Shares come in steps of 0.01 %, so a sum that is off by less than half a step is rounding. */
const ROUNDING_PERCENT = 0.005

/** Without the zeros. `traffic_not_whole` unless they add up to 100. */
export function wholeShares(shares: TrafficShares): TrafficShares {
  const sum = Object.values(shares).reduce((total, share) => total + share, 0)
  if (!(Math.abs(sum - 100) <= ROUNDING_PERCENT + 1e-9))
    throw new SlipwayError('traffic_not_whole', { sum: Math.round(sum * 100) / 100 })
  return Object.fromEntries(Object.entries(shares).filter(([, share]) => share > 0))
}

/**
 * The split after one version was given `percent`: the others keep their proportions among themselves. Cut to steps
 * of 0.01; what is lost by that goes to the largest of the others, or to the version itself when there are none.
 */
export function shiftedTo(shares: TrafficShares, version: string, percent: number): TrafficShares {
  const others = Object.entries(shares).filter(([label, share]) => label !== version && share > 0)
  if (others.length === 0) return { [version]: 100 }
  const before = others.reduce((total, [, share]) => total + share, 0)
  const scaled = others.map(([label, share]): [string, number] => [
    label,
    Math.floor((share / before) * (100 - percent) * 100) / 100,
  ])
  const largest = scaled.reduce((most, each) => (each[1] > most[1] ? each : most))
  const rest = 100 - percent - scaled.reduce((total, [, share]) => total + share, 0)
  largest[1] = Math.round((largest[1] + rest) * 100) / 100
  return Object.fromEntries([...scaled, [version, percent] as const].filter(([, share]) => share > 0))
}

/** The version with the largest share; `isOlder` decides between equals. Undefined without traffic. */
export function largestShare(
  shares: TrafficShares,
  isOlder: (left: string, right: string) => boolean,
): string | undefined {
  let champion: string | undefined
  for (const [label, share] of Object.entries(shares)) {
    if (share <= 0) continue
    const most = champion === undefined ? 0 : (shares[champion] ?? 0)
    if (share > most || (share === most && champion !== undefined && isOlder(label, champion)))
      champion = label
  }
  return champion
}

export const ROLLBACK_REASON = 'rollback: '

/**
 * Which version was the good one before the present split, from the splits newest first (the present one leads):
 * the last one that had everything, before the one that has everything now. A split that is itself a rollback is
 * where it wanted to be: two people who press the button at once go back once, not back and forth.
 * Undefined when there is nothing to go back to.
 */
export function rollbackTarget(history: readonly TrafficRow[]): string | undefined {
  const [present, ...earlier] = history
  if (present === undefined) return undefined
  const holder = wholeOwner(present)
  if (holder !== undefined && present.reason.startsWith(ROLLBACK_REASON)) return holder
  for (const split of earlier) {
    const owner = wholeOwner(split)
    if (owner !== undefined && owner !== holder) return owner
  }
  return holder
}

function wholeOwner(split: TrafficRow): string | undefined {
  const owners = Object.entries(split.shares).filter(([, share]) => share > 0)
  return owners.length === 1 ? owners[0]?.[0] : undefined
}
