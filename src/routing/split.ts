import type { Slice, SnapshotModel } from '../contracts/index.ts'
import { murmur3 } from './murmur3.ts'

/** Size of the bucket space that slices divide. */
export const BUCKETS = 2 ** 32

/** Who answers, and the bucket that decided it; both are kept with the request, which makes it the exposure. */
export interface Assignment {
  readonly version: string
  readonly bucket: number
}

/**
 * Deals a unit to a version. bucket = murmur3(unit, seed murmur3(experiment, 0)), a number in [0, 2³²): the same unit
 * keeps its version for as long as the experiment and the slice it falls into stay. Undefined when no slice owns the
 * bucket (a model without traffic).
 */
export function assign(
  model: Pick<SnapshotModel, 'experiment' | 'slices'>,
  unit: string,
): Assignment | undefined {
  const bucket = bucketOfUnit(experimentSeed(model.experiment), unit)
  const version = ownerOf(model.slices, bucket)
  return version === undefined ? undefined : { version, bucket }
}

/** Worked out once per snapshot; a request then hashes only its unit. */
export function experimentSeed(experiment: string): number {
  return murmur3(experiment, 0)
}

export function bucketOfUnit(seed: number, unit: string): number {
  return murmur3(unit, seed)
}

export function ownerOf(slices: readonly Slice[], bucket: number): string | undefined {
  for (const slice of slices) if (bucket >= slice.from && bucket < slice.to) return slice.version
  return undefined
}
