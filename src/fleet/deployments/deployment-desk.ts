import { SlipwayError } from '../../kernel/index.ts'
import type { DeploymentRow, Store } from '../../store/index.ts'
import type { Fleet, ReplicaBackend } from '../fleet.ts'
import { isReady } from '../reconcile/decide.ts'
import type { Reconciler } from '../reconcile/reconciler.ts'
import type { Serial } from '../serial.ts'

export interface DeploymentDeskParts {
  readonly store: Pick<Store, 'versions' | 'deployments' | 'traffic'>
  readonly backend: Pick<ReplicaBackend, 'list'>
  readonly reconciler: Pick<Reconciler, 'forgive'>
  readonly serial: Serial
  /** Resolves after the next turn of the reconciler. */
  nextTurn(signal: AbortSignal): Promise<void>
}

/** Takes wishes about what should run; the reconciler makes them true. */
export function createDeploymentDesk(
  parts: DeploymentDeskParts,
): Pick<Fleet, 'deploy' | 'scale' | 'stop' | 'whenReady'> {
  const { store, backend, reconciler, serial } = parts

  async function find(model: string, version: string): Promise<DeploymentRow> {
    const row = await store.deployments.find(model, version)
    if (row === undefined) throw new SlipwayError('unknown_version', { model, version })
    return row
  }

  async function stop(model: string, version: string): Promise<DeploymentRow> {
    const row = await find(model, version)
    const share = (await store.traffic.get(model))?.shares[version] ?? 0
    if (share > 0) throw new SlipwayError('conflict', { what: `Traffic on ${model} ${version}` })
    if (row.status !== 'stopped' && row.status !== 'draining')
      await store.deployments.setStatus(model, version, 'draining', null)
    return find(model, version)
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
        const row = await find(model, version)
        if (replicas === 0) return stop(model, version)
        if (row.status === 'failed') await reconciler.forgive(model, version)
        if (row.status === 'active' || row.status === 'deploying')
          return store.deployments.setReplicas(model, version, replicas)
        return store.deployments.upsert({ model, version, replicas, gpuType: row.gpuType })
      }),

    stop: (model, version) => serial.run(() => stop(model, version)),

    async whenReady(model, version, signal) {
      for (;;) {
        signal.throwIfAborted()
        const row = await find(model, version)
        if (row.status === 'failed') throw failureOf(row)
        const ready = (await backend.list()).filter(
          (replica) => replica.model === model && replica.label === version && isReady(replica),
        )
        if (row.status === 'active' && ready.length >= row.replicas) return
        await parts.nextTurn(signal)
      }
    },
  }
}

function failureOf({ model, version, reason }: DeploymentRow): SlipwayError {
  return new SlipwayError('deployment_failed', { model, version, reason: reason ?? 'see its log' })
}
