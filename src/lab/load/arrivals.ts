import type { Random } from '../../kernel/index.ts'

/** Offsets in ms of `count` Poisson arrivals at `ratePerSecond`: independent exponential gaps. */
export function poissonArrivals(count: number, ratePerSecond: number, random: Random): Float64Array {
  const offsets = new Float64Array(count)
  let atMs = 0
  for (let index = 0; index < count; index++) {
    atMs += (-Math.log1p(-random()) / ratePerSecond) * 1000
    offsets[index] = atMs
  }
  return offsets
}

/** The same, scaled so that the last arrival falls on `durationMs`: two halves of a pair last exactly as long. */
export function arrivalsWithin(durationMs: number, count: number, random: Random): Float64Array {
  const offsets = poissonArrivals(count, 1, random)
  const scale = durationMs / offsets[count - 1]!
  return offsets.map((offset) => offset * scale)
}
