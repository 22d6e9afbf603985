import { SlipwayError } from '../kernel/index.ts'
import { bucketOfUnit, type ExposureCounter, ownerOf } from '../routing/index.ts'
import type { GatewayModel, GatewayVersion } from './gateway-table.ts'

export interface Assigning {
  /** The version that the client names; undefined leaves it to the split. */
  readonly pinned: string | undefined
  /** What stays with its version; undefined where every request is dealt by itself. */
  readonly unit: string | undefined
  readonly requestId: string
}

export interface Assigned {
  readonly version: GatewayVersion
  /** Null where the version was pinned. */
  readonly bucket: number | null
}

/** Unit → version. Throws `no_traffic` and `unknown_version`. */
export function assignVersion(model: GatewayModel, { pinned, requestId, unit }: Assigning): Assigned {
  const bucket = pinned === undefined ? bucketOfUnit(model.seed, unit ?? requestId) : null
  const label = bucket === null ? pinned : ownerOf(model.snapshot.slices, bucket)
  if (label === undefined) throw new SlipwayError('no_traffic', { model: model.name, retryAfterMs: 1000 })
  const version = model.versions.get(label)
  if (version === undefined)
    throw new SlipwayError('unknown_version', { model: model.name, version: label.slice(0, 100) })
  return { version, bucket }
}

/** Counts a unit that meets its version for the first time in a while. `nowMs` is monotonic. */
export function noteExposure(
  exposures: ExposureCounter,
  model: GatewayModel,
  { bucket, version }: Assigned,
  unit: string | undefined,
  nowMs: number,
): void {
  if (bucket === null || unit === undefined) return
  if (exposures.isFirst(model.seed, bucket, nowMs)) version.metrics.exposures++
}
