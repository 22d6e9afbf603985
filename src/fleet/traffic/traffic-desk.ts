import type { TrafficShares } from '../../contracts/index.ts'
import { isSlipwayError, type Logger, SlipwayError } from '../../kernel/index.ts'
import type { DeploymentRow, Store, TrafficRow } from '../../store/index.ts'
import type { Fleet, ReplicaBackend } from '../fleet.ts'
import type { FleetView } from '../reconcile/reconciler.ts'
import type { Serial } from '../serial.ts'
import { ROLLBACK_REASON, rollbackTarget, shiftedTo } from './shares.ts'
import { championOf, writeTraffic } from './traffic-writer.ts'

export interface TrafficDeskParts {
  readonly store: Pick<Store, 'models' | 'versions' | 'deployments' | 'traffic' | 'rollouts'>
  readonly backend: Pick<ReplicaBackend, 'list'>
  readonly serial: Serial
  readonly logger: Logger
  abortRollout(id: string, reason: string): Promise<unknown>
  deploy: Fleet['deploy']
}

export interface TrafficDesk extends Pick<Fleet, 'setTraffic' | 'rollback'> {
  /** What active versions are owed: the first of a model takes everything, a promised share is given. */
  settle(view: FleetView): Promise<void>
}

/** How far back a rollback looks for the version that had everything. */
const HISTORY_DEPTH = 200

/**
 * People and rollouts set traffic here, one after the other. What `traffic_percent` of a deployment means: the model's
 * first version that is ready takes 100 % whatever was asked, since a split must be whole; a later one takes the
 * percent when it is active, from the others in proportion; 0 takes nothing. While a rollout is open it owns the
 * split, and the promise waits for its end.
 */
export function createTrafficDesk(parts: TrafficDeskParts): TrafficDesk {
  const { store, backend, serial, logger } = parts

  function setTraffic(model: string, shares: TrafficShares, reason: string, expectedRevision?: number) {
    return serial.run(async () => {
      const row = await writeTraffic(store, await backend.list(), { model, shares, reason, expectedRevision })
      logger.info({ model, shares: row.shares, reason }, 'traffic was set')
      return row
    })
  }

  async function openRolloutOf(model: string) {
    return (await store.rollouts.listOpen()).find((rollout) => rollout.model === model)
  }

  async function rollback(model: string, reason: string): Promise<TrafficRow> {
    await store.models.get(model)
    const open = await openRolloutOf(model)
    if (open !== undefined && open.state !== 'aborting') await parts.abortRollout(open.id, reason)
    const history = await store.traffic.history(model, HISTORY_DEPTH)
    const target = open?.champion ?? rollbackTarget(history) ?? (await championOf(store, model))
    if (target === undefined) throw new SlipwayError('no_traffic', { model })
    const present = await store.traffic.get(model)
    if (present?.shares[target] === 100) return present
    try {
      return await setTraffic(model, { [target]: 100 }, `${ROLLBACK_REASON}${reason}`)
    } catch (error) {
      if (!isSlipwayError(error) || error.code !== 'traffic_inactive' || present === undefined) throw error
      return await startAgain(present, target)
    }
  }

  /** The version to go back to was stopped since: it is started again, as large as what runs now, and then takes all. */
  async function startAgain(present: TrafficRow, target: string): Promise<TrafficRow> {
    const { model } = present
    const running = await store.deployments.list({ model })
    const replicas = Math.max(
      1,
      ...running.filter((row) => row.trafficPercent > 0).map((row) => row.replicas),
    )
    const gpuType = (await store.deployments.find(model, target))?.gpuType ?? null
    await parts.deploy({ model, version: target, replicas, gpuType, trafficPercent: 100 })
    logger.info({ model, version: target, replicas }, 'version of a rollback is started again')
    return { ...present, pending: target }
  }

  async function settle(view: FleetView): Promise<void> {
    for (const row of view.deployments) {
      const owed = owedTo(row, view)
      if (owed === undefined || (await openRolloutOf(row.model)) !== undefined) continue
      try {
        await setTraffic(row.model, owed.shares, owed.reason)
      } catch (error) {
        // It went away again meanwhile; a later turn sees what is there then.
        if (!isSlipwayError(error)) throw error
      }
      // The view is old now.
      return
    }
  }

  return { setTraffic, rollback, settle }
}

function owedTo(row: DeploymentRow, view: FleetView): { shares: TrafficShares; reason: string } | undefined {
  if (row.status !== 'active') return undefined
  const shares = view.traffic.find((split) => split.model === row.model)?.shares ?? {}
  if (Object.values(shares).every((share) => share === 0))
    return { shares: { [row.version]: 100 }, reason: 'first version' }
  if (row.trafficWhenActive === undefined) return undefined
  return {
    shares: shiftedTo(shares, row.version, row.trafficWhenActive),
    reason: 'wanted at its deployment',
  }
}
