import type { Deployment } from '../contracts/index.ts'
import type { Fleet } from '../fleet/index.ts'
import type { DeploymentRow } from '../store/index.ts'

/** A deployment as the API tells it: the stored wish and what was observed of it. */
export function publishedDeployment(row: DeploymentRow, fleet: Fleet): Deployment {
  const ready = fleet
    .replicas()
    .filter(
      (replica) =>
        replica.model === row.model &&
        replica.label === row.version &&
        replica.alive &&
        replica.status.phase === 'ready',
    )
  return {
    deployment_id: row.id,
    model_name: row.model,
    version: row.version,
    status: row.status,
    ...(row.reason === null ? {} : { reason: row.reason }),
    replicas: row.replicas,
    ready_replicas: ready.length,
    gpu_type: row.gpuType,
    traffic_pct: row.trafficPercent,
    created_at: new Date(row.createdAtMs).toISOString(),
  }
}
