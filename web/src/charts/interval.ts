import type { Measurement } from '../../../src/contracts/index.ts'

/** Where a measurement lies between −1 (as good as it is drawn) and +1 (as bad): better is always on the left. */
export interface IntervalGeometry {
  readonly point: number
  readonly low: number
  readonly high: number
  readonly margin: number
}

/** The drawn range holds the whole interval and the margin, with some air. Null: nothing was measured. */
export function intervalGeometry(measurement: Measurement): IntervalGeometry | null {
  const { estimate, lower, upper, margin, better } = measurement
  if (estimate === null) return null
  const worse = (value: number) => (better === 'lower' ? value : -value)
  const ends = [worse(lower ?? estimate), worse(upper ?? estimate)].sort((left, right) => left - right)
  const range = Math.max(Math.abs(ends[0]!), Math.abs(ends[1]!), margin) * 1.2 || 1
  return {
    point: worse(estimate) / range,
    low: ends[0]! / range,
    high: ends[1]! / range,
    margin: margin / range,
  }
}
