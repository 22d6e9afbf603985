import type { Snapshot, TrafficShares } from '../contracts/index.ts'
import { type Clock, isSlipwayError, type Logger, newId, SlipwayError } from '../kernel/index.ts'
import type { DeploymentRow, Store } from '../store/index.ts'
import type { Fleet, ObservedReplica, ReplicaBackend } from './fleet.ts'
import { createPulse } from './pulse.ts'
import { defaultTimings, isReady, type ReconcileTimings } from './reconcile/decide.ts'
import { createReconciler, type FleetView } from './reconcile/reconciler.ts'
import { createJudge } from './rollout/judge.ts'
import type { WindowSource } from './rollout/window-source.ts'
import { createSerial } from './serial.ts'
import { buildSnapshot } from './snapshot/build-snapshot.ts'
import { createCatalogueReader } from './snapshot/catalogue.ts'
import { createPublisher } from './snapshot/publisher.ts'
import { ROLLBACK_REASON, rollbackTarget, shiftedTo } from './traffic/shares.ts'
import { championOf, writeTraffic } from './traffic/traffic-writer.ts'

export interface FleetOptions {
  readonly store: Store
  readonly backend: ReplicaBackend
  readonly windowSource: WindowSource
  readonly clock: Clock
  readonly logger: Logger
  readonly timings?: Partial<ReconcileTimings>
  readonly newReplicaId?: () => string
  /** Looks of the judge and turns without an event come this often. */
  readonly intervalMs?: number
}

/** Events of one burst become one turn, and so one snapshot. */
const GATHER_MS = 20
const INTERVAL_MS = 1_000
const HISTORY_DEPTH = 200

/**
 * Starts to reconcile at once: reads the wishes, takes over the replicas that run, publishes the first snapshot. It
 * never rejects for what the world does; it says so in the log and tries again at the next turn.
 */
export function createFleet(options: FleetOptions): Fleet {
  const { store, backend, clock, logger } = options
  const serial = createSerial()
  const publisher = createPublisher(clock, logger)
  const catalogue = createCatalogueReader(store)
  const turnListeners = new Set<() => void>()
  let view: FleetView = { deployments: [], traffic: [], replicas: [], draining: new Set() }

  const pulse = createPulse(clock, GATHER_MS, options.intervalMs ?? INTERVAL_MS, turn)
  const reconciler = createReconciler({
    store,
    backend,
    clock,
    logger,
    timings: { ...defaultTimings, ...options.timings },
    newReplicaId: options.newReplicaId ?? (() => newId('p')),
    wake: pulse.wake,
  })
  const judge = createJudge({
    store,
    windowSource: options.windowSource,
    clock,
    logger,
    replicas: () => backend.list(),
    setTraffic,
    scale: (model, version, replicas) =>
      serial.run(() => store.deployments.setReplicas(model, version, replicas)),
    stop: (model, version) => serial.run(() => stopVersion(model, version)),
  })
  const undo = [
    backend.watch(pulse.wake),
    store.watch(({ topic }) => {
      if (topic === 'models' || topic === 'versions' || topic === 'keys') catalogue.invalidate()
      else if (topic !== 'deployments' && topic !== 'traffic') return
      pulse.wake()
    }),
  ]
  const looks = createPulse(clock, 0, options.intervalMs ?? INTERVAL_MS, judge.lookAtAll)
  pulse.wake()

  async function turn(): Promise<void> {
    try {
      await serial.run(async () => {
        await publish()
        await reconciler.act(view)
      })
      await giveTraffic()
    } catch (error) {
      logger.error({ err: error }, 'a turn failed, will be made again')
    }
    for (const listener of [...turnListeners]) listener()
  }

  async function publish(): Promise<void> {
    view = await reconciler.look()
    publisher.publish(buildSnapshot(await catalogue.read(view), view, clock.nowMs()))
  }

  /** First version of a model that is ready takes everything; a version that was promised a share takes it. */
  async function giveTraffic(): Promise<void> {
    for (const row of view.deployments) {
      if (row.status !== 'active') continue
      const shares = view.traffic.find((split) => split.model === row.model)?.shares ?? {}
      const isFirst = Object.values(shares).every((share) => share === 0)
      const promised = row.trafficWhenActive
      if (!isFirst && promised === undefined) continue
      const wanted = isFirst ? { [row.version]: 100 } : shiftedTo(shares, row.version, promised ?? 0)
      const reason = isFirst ? 'first version' : 'wanted at its deployment'
      // A rollout owns the split while it is open.
      if ((await openRolloutOf(row.model)) !== undefined) continue
      try {
        await setTraffic(row.model, wanted, reason)
      } catch (error) {
        // It went away again meanwhile; a later turn sees what is there then.
        if (!isSlipwayError(error)) throw error
      }
      return
    }
  }

  function setTraffic(model: string, shares: TrafficShares, reason: string, expectedRevision?: number) {
    return serial.run(async () => {
      const row = await writeTraffic(store, await backend.list(), { model, shares, reason, expectedRevision })
      logger.info({ model, shares: row.shares, reason }, 'traffic was set')
      return row
    })
  }

  async function stopVersion(model: string, version: string): Promise<DeploymentRow> {
    const row = await deploymentOf(model, version)
    const share = (await store.traffic.get(model))?.shares[version] ?? 0
    if (share > 0) throw new SlipwayError('conflict', { what: `Traffic on ${model} ${version}` })
    if (row.status !== 'stopped' && row.status !== 'draining')
      await store.deployments.setStatus(model, version, 'draining', null)
    return deploymentOf(model, version)
  }

  async function deploymentOf(model: string, version: string): Promise<DeploymentRow> {
    const row = await store.deployments.find(model, version)
    if (row === undefined) throw new SlipwayError('unknown_version', { model, version })
    return row
  }

  async function openRolloutOf(model: string): Promise<string | undefined> {
    const open = await store.rollouts.listOpen()
    return open.find((each) => each.model === model)?.id
  }

  return {
    deploy: ({ model, version, replicas, gpuType, trafficPercent }) =>
      serial.run(async () => {
        await store.versions.get(model, version)
        const before = await store.deployments.find(model, version)
        if (before?.status === 'failed') await reconciler.forgive(model, version)
        const promise = trafficPercent > 0 ? { trafficWhenActive: trafficPercent } : {}
        return store.deployments.upsert({ model, version, replicas, gpuType, ...promise })
      }),
    scale: (model, version, replicas) =>
      serial.run(async () => {
        const row = await deploymentOf(model, version)
        if (replicas === 0) return stopVersion(model, version)
        if (row.status === 'failed') await reconciler.forgive(model, version)
        if (row.status === 'active' || row.status === 'deploying')
          return store.deployments.setReplicas(model, version, replicas)
        return store.deployments.upsert({ model, version, replicas, gpuType: row.gpuType })
      }),
    stop: (model, version) => serial.run(() => stopVersion(model, version)),
    async whenReady(model, version, signal) {
      for (;;) {
        signal.throwIfAborted()
        const row = await deploymentOf(model, version)
        if (row.status === 'failed') throw failureOf(row)
        const ready = (await backend.list()).filter(
          (replica) => replica.model === model && replica.label === version && isReady(replica),
        )
        if (row.status === 'active' && ready.length >= row.replicas) return
        await nextTurn(signal)
      }
    },
    setTraffic,
    async rollback(model, reason) {
      await store.models.get(model)
      const open = (await store.rollouts.listOpen()).find((each) => each.model === model)
      if (open !== undefined && open.state !== 'aborting') await judge.abort(open.id, reason)
      const target =
        open?.champion ??
        rollbackTarget(await store.traffic.history(model, HISTORY_DEPTH)) ??
        (await championOf(store, model))
      if (target === undefined) throw new SlipwayError('no_traffic', { model })
      const present = await store.traffic.get(model)
      if (present?.shares[target] === 100) return present
      return setTraffic(model, { [target]: 100 }, `${ROLLBACK_REASON}${reason}`)
    },
    championOf: (model) => championOf(store, model),
    replicas: (): ObservedReplica[] => [...view.replicas],
    snapshot: (): Snapshot => publisher.current(),
    onSnapshot: publisher.onSnapshot,
    rollouts: judge,
    async close() {
      for (const each of undo) each()
      await Promise.all([pulse.stop(), looks.stop()])
    },
  }

  function nextTurn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        turnListeners.delete(done)
        signal.removeEventListener('abort', stop)
        resolve()
      }
      const stop = () => {
        turnListeners.delete(done)
        reject(signal.reason)
      }
      turnListeners.add(done)
      signal.addEventListener('abort', stop, { once: true })
    })
  }
}

function failureOf(row: DeploymentRow): SlipwayError {
  return new SlipwayError('deployment_failed', {
    model: row.model,
    version: row.version,
    reason: row.reason ?? 'see its log',
  })
}
