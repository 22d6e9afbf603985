/** The valid word nearest to what was written, if one is near enough to have been meant. */
export function nearest(written: string, valid: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(written.length / 3)) + 1
  for (const word of valid) {
    const distance = editDistance(written.toLowerCase(), word.toLowerCase())
    if (distance < least) [best, least] = [word, distance]
  }
  return best
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
export function editDistance(left: string, right: string): number {
  let twoUp: number[] = []
  let up = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const line = [row]
    for (let column = 1; column <= right.length; column++) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1
      let least = Math.min(up[column]! + 1, line[column - 1]! + 1, up[column - 1]! + change)
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (row > 1 && column > 1 && swapped) least = Math.min(least, twoUp[column - 2]! + 1)
      line.push(least)
    }
    twoUp = up
    up = line
  }
  return up[right.length]!
}
