import type { TrafficShares } from '../../contracts/index.ts'
import { isSlipwayError, SlipwayError } from '../../kernel/index.ts'
import { resplit } from '../../routing/index.ts'
import type { Store, TrafficRow } from '../../store/index.ts'
import type { ObservedReplica } from '../fleet.ts'
import { isReady } from '../reconcile/decide.ts'
import { largestShare, wholeShares } from './shares.ts'

type TrafficStore = Pick<Store, 'models' | 'versions' | 'deployments' | 'traffic'>

/**
 * Writes a split after asking whether it can be served: nothing gets traffic that has no ready replica, and units
 * move only as far as the shares do.
 */
export async function writeTraffic(
  store: TrafficStore,
  replicas: readonly ObservedReplica[],
  write: { model: string; shares: TrafficShares; reason: string; expectedRevision?: number | undefined },
): Promise<TrafficRow> {
  const { model, reason, expectedRevision } = write
  const present = await store.traffic.get(model)
  await store.models.get(model)
  for (const label of Object.keys(write.shares)) await store.versions.get(model, label)
  const shares = wholeShares(write.shares)
  for (const label of Object.keys(shares)) {
    // What has traffic already may keep it, whatever state it is in: taking it away is what the write is for.
    const grows = (shares[label] ?? 0) > (present?.shares[label] ?? 0)
    if (grows) await requireServing(store, replicas, model, label)
  }
  if (expectedRevision !== undefined && expectedRevision !== (present?.revision ?? 0))
    throw new SlipwayError('etag_mismatch', { what: `The traffic of ${model}` })
  const slices = resplit(present?.slices ?? [], shares)
  return store.traffic.set(model, { shares, slices, reason }, expectedRevision)
}

/** The version with the largest share now, the older one in a tie. */
export async function championOf(
  store: Pick<Store, 'versions' | 'traffic'>,
  model: string,
): Promise<string | undefined> {
  const shares = (await store.traffic.get(model))?.shares ?? {}
  const createdAt = new Map<string, number>()
  for (const label of Object.keys(shares)) {
    const version = await store.versions.get(model, label).catch((error: unknown) => {
      if (isSlipwayError(error) && error.code === 'unknown_version') return undefined
      throw error
    })
    createdAt.set(label, version?.createdAt ?? Number.POSITIVE_INFINITY)
  }
  return largestShare(shares, (left, right) => (createdAt.get(left) ?? 0) < (createdAt.get(right) ?? 0))
}

/** `traffic_inactive` unless the version is active and has a ready replica. */
export async function requireServing(
  store: Pick<Store, 'deployments'>,
  replicas: readonly ObservedReplica[],
  model: string,
  label: string,
): Promise<void> {
  const row = await store.deployments.find(model, label)
  const hasReplica = replicas.some(
    (replica) => replica.model === model && replica.label === label && isReady(replica),
  )
  if (row?.status === 'active' && hasReplica) return
  const status =
    row === undefined ? 'not deployed' : row.status === 'active' ? 'without a ready replica' : row.status
  throw new SlipwayError('traffic_inactive', { model, version: label, status })
}
