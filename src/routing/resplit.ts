import type { Slice, TrafficShares } from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import { BUCKETS } from './split.ts'

/** What nobody owns: the whole space before the first split. */
const UNOWNED = Symbol('unowned')
type Owner = string | typeof UNOWNED

interface Piece {
  owner: Owner
  from: number
  to: number
}

/**
 * New slices for new shares with the least movement of units: a version that grows only takes, one that shrinks only
 * gives, one that keeps its share keeps its very units. Pieces are given at an edge that touches the receiver where
 * there is one, so a canary that goes 1 → 5 → 1 % returns the units it got last, and slices stay few.
 *
 * Sizes are the shares of 2³² to within one bucket (2·10⁻⁸ %) and cover the space without gap or overlap.
 * @param shares percent by version label; must add up to 100 (`traffic_not_whole`). All zero gives no slices.
 */
export function resplit(previous: readonly Slice[], shares: TrafficShares): Slice[] {
  const targets = targetSizes(shares)
  if (targets.size === 0) return []
  const pieces = piecesOf(previous)
  for (const [receiver, size] of targets) {
    let missing = size - sizeOf(pieces, receiver)
    while (missing > 0) missing -= takeOnePiece(pieces, receiver, missing, targets)
  }
  return merged(pieces).map(({ owner, from, to }) => ({ version: owner as string, from, to }))
}

/** Largest remainders: whole buckets that add up to the space exactly. */
function targetSizes(shares: TrafficShares): Map<string, number> {
  const wanted = Object.entries(shares).filter(([, share]) => share > 0)
  const sum = wanted.reduce((total, [, share]) => total + share, 0)
  if (wanted.length > 0 && Math.abs(sum - 100) > 0.005)
    throw new SlipwayError('traffic_not_whole', { sum: Math.round(sum * 100) / 100 })
  const exact = wanted.map(([version, share]) => ({ version, size: (share / sum) * BUCKETS }))
  const sizes = new Map(exact.map(({ version, size }) => [version, Math.floor(size)]))
  let left = BUCKETS - [...sizes.values()].reduce((total, size) => total + size, 0)
  const byRemainder = exact.toSorted(
    (a, b) => (b.size % 1) - (a.size % 1) || (a.version < b.version ? -1 : 1),
  )
  for (const { version } of byRemainder) {
    if (left-- <= 0) break
    sizes.set(version, (sizes.get(version) as number) + 1)
  }
  return sizes
}

/** Moves one interval of at most `missing` buckets from somebody who has too much; returns how many. */
function takeOnePiece(
  pieces: Piece[],
  receiver: string,
  missing: number,
  targets: ReadonlyMap<string, number>,
): number {
  const surplus = (owner: Owner): number =>
    sizeOf(pieces, owner) - (owner === UNOWNED ? 0 : (targets.get(owner) ?? 0))
  const donors = pieces.filter((piece) => piece.owner !== receiver && surplus(piece.owner) > 0)
  const isReceiver = (piece: Piece | undefined): boolean => piece?.owner === receiver
  const touching = (piece: Piece): boolean => {
    const at = pieces.indexOf(piece)
    return isReceiver(pieces[at - 1]) || isReceiver(pieces[at + 1])
  }
  const donor = (donors.findLast(touching) ?? donors.at(-1)) as Piece
  const size = Math.min(missing, surplus(donor.owner), donor.to - donor.from)
  const at = pieces.indexOf(donor)
  const fromFront = isReceiver(pieces[at - 1]) && !isReceiver(pieces[at + 1])
  const moved: Piece = fromFront
    ? { owner: receiver, from: donor.from, to: donor.from + size }
    : { owner: receiver, from: donor.to - size, to: donor.to }
  const kept: Piece = fromFront ? { ...donor, from: donor.from + size } : { ...donor, to: donor.to - size }
  const parts = fromFront ? [moved, kept] : [kept, moved]
  pieces.splice(at, 1, ...parts.filter((piece) => piece.to > piece.from))
  pieces.splice(0, pieces.length, ...merged(pieces))
  return size
}

/** The space as a row of pieces in order, gaps included. */
function piecesOf(slices: readonly Slice[]): Piece[] {
  const pieces: Piece[] = []
  let reached = 0
  for (const { version, from, to } of slices.toSorted((left, right) => left.from - right.from)) {
    if (from > reached) pieces.push({ owner: UNOWNED, from: reached, to: from })
    pieces.push({ owner: version, from: Math.max(from, reached), to })
    reached = Math.max(reached, to)
  }
  if (reached < BUCKETS) pieces.push({ owner: UNOWNED, from: reached, to: BUCKETS })
  return merged(pieces)
}

function merged(pieces: readonly Piece[]): Piece[] {
  const whole: Piece[] = []
  for (const piece of pieces) {
    const last = whole.at(-1)
    if (last !== undefined && last.owner === piece.owner && last.to === piece.from) last.to = piece.to
    else whole.push({ ...piece })
  }
  return whole
}

function sizeOf(pieces: readonly Piece[], owner: Owner): number {
  let size = 0
  for (const piece of pieces) if (piece.owner === owner) size += piece.to - piece.from
  return size
}
