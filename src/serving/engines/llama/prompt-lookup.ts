/**
 * Proposes what followed the last time that the newest `minMatch` tokens stood together, latest place first: cheap, and right where an
 * answer repeats its question (Saxena, "Prompt Lookup Decoding", 2023).
 *
 * @returns at most `maxTokens` tokens; none where nothing matches.
 */
export function lookUp(tokens: readonly number[], minMatch: number, maxTokens: number): number[] {
  const tail = tokens.length - minMatch
  for (let start = tail - 1; start >= 0; start--) {
    let at = 0
    while (at < minMatch && tokens[start + at] === tokens[tail + at]) at++
    if (at === minMatch) return tokens.slice(start + minMatch, start + minMatch + maxTokens)
  }
  return []
}
