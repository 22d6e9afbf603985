import type { Random } from '../../kernel/index.ts'

/** A rate that changes linearly from `fromRate` to `toRate` (requests a second) over `forMs`. */
export interface Segment {
  readonly forMs: number
  readonly fromRate: number
  readonly toRate: number
}

export type ArrivalShape = 'constant' | 'poisson' | 'gamma' | 'step' | 'ramp' | 'spike'

/**
 * Offsets in ms, ascending, of the arrivals of a point process with that rate: gaps of mean 1 are drawn and mapped
 * through the inverse of the cumulative rate, which is exact for Poisson (Çinlar 1975) and keeps the order for others.
 * `gap`: a positive draw of mean 1.
 */
export function arrivals(segments: readonly Segment[], gap: () => number): Float64Array {
  const offsets: number[] = []
  let startMs = 0
  let before = 0
  let due = gap()
  for (const segment of segments) {
    const expected = ((segment.fromRate + segment.toRate) / 2) * (segment.forMs / 1000)
    while (due <= before + expected && offsets.length < MOST_ARRIVALS) {
      offsets.push(startMs + timeOf(segment, due - before))
      due += gap()
    }
    before += expected
    startMs += segment.forMs
  }
  return Float64Array.from(offsets)
}

/** More than any run of an hour at the highest rate one process sends. */
export const MOST_ARRIVALS = 5_000_000

/** When a segment has let `count` arrivals pass: the positive root of from·t + (to − from)/(2T)·t² = count, in ms. */
function timeOf({ forMs, fromRate, toRate }: Segment, count: number): number {
  const seconds = forMs / 1000
  const slope = (toRate - fromRate) / seconds
  const root = Math.sqrt(Math.max(0, fromRate ** 2 + 2 * slope * count))
  // This form of the root loses no digits where the slope is small, and needs no case for zero.
  const atSeconds = (2 * count) / (fromRate + root)
  return Math.min(forMs, (Number.isFinite(atSeconds) ? atSeconds : seconds) * 1000)
}

/** Usual shapes around a mean or base rate. A spike is four times the rate for a tenth of the time. */
export function segmentsOf(shape: ArrivalShape, rate: number, durationMs: number): Segment[] {
  const flat = (share: number, factor: number): Segment => ({
    forMs: durationMs * share,
    fromRate: rate * factor,
    toRate: rate * factor,
  })
  if (shape === 'step') return [flat(0.25, 0.25), flat(0.25, 0.5), flat(0.25, 0.75), flat(0.25, 1)]
  if (shape === 'ramp') return [{ forMs: durationMs, fromRate: 0, toRate: rate }]
  if (shape === 'spike') return [flat(0.45, 1), flat(0.1, 4), flat(0.45, 1)]
  return [flat(1, 1)]
}

/** Gaps of mean 1: all alike, exponential, or gamma with that coefficient of variation. */
export function gapsOf(shape: ArrivalShape, random: Random, variation = 2): () => number {
  if (shape === 'constant') return () => 1
  if (shape !== 'gamma') return () => -Math.log1p(-random())
  const k = 1 / variation ** 2
  return () => gammaDraw(k, random) / k
}

/** Marsaglia, Tsang 2000; below shape 1 by the power of a uniform. Never 0, so that time moves on. */
function gammaDraw(shape: number, random: Random): number {
  if (shape < 1) return Math.max(1e-12, gammaDraw(shape + 1, random) * (1 - random()) ** (1 / shape))
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = Math.sqrt(-2 * Math.log1p(-random())) * Math.cos(2 * Math.PI * random())
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log1p(-random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
