import type { Selectable } from 'kysely'
import type { Version } from '../../contracts/index.ts'
import { digestOf, SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { VersionRepository } from '../store.ts'
import { isForeignKeyViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { json, ordinalCursor, pageOf } from './rows.ts'

export function versionRepository({ database: { db }, clock, tell }: Context): VersionRepository {
  const find = (model: string, label: string) =>
    db
      .selectFrom('versions')
      .selectAll()
      .where('model_name', '=', model)
      .where('version', '=', label)
      .executeTakeFirst()

  return {
    register: async (model, label, spec) => {
      const id = digestOf(spec)
      const inserted = await db
        .insertInto('versions')
        .values({
          model_name: model,
          version: label,
          version_id: id,
          spec: json(spec),
          created_at: new Date(clock.nowMs()),
        })
        .onConflict((conflict) => conflict.columns(['model_name', 'version']).doNothing())
        .returningAll()
        .executeTakeFirst()
        .catch((error: unknown) => {
          throw isForeignKeyViolation(error) ? new SlipwayError('unknown_model', { model }) : error
        })
      if (inserted !== undefined) {
        tell('versions', model)
        return toVersion(inserted)
      }
      const existing = (await find(model, label))!
      if (existing.version_id !== id)
        throw new SlipwayError('conflict', { what: `${model} ${label} with another content` })
      return toVersion(existing)
    },

    get: async (model, label) => {
      const row = await find(model, label)
      if (row === undefined) throw new SlipwayError('unknown_version', { model, version: label })
      return toVersion(row)
    },

    list: async (model, page) => {
      let query = db
        .selectFrom('versions')
        .selectAll()
        .where('model_name', '=', model)
        .orderBy('ordinal', 'desc')
        .limit(page.limit + 1)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('ordinal', '<', before)
      return pageOf(await query.execute(), page, (row) => String(row.ordinal), toVersion)
    },
  }
}

function toVersion(row: Selectable<Tables['versions']>): Version {
  return {
    model: row.model_name,
    label: row.version,
    id: row.version_id,
    spec: row.spec as Version['spec'],
    createdAt: row.created_at.getTime(),
  }
}
