import { requireAtLeast, requireFinite, requirePositiveCount } from './check.ts'
import type { Random } from './types.ts'

export interface SignFlip {
  /** Two-sided. */
  readonly pValue: number
  /** All sign patterns were counted, so the p-value has no Monte-Carlo error and needs no seed. */
  readonly isExact: boolean
}

/** 2¹⁶ patterns take a millisecond; more differences than this are sampled. */
const ENUMERATED = 16

/**
 * Permutation test of paired differences (Fisher, Pitman): under "no difference" each sign is a coin. Exact for up to
 * 16 non-zero differences, else p = (1 + #{|T*| ≥ |T|})/(resamples + 1), which keeps its level at any `resamples`.
 */
export function signFlip(
  differences: readonly number[],
  options: { random: Random; resamples?: number },
): SignFlip {
  requireAtLeast('differences', differences.length, 1)
  requireFinite('differences', differences)
  const sizes = differences.filter((difference) => difference !== 0).map(Math.abs)
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0))
  // Sums of the same numbers in another order differ in the last bits; such ties count as reached.
  const reached = observed - 1e-12 * sizes.reduce((sum, size) => sum + size, 0)
  if (sizes.length <= ENUMERATED) return { pValue: enumerate(sizes, reached), isExact: true }
  const resamples = options.resamples ?? 10_000
  requirePositiveCount('resamples', resamples)
  let hits = 1
  for (let i = 0; i < resamples; i += 1) if (Math.abs(flipped(sizes, options.random)) >= reached) hits += 1
  return { pValue: hits / (resamples + 1), isExact: false }
}

/** Walks all patterns in Gray-code order: one sign changes at a time. */
function enumerate(sizes: readonly number[], reached: number): number {
  const patterns = 2 ** sizes.length
  const signs = sizes.map(() => 1)
  let sum = sizes.reduce((total, size) => total + size, 0)
  let hits = 0
  for (let pattern = 1; ; pattern += 1) {
    if (Math.abs(sum) >= reached) hits += 1
    if (pattern === patterns) return hits / patterns
    const turned = 31 - Math.clz32(pattern & -pattern)
    signs[turned] = -signs[turned]!
    sum += 2 * signs[turned]! * sizes[turned]!
  }
}

/** One uniform number serves 30 signs. */
function flipped(sizes: readonly number[], random: Random): number {
  let sum = 0
  let bits = 0
  for (const [index, size] of sizes.entries()) {
    if (index % 30 === 0) bits = Math.floor(random() * 2 ** 30)
    sum += bits & 1 ? size : -size
    bits >>= 1
  }
  return sum
}
