import type { Selectable } from 'kysely'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { TrafficRepository, TrafficRow } from '../store.ts'
import { isForeignKeyViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { json, ordinalCursor, pageOf } from './rows.ts'

/** Of the column; a cursor beyond it is no error of the database's. */
const MOST_REVISIONS = 2 ** 31 - 1

export function trafficRepository({ database: { db }, clock, tell }: Context): TrafficRepository {
  return {
    get: async (model) => {
      const row = await db
        .selectFrom('traffic')
        .selectAll()
        .where('model_name', '=', model)
        .executeTakeFirst()
      return row === undefined ? undefined : toTraffic(row)
    },

    list: async () =>
      (await db.selectFrom('traffic').selectAll().orderBy('model_name').execute()).map(toTraffic),

    set: async (model, write, expectedRevision) => {
      const row = await db
        .transaction()
        .execute(async (transaction) => {
          // The model's row is the lock: it is there before the first split is.
          const known = await transaction
            .selectFrom('models')
            .select('model_name')
            .where('model_name', '=', model)
            .forUpdate()
            .executeTakeFirst()
          if (known === undefined) throw new SlipwayError('unknown_model', { model })
          const before = await transaction
            .selectFrom('traffic')
            .select('revision')
            .where('model_name', '=', model)
            .executeTakeFirst()
          const revision = before?.revision ?? 0
          if (expectedRevision !== undefined && expectedRevision !== revision)
            throw new SlipwayError('etag_mismatch', { what: `The traffic of ${model}` })
          const split = {
            revision: revision + 1,
            shares: json(write.shares),
            slices: json(write.slices),
            reason: write.reason,
            updated_at: new Date(clock.nowMs()),
          }
          const stored = await transaction
            .insertInto('traffic')
            .values({ model_name: model, ...split })
            .onConflict((conflict) => conflict.column('model_name').doUpdateSet(split))
            .returningAll()
            .executeTakeFirstOrThrow()
          await transaction
            .insertInto('traffic_history')
            .values({ model_name: model, ...split })
            .execute()
          await transaction
            .updateTable('deployments')
            .set({ traffic_pct: 0 })
            .where('model_name', '=', model)
            .where('traffic_pct', '!=', 0)
            .execute()
          for (const [version, share] of Object.entries(write.shares))
            await transaction
              .updateTable('deployments')
              .set({ traffic_pct: share, traffic_when_active: null })
              .where('model_name', '=', model)
              .where('version', '=', version)
              .execute()
          return stored
        })
        .catch((error: unknown) => {
          throw isForeignKeyViolation(error) ? new SlipwayError('unknown_model', { model }) : error
        })
      tell('traffic', model)
      return toTraffic(row)
    },

    history: async (model, limit) => {
      const rows = await db
        .selectFrom('traffic_history')
        .selectAll()
        .where('model_name', '=', model)
        .orderBy('revision', 'desc')
        .limit(limit)
        .execute()
      return rows.map(toTraffic)
    },

    listHistory: async (model, { untilMs }, page) => {
      let query = db
        .selectFrom('traffic_history')
        .selectAll()
        .where('model_name', '=', model)
        .orderBy('revision', 'desc')
        .limit(page.limit + 1)
      if (untilMs !== undefined) query = query.where('updated_at', '<=', new Date(untilMs))
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('revision', '<', Math.min(before, MOST_REVISIONS))
      return pageOf(await query.execute(), page, (row) => String(row.revision), toTraffic)
    },
  }
}

function toTraffic(row: Selectable<Tables['traffic']>): TrafficRow {
  return {
    model: row.model_name,
    revision: row.revision,
    shares: row.shares as TrafficRow['shares'],
    slices: row.slices as TrafficRow['slices'],
    reason: row.reason,
    updatedAt: row.updated_at.getTime(),
  }
}
