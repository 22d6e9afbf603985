import { readdirSync, readFileSync } from 'node:fs'
import { digestOfBytes, SlipwayError } from '../kernel/index.ts'
import type { Database } from './database.ts'

interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  readonly hash: string
}

/**
 * Brings the tables to the newest form: files `0001_name.sql` in order, each in a transaction of its own, recorded with
 * its hash. Only forward. A lock lets one process migrate while others wait. Refuses when a migration that was applied
 * reads differently now, or when the database has one that this program does not know (`store_incompatible`).
 */
export async function migrate(database: Database, migrations = readMigrations()): Promise<number[]> {
  const applied: number[] = []
  await database.transaction((session) =>
    session.script(
      `SELECT pg_advisory_xact_lock(${LOCK});
       CREATE TABLE IF NOT EXISTS slipway_migrations (
         number integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
       );`,
    ),
  )
  for (const migration of migrations) {
    const isNew = await database.transaction(async (session) => {
      await session.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
      const known = await session.query<Recorded>('SELECT number, name, hash FROM slipway_migrations')
      requireSameHistory(known, migrations)
      if (known.some(({ number }) => number === migration.number)) return false
      await session.script(migration.sql)
      await session.query('INSERT INTO slipway_migrations (number, name, hash) VALUES ($1, $2, $3)', [
        migration.number,
        migration.name,
        migration.hash,
      ])
      return true
    })
    if (isNew) applied.push(migration.number)
  }
  return applied
}

/** Any number; all of Slipway's migrations wait for each other on it. */
const LOCK = 5_747_301

interface Recorded {
  number: number
  name: string
  hash: string
}

function requireSameHistory(known: readonly Recorded[], migrations: readonly Migration[]): void {
  for (const recorded of known) {
    const ours = migrations.find(({ number }) => number === recorded.number)
    if (ours === undefined)
      throw new SlipwayError('store_incompatible', {
        reason: `it has migration ${recorded.name}, which is not known here`,
      })
    if (ours.hash !== recorded.hash)
      throw new SlipwayError('store_incompatible', {
        reason: `migration ${ours.name} reads differently than when it was applied (${recorded.hash})`,
      })
  }
}

export function readMigrations(folder = new URL('./migrations/', import.meta.url)): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name, index) => {
      const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1])
      if (number !== index + 1)
        throw new Error(`${name}: migrations are numbered 0001_, 0002_, … without gaps`)
      const sql = readFileSync(new URL(name, folder), 'utf8')
      return { number, name, sql, hash: digestOfBytes(sql) }
    })
}
