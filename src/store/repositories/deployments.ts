import type { Selectable } from 'kysely'
import { newId, SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { DeploymentRepository, DeploymentRow } from '../store.ts'
import { isForeignKeyViolation } from '../store-error.ts'
import type { Context } from './context.ts'

export function deploymentRepository({ database: { db }, clock, tell }: Context): DeploymentRepository {
  const find = (model: string, version: string) =>
    db
      .selectFrom('deployments')
      .selectAll()
      .where('model_name', '=', model)
      .where('version', '=', version)
      .executeTakeFirst()

  return {
    upsert: async ({ model, version, replicas, gpuType, trafficWhenActive }) => {
      const promise = trafficWhenActive === undefined ? {} : { traffic_when_active: trafficWhenActive }
      const row = await db
        .insertInto('deployments')
        .values({
          deployment_id: newId('d'),
          model_name: model,
          version,
          status: 'deploying',
          reason: null,
          replicas,
          gpu_type: gpuType,
          ...promise,
          created_at: new Date(clock.nowMs()),
        })
        .onConflict((conflict) =>
          conflict.columns(['model_name', 'version']).doUpdateSet((eb) => ({
            replicas,
            gpu_type: gpuType,
            ...promise,
            // Only what runs already keeps its state: draining and failed ones are wanted anew as well.
            status: eb
              .case()
              .when('deployments.status', '=', 'active')
              .then('active')
              .else('deploying')
              .end(),
            reason: null,
          })),
        )
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((error: unknown) => {
          throw isForeignKeyViolation(error) ? new SlipwayError('unknown_version', { model, version }) : error
        })
      tell('deployments', model)
      return toRow(row)
    },

    setStatus: async (model, version, status, reason) => {
      const mayServe = status === 'active' || status === 'deploying'
      await db
        .updateTable('deployments')
        .set({ status, reason, ...(mayServe ? {} : { traffic_when_active: null }) })
        .where('model_name', '=', model)
        .where('version', '=', version)
        .execute()
      tell('deployments', model)
    },

    setReplicas: async (model, version, replicas) => {
      const row = await db
        .updateTable('deployments')
        .set({ replicas })
        .where('model_name', '=', model)
        .where('version', '=', version)
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) throw new SlipwayError('unknown_version', { model, version })
      tell('deployments', model)
      return toRow(row)
    },

    find: async (model, version) => {
      const row = await find(model, version)
      return row === undefined ? undefined : toRow(row)
    },

    list: async (options = {}) => {
      let query = db.selectFrom('deployments').selectAll().orderBy('ordinal')
      if (options.model !== undefined) query = query.where('model_name', '=', options.model)
      if (options.includeStopped !== true) query = query.where('status', '!=', 'stopped')
      return (await query.execute()).map(toRow)
    },
  }
}

function toRow(row: Selectable<Tables['deployments']>): DeploymentRow {
  return {
    id: row.deployment_id,
    model: row.model_name,
    version: row.version,
    status: row.status as DeploymentRow['status'],
    reason: row.reason,
    replicas: row.replicas,
    gpuType: row.gpu_type,
    trafficPercent: row.traffic_pct,
    ...(row.traffic_when_active === null ? {} : { trafficWhenActive: row.traffic_when_active }),
    createdAtMs: row.created_at.getTime(),
  }
}
