import type { LimitCount, LimitCountRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

export function limitCountRepository({ database }: Context): LimitCountRepository {
  const { db } = database
  return {
    async put(counts) {
      if (counts.length === 0) return
      // Sorted, so that two writers lock rows in the same order and cannot deadlock.
      const rows = counts
        .toSorted((left, right) => (left.id < right.id ? -1 : 1))
        .map(({ endMs, id, startMs, used }) => ({
          id,
          start_at: new Date(startMs).toISOString(),
          end_at: new Date(endMs).toISOString(),
          used,
        }))
      await database.transaction(async (session) => {
        await session.query(
          `INSERT INTO limit_counts (id, start_at, end_at, used)
           SELECT * FROM jsonb_to_recordset($1::jsonb) AS given(
             id text, start_at timestamptz, end_at timestamptz, used bigint)
           ON CONFLICT (id) DO UPDATE SET
             start_at = excluded.start_at, end_at = excluded.end_at, used = excluded.used`,
          [json(rows)],
        )
      })
    },

    async list(nowMs) {
      // A span that ended counts for nothing; its account is written anew when it is used again.
      await db.deleteFrom('limit_counts').where('end_at', '<=', new Date(nowMs)).execute()
      const rows = await db.selectFrom('limit_counts').selectAll().execute()
      return rows.map(
        ({ end_at, id, start_at, used }): LimitCount => ({
          id,
          startMs: start_at.getTime(),
          endMs: end_at.getTime(),
          used: Number(used),
        }),
      )
    },
  }
}
