import type { TokenUsage } from '../contracts/index.ts'

/**
 * Usage told more than once in a stream: late or early, cumulative or once. Later figures win, silence erases nothing.
 */
export function mergeUsage(before: TokenUsage, later: TokenUsage): TokenUsage {
  const merged = { ...before }
  for (const [name, count] of Object.entries(later) as [keyof TokenUsage, number | null][])
    if (count !== null) merged[name] = count
  return merged
}
