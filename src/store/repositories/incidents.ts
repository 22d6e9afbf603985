import { type Selectable, sql } from 'kysely'
import type { Incident } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { IncidentRepository } from '../store.ts'
import { isForeignKeyViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { dateOrNull, json, msOrNull, ordinalCursor, pageOf } from './rows.ts'

export function incidentRepository({ database: { db }, tell }: Context): IncidentRepository {
  return {
    open: async (incident) => {
      await db
        .insertInto('incidents')
        .values({
          incident_id: incident.id,
          model_name: incident.model,
          version: incident.version,
          change_id: incident.changeId,
          title: incident.title,
          actions: json(incident.actions),
          before: json(incident.before),
          opened_at: new Date(incident.openedAt),
          closed_at: dateOrNull(incident.closedAt),
        })
        .onConflict((conflict) => conflict.column('incident_id').doNothing())
        .execute()
        .catch((error: unknown) => {
          throw isForeignKeyViolation(error)
            ? new SlipwayError('unknown_model', { model: incident.model })
            : error
        })
      tell('incidents', incident.id)
    },

    addAction: async (id, action) => {
      await db
        .updateTable('incidents')
        .set({ actions: sql<string>`actions || ${json([action])}::jsonb` })
        .where('incident_id', '=', id)
        .execute()
      tell('incidents', id)
    },

    close: async (id, at) => {
      await db
        .updateTable('incidents')
        .set({ closed_at: new Date(at) })
        .where('incident_id', '=', id)
        .where('closed_at', 'is', null)
        .execute()
      tell('incidents', id)
    },

    list: async ({ model, open }, page) => {
      let query = db
        .selectFrom('incidents')
        .selectAll()
        .orderBy('ordinal', 'desc')
        .limit(page.limit + 1)
      if (model !== undefined) query = query.where('model_name', '=', model)
      if (open !== undefined) query = query.where('closed_at', open ? 'is' : 'is not', null)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('ordinal', '<', before)
      return pageOf(await query.execute(), page, (row) => String(row.ordinal), toIncident)
    },
  }
}

function toIncident(row: Selectable<Tables['incidents']>): Incident {
  return {
    id: row.incident_id,
    model: row.model_name,
    version: row.version,
    changeId: row.change_id,
    openedAt: row.opened_at.getTime(),
    closedAt: msOrNull(row.closed_at),
    title: row.title,
    actions: row.actions as Incident['actions'],
    before: row.before as string[],
  }
}
