import type { Session } from './database.ts'

export const DAY_MS = 86_400_000

/** Tables that are partitioned by UTC day, with the column that says which. */
const PARTITIONED = [
  { table: 'inference_logs', column: '"timestamp"' },
  { table: 'windows', column: '"start"' },
] as const

/**
 * Makes the partitions from today to `daysAhead`, drops those past retention, and clears what the default partitions
 * hold from before it. Rows that the default partition took for a day move into that day's partition.
 */
export async function maintainPartitions(
  session: Session,
  nowMs: number,
  { retentionDays, daysAhead }: { retentionDays: number; daysAhead: number },
): Promise<{ made: string[]; dropped: string[] }> {
  // Two processes must not make the same partition.
  await session.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
  const today = Math.floor(nowMs / DAY_MS)
  const firstKeptDay = today - retentionDays
  const made: string[] = []
  const dropped: string[] = []
  for (const { table, column } of PARTITIONED) {
    const present = await partitionsOf(session, table)
    for (const name of present) {
      if (dayOf(name) >= firstKeptDay) continue
      await session.query(`DROP TABLE ${name}`)
      dropped.push(name)
    }
    for (let day = today; day <= today + daysAhead; day++) {
      const name = partitionName(table, day)
      if (present.includes(name)) continue
      await makePartition(session, table, column, day)
      made.push(name)
    }
    await session.query(`DELETE FROM ${table}_default WHERE ${column} < $1`, [startOf(firstKeptDay)])
  }
  await session.query('DELETE FROM text_windows WHERE "start" < $1', [startOf(firstKeptDay)])
  await session.query('DELETE FROM telemetry_batches WHERE taken_at < $1', [startOf(firstKeptDay)])
  return { made, dropped }
}

/** Any number; distinct from the one of migrations. */
const LOCK = 5_747_302

async function partitionsOf(session: Session, table: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT child.relname AS name
     FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
     WHERE inhparent = $1::regclass AND child.relname ~ '_[0-9]{8}$'
     ORDER BY 1`,
    [table],
  )
  return rows.map(({ name }) => name)
}

/** A table of its own first, filled from the default partition, then attached: rows are never out of sight. */
async function makePartition(session: Session, table: string, column: string, day: number): Promise<void> {
  const name = partitionName(table, day)
  const from = startOf(day)
  const to = startOf(day + 1)
  await session.script(
    `LOCK TABLE ${table}_default IN ACCESS EXCLUSIVE MODE;
     CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
     WITH moved AS (
       DELETE FROM ${table}_default WHERE ${column} >= '${from}' AND ${column} < '${to}' RETURNING *
     )
     INSERT INTO ${name} SELECT * FROM moved;
     ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}');`,
  )
}

function partitionName(table: string, day: number): string {
  return `${table}_${startOf(day).slice(0, 10).replaceAll('-', '')}`
}

function dayOf(partition: string): number {
  const [year, month, date] = [partition.slice(-8, -4), partition.slice(-4, -2), partition.slice(-2)]
  return Date.parse(`${year}-${month}-${date}T00:00:00Z`) / DAY_MS
}

function startOf(day: number): string {
  return new Date(day * DAY_MS).toISOString()
}
