import { type Selectable, sql } from 'kysely'
import { SlipwayError } from '../../kernel/index.ts'
import type { Tables } from '../schema.ts'
import type { KeyRepository, StoredKey } from '../store.ts'
import { isUniqueViolation } from '../store-error.ts'
import type { Context } from './context.ts'
import { dateOrNull, json, msOrNull, ordinalCursor, pageOf } from './rows.ts'

export function keyRepository({ database: { db }, clock, tell }: Context): KeyRepository {
  return {
    create: async (key) => {
      const row = await db
        .insertInto('api_keys')
        .values({
          public_id: key.publicId,
          mac: key.mac,
          name: key.name,
          tenant: key.tenant,
          scopes: json(key.scopes),
          limits: json(key.limits),
          created_at: new Date(clock.nowMs()),
          expires_at: dateOrNull(key.expiresAt),
          revoked_at: null,
          priority: key.priority ?? null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((error: unknown) => {
          throw isUniqueViolation(error)
            ? new SlipwayError('conflict', { what: `Key ${key.publicId}` })
            : error
        })
      tell('keys', key.publicId)
      return toKey(row)
    },

    list: async (page) => {
      let query = db
        .selectFrom('api_keys')
        .selectAll()
        .orderBy('ordinal', 'desc')
        .limit(page.limit + 1)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('ordinal', '<', before)
      return pageOf(await query.execute(), page, (row) => String(row.ordinal), toKey)
    },

    find: async (publicId) => {
      const row = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('public_id', '=', publicId)
        .executeTakeFirst()
      return row === undefined ? undefined : toKey(row)
    },

    revoke: async (publicId, at) => {
      const row = await db
        .updateTable('api_keys')
        // The first revocation counts.
        .set({ revoked_at: sql<Date>`coalesce(revoked_at, ${new Date(at)})` })
        .where('public_id', '=', publicId)
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) throw new SlipwayError('unknown_key', { key: publicId })
      tell('keys', publicId)
      return toKey(row)
    },
  }
}

function toKey(row: Selectable<Tables['api_keys']>): StoredKey {
  return {
    publicId: row.public_id,
    mac: row.mac,
    name: row.name,
    tenant: row.tenant,
    scopes: row.scopes as StoredKey['scopes'],
    limits: row.limits as StoredKey['limits'],
    ...(row.priority === null ? {} : { priority: row.priority as NonNullable<StoredKey['priority']> }),
    createdAt: row.created_at.getTime(),
    expiresAt: msOrNull(row.expires_at),
    revokedAt: msOrNull(row.revoked_at),
  }
}
