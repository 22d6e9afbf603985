import { type Selectable, sql } from 'kysely'
import type { BatchStatus, NewBatch } from '../../contracts/index.ts'
import { SlipwayError } from '../../kernel/index.ts'
import type { BatchOutcome, BatchRepository, BatchTimes, StoredBatch } from '../batch-store.ts'
import type { Tables } from '../schema.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

const UNFINISHED: readonly BatchStatus[] = ['validating', 'in_progress', 'finalizing', 'cancelling']

export function batchRepository({ database: { db }, tell }: Context): BatchRepository {
  const ofTenant = async (tenant: string, id: string) => {
    const row = await db
      .selectFrom('batches')
      .selectAll()
      .where('batch_id', '=', id)
      .where('tenant', '=', tenant)
      .executeTakeFirst()
    if (row === undefined) throw new SlipwayError('unknown_batch', { batch: id })
    return row
  }

  return {
    create: async (batch) => {
      const row = await db
        .insertInto('batches')
        .values({
          batch_id: batch.id,
          tenant: batch.tenant,
          api_key: batch.key,
          status: batch.status,
          wish: json(batch.wish),
          times: json(batch.times),
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      tell('batches', batch.id)
      return toBatch(row)
    },

    get: async (tenant, id) => toBatch(await ofTenant(tenant, id)),

    find: async (id) => {
      const row = await db.selectFrom('batches').selectAll().where('batch_id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toBatch(row)
    },

    list: async (tenant, { after, limit }) => {
      let query = db
        .selectFrom('batches')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('ordinal', 'desc')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('ordinal', '<', (await ofTenant(tenant, after)).ordinal)
      const rows = await query.execute()
      return { items: rows.slice(0, limit).map(toBatch), hasMore: rows.length > limit }
    },

    unfinished: async (limit) => {
      const rows = await db
        .selectFrom('batches')
        .selectAll()
        .where('status', 'in', UNFINISHED)
        .orderBy('ordinal')
        .limit(limit)
        .execute()
      return rows.map(toBatch)
    },

    update: async (id, from, { counts, outcome, status, times }) => {
      const row = await db
        .updateTable('batches')
        .set({
          ...(status === undefined ? {} : { status }),
          ...(counts ?? {}),
          ...(times === undefined ? {} : { times: sql<string>`times || ${json(times)}::jsonb` }),
          ...(outcome === undefined ? {} : { outcome: sql<string>`outcome || ${json(outcome)}::jsonb` }),
        })
        .where('batch_id', '=', id)
        .where('status', 'in', [...from])
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) return undefined
      tell('batches', id)
      return toBatch(row)
    },
  }
}

function toBatch(row: Selectable<Tables['batches']>): StoredBatch {
  return {
    id: row.batch_id,
    tenant: row.tenant,
    key: row.api_key,
    status: row.status as BatchStatus,
    wish: row.wish as NewBatch,
    times: row.times as BatchTimes,
    counts: { total: row.total, completed: row.completed, failed: row.failed },
    outcome: row.outcome as BatchOutcome,
  }
}
