import { isRemoteEngine } from '../../../contracts/index.ts'
import type { Clock } from '../../../kernel/index.ts'
import type { ObservedReplica, ReplicaBackend } from '../../fleet.ts'

/**
 * Versions that a provider runs have no process here, and are reconciled like all others all the same: starting one
 * makes a replica that is ready at once and exists only in this process. After a restart there are none, and the next
 * turn makes them again; gateways do not notice, since they reach such a version through its provider.
 */
export function withRemoteVersions(local: ReplicaBackend, clock: Clock): ReplicaBackend {
  const remote = new Map<string, ObservedReplica>()
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  return {
    async start(spec) {
      if (!isRemoteEngine(spec.spec.engine)) return local.start(spec)
      const { replicaId, model, label, versionId } = spec
      const status: ObservedReplica['status'] = {
        replicaId,
        pid: process.pid,
        phase: 'ready',
        address: `remote:${spec.spec.provider ?? ''}`,
        httpUrl: null,
        startedAt: clock.nowMs(),
        loadMs: 0,
        failure: null,
      }
      remote.set(replicaId, { replicaId, model, label, versionId, status, alive: true })
      tell()
    },
    async stop(replicaId) {
      if (!remote.delete(replicaId)) return local.stop(replicaId)
      tell()
    },
    list: async () => [...(await local.list()), ...remote.values()],
    watch(listener) {
      listeners.add(listener)
      const unwatch = local.watch(listener)
      return () => {
        listeners.delete(listener)
        unwatch()
      }
    },
    close: () => local.close(),
  }
}
