import {
  isRemoteEngine,
  type LimitRule,
  type Model,
  type PriceOverride,
  type Provider,
  type ProviderKind,
  type ServingPolicy,
  type Snapshot,
  type SnapshotKey,
  type SnapshotModel,
  type SnapshotReplica,
  type SnapshotVersion,
  textContract,
  type Version,
  type VllmSettings,
} from '../../contracts/index.ts'
import { canonicalJson } from '../../kernel/index.ts'
import type { StoredKey } from '../../store/index.ts'
import type { ObservedReplica } from '../fleet.ts'
import type { FleetView } from '../reconcile/reconciler.ts'

/** What changes seldom: read again when the store says so. */
export interface Catalogue {
  readonly models: readonly Model[]
  /** Versions that are deployed or have traffic. */
  readonly versions: readonly Version[]
  readonly keys: readonly StoredKey[]
  /** By the name of their model. */
  readonly servingPolicies: ReadonlyMap<string, ServingPolicy>
  readonly providers: readonly Provider[]
  readonly limits: readonly LimitRule[]
  readonly prices: readonly PriceOverride[]
}

export type SnapshotContent = Omit<Snapshot, 'revision' | 'createdAt'>

/**
 * The tables that gateways work from. Only replicas that are ready (or finishing) are in it; a version that has
 * traffic and no ready replica stays, with an empty list, so that its units get `replica_unready` and not somebody
 * else's answer. Everything is sorted, so that equal states give equal snapshots.
 */
export function buildSnapshot(catalogue: Catalogue, view: FleetView, nowMs: number): SnapshotContent {
  return {
    models: catalogue.models.map((model) => modelOf(model, catalogue, view)).sort(by((each) => each.model)),
    keys: catalogue.keys
      .filter((key) => key.revokedAt === null && (key.expiresAt === null || key.expiresAt > nowMs))
      .map(keyOf)
      .sort(by((each) => each.publicId)),
    // As they are listed: by name.
    providers: [...catalogue.providers],
    limits: [...catalogue.limits],
    prices: [...catalogue.prices],
  }
}

function modelOf(model: Model, catalogue: Catalogue, view: FleetView): SnapshotModel {
  const split = view.traffic.find((row) => row.model === model.model)
  const isNamed = (label: string) =>
    (split?.shares[label] ?? 0) > 0 ||
    view.deployments.some(
      (row) => row.model === model.model && row.version === label && row.status !== 'stopped',
    )
  return {
    model: model.model,
    contract: model.contract,
    experiment: `split:${model.model}`,
    slices: split?.slices ?? [],
    versions: catalogue.versions
      .filter((version) => version.model === model.model && isNamed(version.label))
      .map((version) => ({
        label: version.label,
        id: version.id,
        replicas: isRemoteEngine(version.spec.engine) ? [] : replicasOf(version, view),
        maxBatchRows: version.spec.batching.maxBatchSize,
        ...textOf(version),
      }))
      .sort(by((each) => each.label)),
    captureFailures: model.captureFailures,
    ...servingOf(model, catalogue),
  }
}

function servingOf(model: Model, { servingPolicies }: Catalogue): Pick<SnapshotModel, 'serving'> {
  const serving = servingPolicies.get(model.model)
  return serving === undefined ? {} : { serving }
}

const TEXT_CONTRACT = canonicalJson(textContract)

/** What gateways must know of a version of text: whom to ask, and what is said before the client's own words. */
function textOf({ spec }: Version): Pick<SnapshotVersion, 'text'> {
  if (canonicalJson(spec.contract) !== TEXT_CONTRACT) return {}
  const { engine, provider, modelName, prompt, sampling, guardrails } = spec
  return { text: { engine, provider, modelName, prompt, sampling, guardrails } }
}

function replicasOf(version: Version, view: FleetView): SnapshotReplica[] {
  const isOwn = (replica: ObservedReplica) =>
    replica.model === version.model && replica.label === version.label
  return view.replicas
    .filter((replica) => isOwn(replica) && replica.alive && isReachable(replica))
    .map((replica) => ({
      id: replica.replicaId,
      address: replica.status.address,
      ...foreignOf(version, replica.status.address),
      draining: replica.status.phase === 'draining' || view.draining.has(replica.replicaId),
    }))
    .sort(by((each) => each.id))
}

/** What gateways speak to a model server of another project, which listens on this machine or in the cluster. */
const SPOKEN: Readonly<Record<VllmSettings['server'], ProviderKind>> = {
  vllm: 'vllm',
  tgi: 'tgi',
  'triton-trtllm': 'openai-compatible',
}

function foreignOf({ spec }: Version, address: string): Pick<SnapshotReplica, 'allowInner' | 'speaks'> {
  if (spec.vllm === undefined || !address.startsWith('http:')) return {}
  return { allowInner: true, speaks: SPOKEN[spec.vllm.server] }
}

function isReachable(replica: ObservedReplica): boolean {
  return replica.status.phase === 'ready' || replica.status.phase === 'draining'
}

function keyOf({ publicId, mac, tenant, scopes, limits, priority, expiresAt }: StoredKey): SnapshotKey {
  return { publicId, mac, tenant, scopes, limits, priority, expiresAt }
}

function by<T>(key: (item: T) => string): (left: T, right: T) => number {
  return (left, right) => {
    const [first, second] = [key(left), key(right)]
    return first < second ? -1 : first > second ? 1 : 0
  }
}
