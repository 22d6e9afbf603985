import { type Selectable, sql } from 'kysely'
import type { FilePurpose } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { ClientFileRepository, StoredFile } from '../batch-store.ts'
import type { Tables } from '../schema.ts'
import type { Context } from './context.ts'
import { dateOrNull, msOrNull } from './rows.ts'

export function clientFileRepository({ database: { db }, clock }: Context): ClientFileRepository {
  const find = async (tenant: string, id: string) => {
    const row = await db
      .selectFrom('client_files')
      .selectAll()
      .where('file_id', '=', id)
      .where('tenant', '=', tenant)
      .where(({ eb, or }) =>
        or([eb('expires_at', 'is', null), eb('expires_at', '>', new Date(clock.nowMs()))]),
      )
      .executeTakeFirst()
    if (row === undefined) throw new SlipwayError('unknown_file', { file: id })
    return row
  }

  return {
    create: (file, quotaBytes) =>
      db.transaction().execute(async (transaction) => {
        // Uploads of one tenant are counted one after the other, else two could share the last free place.
        await sql`SELECT pg_advisory_xact_lock(${QUOTA_LOCK}, hashtext(${file.tenant}))`.execute(transaction)
        const known = await transaction
          .selectFrom('client_files')
          .selectAll()
          .where('file_id', '=', file.id)
          .executeTakeFirst()
        if (known !== undefined) return toFile(known)
        if (quotaBytes !== null) {
          const { held } = await transaction
            .selectFrom('client_files')
            .select(sql<string>`coalesce(sum(bytes), 0)`.as('held'))
            .where('tenant', '=', file.tenant)
            .executeTakeFirstOrThrow()
          if (Number(held) + file.bytes > quotaBytes)
            throw new SlipwayError('file_quota_reached', { tenant: file.tenant, quotaBytes })
        }
        const row = await transaction
          .insertInto('client_files')
          .values({
            file_id: file.id,
            tenant: file.tenant,
            filename: file.filename,
            purpose: file.purpose,
            bytes: file.bytes,
            created_at: new Date(clock.nowMs()),
            expires_at: dateOrNull(file.expiresAt),
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        return toFile(row)
      }),

    get: async (tenant, id) => toFile(await find(tenant, id)),

    list: async (tenant, { after, limit, order, purpose }) => {
      let query = db
        .selectFrom('client_files')
        .selectAll()
        .where('tenant', '=', tenant)
        .where(({ eb, or }) =>
          or([eb('expires_at', 'is', null), eb('expires_at', '>', new Date(clock.nowMs()))]),
        )
        .orderBy('ordinal', order)
        .limit(limit + 1)
      if (purpose !== undefined) query = query.where('purpose', '=', purpose)
      if (after !== undefined)
        query = query.where('ordinal', order === 'asc' ? '>' : '<', (await find(tenant, after)).ordinal)
      const rows = await query.execute()
      return { items: rows.slice(0, limit).map(toFile), hasMore: rows.length > limit }
    },

    delete: async (tenant, id) => {
      const { numDeletedRows } = await db
        .deleteFrom('client_files')
        .where('file_id', '=', id)
        .where('tenant', '=', tenant)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw new SlipwayError('unknown_file', { file: id })
    },

    usedBytes: async (tenant) => {
      const { held } = await db
        .selectFrom('client_files')
        .select(sql<string>`coalesce(sum(bytes), 0)`.as('held'))
        .where('tenant', '=', tenant)
        .executeTakeFirstOrThrow()
      return Number(held)
    },

    expired: async (limit) => {
      const rows = await db
        .selectFrom('client_files')
        .selectAll()
        .where('expires_at', '<=', new Date(clock.nowMs()))
        .orderBy('expires_at')
        .limit(limit)
        .execute()
      return rows.map(toFile)
    },

    known: async (ids) => {
      if (ids.length === 0) return new Set()
      const rows = await db
        .selectFrom('client_files')
        .select('file_id')
        .where('file_id', 'in', [...ids])
        .execute()
      return new Set(rows.map(({ file_id }) => file_id))
    },
  }
}

/** Any number; with the tenant's hash it makes the lock of a tenant's quota. */
const QUOTA_LOCK = 5_747_302

function toFile(row: Selectable<Tables['client_files']>): StoredFile {
  return {
    id: row.file_id,
    tenant: row.tenant,
    filename: row.filename,
    purpose: row.purpose as FilePurpose,
    bytes: Number(row.bytes),
    createdAt: row.created_at.getTime(),
    expiresAt: msOrNull(row.expires_at),
  }
}
