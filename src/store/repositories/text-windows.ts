import type { TextWindow } from '../../contracts/index.ts'
import type { Session } from '../database.ts'
import type { TextWindowRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

export function textWindowRepository({ database }: Context): TextWindowRepository {
  return {
    merge: async (windows) => {
      await database.transaction((session) => mergeTextWindows(session, windows))
    },

    list: async ({ model, fromMs, toMs }) => {
      const rows = await database.db
        .selectFrom('text_windows')
        .selectAll()
        .where('model_name', '=', model)
        .where('start', '>=', new Date(fromMs))
        .where('start', '<', new Date(toMs))
        .orderBy('start')
        .orderBy('version')
        .execute()
      return rows.map((row) => ({
        model: row.model_name,
        version: row.version,
        startMs: row.start.getTime(),
        counts: row.counts,
      }))
    },
  }
}

/** Each (model, version, start) at most once. Sorted by key, so that two writers lock rows in the same order. */
export async function mergeTextWindows(session: Session, windows: readonly TextWindow[]): Promise<void> {
  if (windows.length === 0) return
  const rows = windows
    .toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
    .map(({ counts, model, startMs, version }) => ({
      model_name: model,
      version,
      start: new Date(startMs).toISOString(),
      counts,
    }))
  await session.query(
    `INSERT INTO text_windows AS stored (model_name, version, "start", counts)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS given(
       model_name text, version text, "start" timestamptz, counts jsonb)
     ON CONFLICT (model_name, "start", version) DO UPDATE SET
       counts = add_histograms(stored.counts, excluded.counts)`,
    [json(rows)],
  )
}

function keyOf({ model, version, startMs }: TextWindow): string {
  return `${model} ${startMs} ${version}`
}
