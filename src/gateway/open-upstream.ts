import type { SnapshotReplica } from '../contracts/index.ts'
import { type Clock, type Logger, type Random, replicaKey } from '../kernel/index.ts'
import {
  closedUpstream,
  foreignReplica,
  httpUpstream,
  replicaUpstream,
  type Upstream,
} from '../providers/index.ts'
import type { CompiledContract } from './gateway-table.ts'

export interface WantedUpstream {
  readonly replica: SnapshotReplica
  readonly model: string
  readonly version: string
  readonly contract: CompiledContract
}

export interface UpstreamParts {
  /** Shown to model servers in a cluster; remote endpoints never see it. */
  readonly internalKey: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/**
 * What answers for a replica of the snapshot, by its address: our own model servers over the link, others over HTTP, in
 * the API that they speak or with our predict body. An
 * address that may not be called costs that one replica and is told in the log; the rest of the snapshot is good.
 */
export function openUpstream(
  { contract, model, replica, version }: WantedUpstream,
  { clock, internalKey, log, random }: UpstreamParts,
): Upstream {
  if (!/^https?:/.test(replica.address)) {
    const linkKey = replica.address.startsWith('tcp:') ? { linkKey: internalKey } : {}
    const contractDigest = contract.digest
    return replicaUpstream({ replica, model, version, ...linkKey, contractDigest, clock, random, log })
  }
  const { address: url, allowInner = false, id, speaks } = replica
  const { inputs, outputs } = contract
  try {
    if (speaks !== undefined) {
      const key = replicaKey(internalKey, id)
      return foreignReplica({ id, url, kind: speaks, key, allowInner, model, version, clock, random, log })
    }
    return httpUpstream({ id, url, allowInner, model, version, inputs, outputs, clock })
  } catch (error) {
    log.error({ replica: id, model, version, reason: String(error) }, 'replica address refused')
    return closedUpstream({ id, model, version })
  }
}
