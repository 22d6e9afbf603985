import type { Flip } from './details.ts'

/** Fixed and broken by turns, so that the first few tell of both. */
export function inTurn(flips: readonly Flip[]): Flip[] {
  const fixed = flips.filter(({ kind }) => kind === 'fixed')
  const broken = flips.filter(({ kind }) => kind === 'broken')
  return Array.from({ length: Math.max(fixed.length, broken.length) }, (_, index) => [
    fixed[index],
    broken[index],
  ])
    .flat()
    .filter((flip) => flip !== undefined)
}
