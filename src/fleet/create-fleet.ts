import { type Clock, type Logger, newId } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { createDeploymentDesk } from './deployments/deployment-desk.ts'
import type { Fleet, ReplicaBackend } from './fleet.ts'
import { createPulse } from './pulse.ts'
import { defaultTimings, type ReconcileTimings } from './reconcile/decide.ts'
import { createReconciler, type FleetView } from './reconcile/reconciler.ts'
import { createJudge } from './rollout/judge.ts'
import type { WindowSource } from './rollout/window-source.ts'
import { createSerial } from './serial.ts'
import { buildSnapshot } from './snapshot/build-snapshot.ts'
import { createCatalogueReader } from './snapshot/catalogue.ts'
import { createPublisher } from './snapshot/publisher.ts'
import { createTrafficDesk } from './traffic/traffic-desk.ts'
import { championOf } from './traffic/traffic-writer.ts'

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

/**
 * Starts to reconcile at once: reads the wishes, takes over the replicas that run, publishes the first snapshot. It
 * never rejects for what the world does; it says so in the log and tries again at the next turn.
 */
export function createFleet(options: FleetOptions): Fleet {
  const { store, backend, clock, logger } = options
  const intervalMs = options.intervalMs ?? INTERVAL_MS
  const serial = createSerial()
  const publisher = createPublisher(clock, logger)
  const catalogue = createCatalogueReader(store)
  const turns = createTurnstile()
  let view: FleetView = { deployments: [], traffic: [], replicas: [], draining: new Set() }

  const pulse = createPulse({ clock, logger, gatherMs: GATHER_MS, intervalMs, work: turn })
  const reconciler = createReconciler({
    store,
    backend,
    clock,
    logger,
    timings: { ...defaultTimings, ...options.timings },
    newReplicaId: options.newReplicaId ?? (() => newId('p')),
    wake: pulse.wake,
  })
  const deployments = createDeploymentDesk({ store, backend, reconciler, serial, nextTurn: turns.next })
  const traffic = createTrafficDesk({
    store,
    backend,
    serial,
    logger,
    abortRollout: (id, reason) => judge.abort(id, reason),
    deploy: deployments.deploy,
  })
  const judge = createJudge({
    store,
    windowSource: options.windowSource,
    clock,
    logger,
    replicas: () => backend.list(),
    setTraffic: traffic.setTraffic,
    scale: deployments.scale,
    stop: deployments.stop,
  })
  const looks = createPulse({ clock, logger, gatherMs: 0, intervalMs, work: judge.lookAtAll })
  const undo = [
    backend.watch(pulse.wake),
    store.watch(({ topic }) => {
      if (topic === 'models' || topic === 'versions' || topic === 'keys' || topic === 'settings')
        catalogue.invalidate()
      else if (topic !== 'deployments' && topic !== 'traffic') return
      pulse.wake()
    }),
  ]
  pulse.wake()

  async function turn(): Promise<void> {
    await serial.run(async () => {
      view = await reconciler.look()
      publisher.publish(buildSnapshot(await catalogue.read(view), view, clock.nowMs()))
      await reconciler.act(view)
    })
    await traffic.settle(view)
    turns.pass()
  }

  return {
    ...deployments,
    setTraffic: traffic.setTraffic,
    rollback: traffic.rollback,
    championOf: (model) => championOf(store, model),
    replicas: () => [...view.replicas],
    snapshot: publisher.current,
    onSnapshot: publisher.onSnapshot,
    rollouts: judge,
    async close() {
      for (const each of undo) each()
      await Promise.all([pulse.stop(), looks.stop()])
    },
  }
}

/** Lets those who wait go on after each turn. */
function createTurnstile(): { next(signal: AbortSignal): Promise<void>; pass(): void } {
  const waiting = new Set<() => void>()
  return {
    next(signal) {
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(go)
          signal.removeEventListener('abort', stop)
        }
        const go = () => {
          leave()
          resolve()
        }
        const stop = () => {
          leave()
          reject(signal.reason)
        }
        waiting.add(go)
        signal.addEventListener('abort', stop, { once: true })
      })
    },
    pass() {
      for (const go of [...waiting]) go()
    },
  }
}
