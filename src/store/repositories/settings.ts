import type { Selectable } from 'kysely'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { Setting, SettingBodies, SettingKind, SettingsRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

export function settingsRepository({ database, clock, tell }: Context): SettingsRepository {
  const { db } = database

  return {
    async find(kind, name) {
      const row = await db
        .selectFrom('settings')
        .selectAll()
        .where('kind', '=', kind)
        .where('name', '=', name)
        .executeTakeFirst()
      return row === undefined ? undefined : toSetting(kind, row)
    },

    async list(kind) {
      const rows = await db
        .selectFrom('settings')
        .selectAll()
        .where('kind', '=', kind)
        .orderBy('name')
        .limit(MAX_SETTINGS)
        .execute()
      return rows.map((row) => toSetting(kind, row))
    },

    async put(kind, name, body, expectedRevision) {
      // One statement, so that of two writers with the same expectation one is refused.
      const fresh = { kind, name, body: json(body), updated_at: new Date(clock.nowMs()) }
      const row = await db
        .insertInto('settings')
        .values({ ...fresh, revision: 1 })
        .onConflict((conflict) =>
          conflict
            .columns(['kind', 'name'])
            .doUpdateSet((set) => ({
              body: fresh.body,
              updated_at: fresh.updated_at,
              revision: set('settings.revision', '+', 1),
            }))
            .where((where) =>
              expectedRevision === undefined
                ? where.lit(true)
                : where('settings.revision', '=', expectedRevision),
            ),
        )
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) throw new SlipwayError('etag_mismatch', { what: `The ${kind} ${name}` })
      tell('settings', `${kind} ${name}`)
      return toSetting(kind, row)
    },

    async remove(kind, name) {
      const { numDeletedRows } = await db
        .deleteFrom('settings')
        .where('kind', '=', kind)
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      if (numDeletedRows === 0n) return false
      tell('settings', `${kind} ${name}`)
      return true
    },
  }
}

/** All of them are in every snapshot, so there cannot be very many. */
const MAX_SETTINGS = 10_000

function toSetting<K extends SettingKind>(kind: K, row: Selectable<Tables['settings']>): Setting<K> {
  return {
    kind,
    name: row.name,
    revision: row.revision,
    body: row.body as SettingBodies[K],
    updatedAtMs: row.updated_at.getTime(),
  }
}
