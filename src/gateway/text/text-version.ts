import type { ProviderTimeouts, SnapshotModel, SnapshotVersion } from '../../contracts/index.ts'
import { providerTimeouts } from '../../contracts/index.ts'
import type { TextReplica, TextUpstream, Upstream } from '../../providers/index.ts'
import type { TextMetrics } from '../metrics/text-metrics.ts'
import type { Guard, PricedModel } from './parts.ts'

/** What a request to a version of text needs, made once per snapshot. */
export interface TextVersion {
  readonly model: SnapshotModel
  readonly snapshot: SnapshotVersion
  /** The remote provider that answers; undefined: replicas of ours, by the version's pool. */
  readonly remote: TextUpstream | undefined
  /** Name in the snapshot; null for replicas of ours. */
  readonly provider: string | null
  readonly timeouts: ProviderTimeouts
  /** The model as the upstream names it. */
  readonly modelName: string
  /** The same as JSON text, ready to be spliced in. */
  readonly modelNameJson: Buffer
  /** The version says something before each request, or how tokens are drawn: its requests are written anew. */
  readonly isRewritten: boolean
  readonly isCached: boolean
  readonly guard: Guard | undefined
  readonly priced: Omit<PricedModel, 'atMs'>
  readonly metrics: TextMetrics
}

/** Replicas of ours have no provider's timeouts; the deadline of the request bounds them. */
const OWN_TIMEOUTS: ProviderTimeouts = providerTimeouts.parse({})

export interface TextVersionParts {
  readonly remote: TextUpstream | undefined
  readonly timeouts: ProviderTimeouts | undefined
  /** As the price book knows the provider. */
  readonly guard: Guard | undefined
  readonly isCached: boolean
  readonly metrics: TextMetrics
}

/** Undefined for a version that answers rows. */
export function textVersion(
  model: SnapshotModel,
  snapshot: SnapshotVersion,
  parts: TextVersionParts,
): TextVersion | undefined {
  const { text } = snapshot
  if (text === undefined) return undefined
  const modelName = text.modelName ?? model.model
  const provider = text.provider ?? null
  return {
    model,
    snapshot,
    remote: parts.remote,
    provider,
    timeouts: parts.timeouts ?? OWN_TIMEOUTS,
    modelName,
    modelNameJson: Buffer.from(JSON.stringify(modelName)),
    isRewritten: text.prompt !== undefined || Object.keys(text.sampling ?? {}).length > 0,
    isCached: parts.isCached,
    guard: parts.guard,
    priced: { provider, modelName },
    metrics: parts.metrics,
  }
}

/** Undefined for endpoints of others that stand in for a replica: they take rows alone. */
export function textOf(replica: Upstream): TextUpstream | undefined {
  return (replica as Partial<TextReplica>).text
}
