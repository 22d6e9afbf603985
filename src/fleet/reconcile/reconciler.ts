import { type Version, versionFiles } from '../../contracts/index.ts'
import { type Clock, isSlipwayError, type Logger } from '../../kernel/index.ts'
import type { DeploymentRow, Store, TrafficRow } from '../../store/index.ts'
import type { ObservedReplica, ReplicaBackend } from '../fleet.ts'
import { type Action, decide, hasEnded, type ReconcileTimings, versionKey } from './decide.ts'
import type { FailedStart } from './failures.ts'

/** The state of all things at one moment. */
export interface FleetView {
  readonly deployments: readonly DeploymentRow[]
  readonly traffic: readonly TrafficRow[]
  readonly replicas: readonly ObservedReplica[]
  /** Ids of replicas that gateways shall send nothing new to. */
  readonly draining: ReadonlySet<string>
}

export interface ReconcilerParts {
  readonly store: Pick<Store, 'deployments' | 'traffic' | 'versions' | 'artifacts'>
  readonly backend: ReplicaBackend
  readonly clock: Clock
  readonly logger: Logger
  readonly timings: ReconcileTimings
  readonly newReplicaId: () => string
  /** Something happened outside a turn that the next turn should see. */
  readonly wake: () => void
}

export interface Reconciler {
  look(): Promise<FleetView>
  /** To be called when the view was published. Does what `decide` says of it; resolves when the writes are made, not when replicas have come or gone. */
  act(view: FleetView): Promise<void>
  /** Lets go of what failed before, so that a version gets a fresh chance. */
  forgive(model: string, label: string): Promise<void>
}

export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { store, backend, clock, logger } = parts
  /** What gateways shall be told to leave alone, and since when they have been told: by the snapshot of a later turn. */
  const marked = new Set<string>()
  const drainingSinceMs = new Map<string, number>()
  const failedStarts = new Map<string, FailedStart>()
  const stopping = new Set<string>()
  const starting = new Map<string, string>()
  let heardFromMs: number | undefined

  async function start(model: string, label: string): Promise<void> {
    const key = versionKey(model, label)
    const replicaId = parts.newReplicaId()
    starting.set(replicaId, key)
    try {
      await backend.start(await replicaSpecOf(store, await store.versions.get(model, label), replicaId))
      failedStarts.delete(key)
    } catch (error) {
      const code = isSlipwayError(error) ? error.code : 'internal'
      failedStarts.set(key, { code, detail: String((error as Error).message), atMs: clock.nowMs() })
      logger.error({ err: error, model, version: label }, 'replica could not be started')
    } finally {
      starting.delete(replicaId)
      parts.wake()
    }
  }

  function unmark(replicaId: string): void {
    marked.delete(replicaId)
    drainingSinceMs.delete(replicaId)
  }

  async function stop(replicaId: string): Promise<void> {
    if (stopping.has(replicaId)) return
    stopping.add(replicaId)
    try {
      await backend.stop(replicaId)
      unmark(replicaId)
    } catch (error) {
      logger.error({ err: error, replicaId }, 'replica could not be stopped')
    } finally {
      stopping.delete(replicaId)
      parts.wake()
    }
  }

  async function apply(action: Action): Promise<void> {
    switch (action.kind) {
      case 'start':
        void start(action.model, action.label)
        return
      case 'stop':
        void stop(action.replicaId)
        return
      case 'drain':
        marked.add(action.replicaId)
        return
      case 'undrain':
        // One that has its SIGTERM already cannot be called back.
        if (!stopping.has(action.replicaId)) unmark(action.replicaId)
        return
      case 'set-status': {
        const { model, label, status, reason } = action
        await store.deployments.setStatus(model, label, status, reason)
        logger.info({ model, version: label, status, reason }, 'deployment status changed')
      }
    }
  }

  return {
    async look() {
      const deployments = await store.deployments.list()
      const traffic = await store.traffic.list()
      const replicas = await backend.list()
      heardFromMs ??= replicas.length === 0 ? 0 : clock.nowMs() + parts.timings.reconnectMs
      const present = new Set(replicas.map((replica) => replica.replicaId))
      for (const id of [...marked]) if (!present.has(id)) unmark(id)
      return { deployments, traffic, replicas, draining: new Set([...marked, ...stopping]) }
    },
    async act({ deployments, traffic, replicas, draining }) {
      // This view was published: the time that gateways have to take notice begins now, however long the store took.
      for (const id of marked)
        if (draining.has(id) && !drainingSinceMs.has(id)) drainingSinceMs.set(id, clock.nowMs())
      const memory = {
        drainingSinceMs,
        heardFromMs: heardFromMs ?? 0,
        starting: [...starting.values()],
        failedStarts,
      }
      const usable = replicas.map((replica) => (stopping.has(replica.replicaId) ? leaving(replica) : replica))
      const actions = decide(deployments, usable, traffic, memory, clock.nowMs(), parts.timings)
      for (const action of actions) {
        await apply(action)
      }
      if (actions.some((action) => action.kind === 'drain' || action.kind === 'undrain')) parts.wake()
    },
    async forgive(model, label) {
      failedStarts.delete(versionKey(model, label))
      for (const replica of await backend.list())
        if (replica.model === model && replica.label === label && hasEnded(replica))
          await backend.stop(replica.replicaId)
    },
  }
}

/** A stop is under way, though the replica may not have said so yet: it is no capacity any more. */
function leaving(replica: ObservedReplica): ObservedReplica {
  return !hasEnded(replica) ? { ...replica, status: { ...replica.status, phase: 'draining' } } : replica
}

/**
 * `.mts` in place of `.ts`: whether a `.ts` file is a module depends on the package.json nearest to it, and which one that
 * is depends on where somebody put the data folder.
 */
function asModule(name: string): string {
  return name.replace(/\.([jt]s)$/, '.m$1')
}

async function replicaSpecOf(
  store: ReconcilerParts['store'],
  version: Version,
  replicaId: string,
): Promise<Parameters<ReplicaBackend['start']>[0]> {
  const { model, label, id: versionId, spec } = version
  const files: Record<string, string> = {}
  for (const [place, { digest, name }] of versionFiles(spec))
    files[place] = await store.artifacts.materialise(digest, asModule(name))
  return {
    replicaId,
    model,
    label,
    versionId,
    spec,
    files,
    drainTimeoutMs: 30_000,
  }
}
