import { SlipwayError } from '../../kernel/index.ts'
import type { DeploymentRow } from '../../store/index.ts'
import { rebin } from '../../telemetry/index.ts'
import { revisionOf } from '../etag.ts'
import type { ApiParts, Handlers } from '../parts.ts'
import { publishedDeployment } from '../published-deployment.ts'

export function deploymentHandlers({
  store,
  fleet,
  telemetry,
  clock,
}: ApiParts): Handlers<
  | 'listDeployments'
  | 'createDeployment'
  | 'getDeployments'
  | 'scaleDeployment'
  | 'stopDeployment'
  | 'getTraffic'
  | 'putTraffic'
  | 'listTrafficHistory'
  | 'rollback'
  | 'listWindows'
> {
  const published = (row: DeploymentRow) => publishedDeployment(row, fleet)
  return {
    async listDeployments() {
      return { items: (await store.deployments.list()).map(published), next: null }
    },
    async createDeployment({ body }) {
      await store.models.get(body.model_name)
      const row = await fleet.deploy({
        model: body.model_name,
        version: body.version,
        replicas: body.resources.replicas,
        gpuType: body.resources.gpu ?? null,
        trafficPercent: body.traffic_percent,
      })
      return published(row)
    },
    async getDeployments({ params }) {
      await store.models.get(params.model)
      const rows = await store.deployments.list({ model: params.model, includeStopped: true })
      return { items: rows.map(published), next: null }
    },
    async scaleDeployment({ params, body }) {
      await store.versions.get(params.model, params.version)
      return published(await fleet.scale(params.model, params.version, body.replicas))
    },
    async stopDeployment({ params }) {
      await store.versions.get(params.model, params.version)
      return published(await fleet.stop(params.model, params.version))
    },
    async getTraffic({ params, reply }) {
      await store.models.get(params.model)
      const row = await store.traffic.get(params.model)
      if (row === undefined) throw new SlipwayError('no_traffic', { model: params.model })
      reply.header('etag', `"${row.revision}"`)
      return row
    },
    async putTraffic({ params, body, headers, caller, reply }) {
      await store.models.get(params.model)
      const row = await fleet.setTraffic(
        params.model,
        body,
        `set by ${caller.name}`,
        revisionOf(headers['if-match']),
      )
      reply.header('etag', `"${row.revision}"`)
      return row
    },
    async listTrafficHistory({ params, query }) {
      await store.models.get(params.model)
      return await store.traffic.listHistory(params.model, { untilMs: query.at }, query)
    },
    async rollback({ params, caller, reply }) {
      await store.models.get(params.model)
      const row = await fleet.rollback(params.model, `rolled back by ${caller.name}`)
      reply.header('etag', `"${row.revision}"`)
      return row
    },
    async listWindows({ params, query }) {
      await store.models.get(params.model)
      const toMs = query.toMs ?? clock.nowMs()
      const fromMs = query.fromMs ?? toMs - 15 * 60_000
      return { items: rebin(await telemetry.windows({ model: params.model, fromMs, toMs }), query.sizeMs) }
    },
  }
}
