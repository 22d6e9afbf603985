import type { SnapshotModel } from '../contracts/index.ts'
import { digestOf, macOfSecret } from '../kernel/index.ts'
import { compileRows, type RowCodec } from '../link/index.ts'
import type { Upstream } from '../providers/index.ts'
import type { ReplicaPool, RoutingTable } from '../routing/index.ts'
import { KeyRing } from './auth/key-ring.ts'
import type { VersionMetrics, VersionMetricsTable } from './metrics/version-metrics.ts'

/** What a contract becomes; made once, kept over snapshots. */
export interface CompiledContract {
  readonly inputs: RowCodec
  readonly outputs: RowCodec
  readonly digest: string
}

export interface GatewayVersion {
  readonly label: string
  readonly pool: ReplicaPool<Upstream>
  readonly metrics: VersionMetrics
  /** The answer's JSON up to the outputs. */
  readonly jsonHead: string
}

export interface GatewayModel {
  readonly name: string
  readonly snapshot: SnapshotModel
  readonly seed: number
  readonly contract: CompiledContract
  readonly versions: ReadonlyMap<string, GatewayVersion>
  /** Where requests count that were answered before a version was known. */
  readonly metrics: VersionMetrics
}

/** Everything a request needs, precomputed; swapped as one reference. */
export interface GatewayTable {
  readonly revision: number
  readonly createdAt: number
  readonly models: ReadonlyMap<string, GatewayModel>
  readonly keys: KeyRing
}

export function compileContract(model: SnapshotModel): CompiledContract {
  return {
    inputs: compileRows(model.contract.inputs, model.model),
    outputs: compileRows(model.contract.outputs, model.model),
    digest: digestOf(model.contract),
  }
}

export function gatewayTable(
  table: RoutingTable<Upstream, CompiledContract>,
  pepper: Uint8Array,
  metrics: VersionMetricsTable,
): GatewayTable {
  const models = new Map<string, GatewayModel>()
  for (const model of table.models.values()) {
    const versions = new Map<string, GatewayVersion>()
    for (const { label, pool } of model.versions.values())
      versions.set(label, {
        label,
        pool,
        metrics: metrics.of(model.name, label),
        jsonHead: `{"model":${JSON.stringify(model.name)},"version":${JSON.stringify(label)},"outputs":`,
      })
    models.set(model.name, {
      name: model.name,
      snapshot: model.snapshot,
      seed: model.seed,
      contract: model.compiled,
      versions,
      metrics: metrics.of(model.name, ''),
    })
  }
  const keys = new KeyRing(table.keys, (secret) => macOfSecret(secret, pepper))
  return { revision: table.revision, createdAt: table.createdAt, models, keys }
}
