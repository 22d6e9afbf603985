import type { Selectable } from 'kysely'
import type { FailureCase } from '../../contracts/index.ts'
import type { Session } from '../database.ts'
import type { Tables } from '../schema.ts'
import type { FailureCaseRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json, ordinalCursor, pageOf } from './rows.ts'

export function failureCaseRepository({ database, tell }: Context): FailureCaseRepository {
  const { db } = database
  return {
    put: async (cases) => {
      if (cases.length === 0) return 0
      const added = await database.transaction((session) => insertFailureCases(session, cases))
      for (const model of new Set(cases.map((item) => item.model))) tell('failure-cases', model)
      return added
    },

    attach: async ({ model, version, sinceMs }, { changeId, incidentId }) => {
      const result = await db
        .updateTable('failure_cases')
        .set({ change_id: changeId, incident_id: incidentId })
        .where('model_name', '=', model)
        .where('version', '=', version)
        .where('at', '>=', new Date(sinceMs))
        .executeTakeFirst()
      tell('failure-cases', model)
      return Number(result.numUpdatedRows)
    },

    list: async ({ model, change }, page) => {
      let query = db
        .selectFrom('failure_cases')
        .selectAll()
        .orderBy('ordinal', 'desc')
        .limit(page.limit + 1)
      if (model !== undefined) query = query.where('model_name', '=', model)
      if (change !== undefined) query = query.where('change_id', '=', change)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('ordinal', '<', before)
      return pageOf(await query.execute(), page, (row) => String(row.ordinal), toCase)
    },
  }
}

/** As one parameter, so that any number of cases is one statement. Returns how many were new. */
export async function insertFailureCases(session: Session, cases: readonly FailureCase[]): Promise<number> {
  if (cases.length === 0) return 0
  const rows = cases.map((item) => ({
    case_id: item.id,
    request_id: item.requestId,
    model_name: item.model,
    version: item.version,
    at: new Date(item.at).toISOString(),
    code: item.code,
    label: item.label,
    input: storable(item.input),
    change_id: item.changeId,
    incident_id: item.incidentId,
  }))
  const added = await session.query(
    `INSERT INTO failure_cases
       (case_id, request_id, model_name, version, at, code, label, input, change_id, incident_id)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS given(
       case_id text, request_id text, model_name text, version text, at timestamptz, code text, label text,
       input text, change_id text, incident_id text)
     ON CONFLICT DO NOTHING
     RETURNING case_id`,
    [json(rows)],
  )
  return added.length
}

/** PostgreSQL holds neither U+0000 nor half a surrogate pair; both become U+FFFD. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

function toCase(row: Selectable<Tables['failure_cases']>): FailureCase {
  return {
    id: row.case_id,
    requestId: row.request_id,
    model: row.model_name,
    version: row.version,
    at: row.at.getTime(),
    code: row.code,
    label: row.label as FailureCase['label'],
    input: row.input,
    changeId: row.change_id,
    incidentId: row.incident_id,
  }
}
