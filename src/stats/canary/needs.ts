import {
  type CanarySums,
  confidenceSequence,
  deltaOf,
  type LawOptions,
  lawVariance,
  MINIMUM_EVENTS,
  MINIMUM_WINDOWS,
  readLaw,
} from './law.ts'

const MOST_DOUBLINGS = 40

/**
 * How many more windows like those so far until the law decides, if difference and spread stay as observed: what an
 * undecided canary still needs. 0 when decided; undefined when the observed difference lies on the other side of δ,
 * or when nothing was observed yet (ask the planner then).
 */
export function windowsNeeded(sums: CanarySums, options: LawOptions): number | undefined {
  const reading = readLaw(sums, options)
  if (reading.isDecided) return 0
  if (sums.windows === 0) return undefined
  const sign = options.mode === 'promote' ? 1 : -1
  const gap = sign * (deltaOf(options) - reading.difference)
  const events = options.mode === 'promote' ? reading.expectedAtBoundary : reading.eventsSeen
  if (gap <= 0 || events === 0) return undefined
  const growth = Math.max(
    growthUntil(gap, 1 / lawVariance(sums, options), options),
    MINIMUM_WINDOWS / sums.windows,
    MINIMUM_EVENTS / events,
  )
  return Math.max(1, Math.ceil(sums.windows * (growth - 1)))
}

/** By which factor the information must grow until the half-width falls below the gap. */
function growthUntil(gap: number, information: number, { margin, alpha }: LawOptions): number {
  const reaches = (growth: number) => confidenceSequence(growth * information, margin, alpha) < gap
  let high = 1
  for (let doubling = 0; !reaches(high) && doubling < MOST_DOUBLINGS; doubling += 1) high *= 2
  let low = high / 2
  // A thousandth is far finer than the guess that nothing will change.
  while (high > 1 && high - low > 1e-3 * high) {
    const middle = (low + high) / 2
    if (reaches(middle)) high = middle
    else low = middle
  }
  return high
}
