import { sql } from 'kysely'
import { canonicalJson, digestOf } from '../../kernel/index.ts'
import type { AuditEntry, AuditLog } from '../store.ts'
import type { Context } from './context.ts'
import { json, ordinalCursor, pageOf } from './rows.ts'

export function auditLog({ database: { db } }: Context): AuditLog {
  return {
    append: (entry) =>
      db.transaction().execute(async (transaction) => {
        // One writer at a time: the chain has one end. Readers go on.
        await sql`LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE`.execute(transaction)
        const last = await transaction
          .selectFrom('audit')
          .select(['sequence', 'hash'])
          .orderBy('sequence', 'desc')
          .limit(1)
          .executeTakeFirst()
        const link = {
          sequence: (last?.sequence ?? -1) + 1,
          ...entry,
          detail: JSON.parse(canonicalJson(entry.detail)) as Record<string, unknown>,
          previousHash: last?.hash ?? null,
        }
        const hash = digestOf(link)
        await transaction
          .insertInto('audit')
          .values({
            sequence: link.sequence,
            at: new Date(link.at),
            actor: link.actor,
            action: link.action,
            target: link.target,
            detail: json(link.detail),
            previous_hash: link.previousHash,
            hash,
          })
          .execute()
        return { ...link, hash }
      }),

    count: async ({ action, target, detail = {} }, each) => {
      let query = db
        .selectFrom('audit')
        .select(({ fn }) => [
          fn.countAll<string>().as('entries'),
          sql<string>`count(DISTINCT detail ->> ${each})`.as('different'),
        ])
        .where('action', '=', action)
        .where('target', '=', target)
      for (const [name, value] of Object.entries(detail))
        query = query.where(sql<string>`detail ->> ${name}`, '=', value)
      const { entries, different } = await query.executeTakeFirstOrThrow()
      return { entries: Number(entries), different: Number(different) }
    },

    list: async (page) => {
      let query = db
        .selectFrom('audit')
        .selectAll()
        .orderBy('sequence', 'desc')
        .limit(page.limit + 1)
      const before = ordinalCursor(page.cursor)
      if (before !== undefined) query = query.where('sequence', '<', before)
      return pageOf(
        await query.execute(),
        page,
        (row) => String(row.sequence),
        (row): AuditEntry => ({
          sequence: row.sequence,
          at: row.at.getTime(),
          actor: row.actor,
          action: row.action,
          target: row.target,
          detail: row.detail as AuditEntry['detail'],
          previousHash: row.previous_hash,
          hash: row.hash,
        }),
      )
    },
  }
}
