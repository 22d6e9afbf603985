import type { SnapshotModel } from '../contracts/index.ts'
import { digestOf, macOfSecret } from '../kernel/index.ts'
import { compileRows, type RowCodec } from '../link/index.ts'
import type { Upstream } from '../providers/index.ts'
import type { ReplicaPool, RoutingTable } from '../routing/index.ts'
import { KeyRing } from './auth/key-ring.ts'
import type { TextMetricsTable } from './metrics/text-metrics.ts'
import type { VersionMetrics, VersionMetricsTable } from './metrics/version-metrics.ts'
import type { TextParts } from './text/parts.ts'
import type { ProviderBook } from './text/provider-book.ts'
import { type TextVersion, textVersion } from './text/text-version.ts'

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
  /** Undefined: it answers rows. */
  readonly text: TextVersion | undefined
}

/** What versions of text are made with. */
export interface TextTableParts extends Pick<TextParts, 'cache' | 'guards'> {
  readonly providers: ProviderBook
  readonly metrics: TextMetricsTable
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
  text: TextTableParts,
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
        text: textOf(model.snapshot, label, text),
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

function textOf(model: SnapshotModel, label: string, parts: TextTableParts): TextVersion | undefined {
  const version = model.versions.find((one) => one.label === label)
  if (version?.text === undefined) return undefined
  const provider = parts.providers.of(version.text.provider)
  return textVersion(model, version, {
    remote: provider?.upstream,
    timeouts: provider?.timeouts,
    guard: parts.guards.of(model, version),
    isCached: parts.cache.isOn(model, version),
    metrics: parts.metrics.of(model.model, label),
  })
}
