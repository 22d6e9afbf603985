import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { type ConstructorOptions, fromPglite } from 'pg-boss'
import type { Database, Session } from './database.ts'
import { type DiskRoom, diskRoomOf, unlimitedRoom } from './disk-room.ts'
import { guardedDialect } from './guarded-dialect.ts'
import type { Tables } from './schema.ts'
import { asStoreError } from './store-error.ts'

/** OID of int8: ordinals, buckets and counts all stay below 2⁵³. */
const INT8 = 20

/**
 * PostgreSQL as WebAssembly in this process. It has one connection: the query builder takes turns by a mutex of its
 * own, and PGlite lets nothing in between while a transaction is open.
 * `store_unavailable` where its disk is full, then and later.
 * @param folder where it keeps its files; undefined: in memory. @param loadFrom a dumped data folder to start from.
 */
export async function openEmbedded(folder: string | undefined, loadFrom?: Blob): Promise<Database> {
  if (folder === undefined) return embeddedDatabase(await openPglite(folder, loadFrom))
  await mkdir(dirname(folder), { recursive: true })
  const room = diskRoomOf(dirname(folder))
  room.requireToWrite()
  return embeddedDatabase(await openPglite(folder, loadFrom), room)
}

export function openPglite(folder: string | undefined, loadFrom?: Blob): Promise<PGlite> {
  return PGlite.create({
    ...(folder === undefined ? {} : { dataDir: folder }),
    ...(loadFrom === undefined ? {} : { loadDataDir: loadFrom }),
    parsers: { [INT8]: Number },
  })
}

export function embeddedDatabase(pglite: PGlite, room: DiskRoom = unlimitedRoom): Database {
  return {
    kind: 'embedded',
    db: new Kysely<Tables>({ dialect: guardedDialect(new PGliteDialect({ pglite }), room) }),
    transaction: async (work) => {
      try {
        room.requireToWrite()
        return await pglite.transaction((transaction) => work(sessionOf(transaction)))
      } catch (error) {
        throw asStoreError(error)
      }
    },
    bossOptions: () => ({ db: bossDatabase(pglite, room), backend: 'pglite' }),
    close: async () => {
      if (!pglite.closed) await pglite.close()
    },
  }
}

/** pg-boss's own adapter, and how it hears of new jobs at once. */
function bossDatabase(pglite: PGlite, room: DiskRoom): NonNullable<ConstructorOptions['db']> {
  const adapter = fromPglite(pglite)
  return {
    ...adapter,
    executeSql: async (text, values) => {
      room.requireToWrite()
      return adapter.executeSql(text, values)
    },
    listen: async (channel, onNotification, onReconnect) => {
      const unlisten = await pglite.listen(channel, onNotification)
      onReconnect()
      return { close: () => (pglite.closed ? Promise.resolve() : unlisten()) }
    },
  }
}

function sessionOf(transaction: Transaction): Session {
  return {
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await transaction.query<Row>(text, [...values])).rows,
    script: async (text) => {
      await transaction.exec(text)
    },
    copyIn: async (statement, text) => {
      const blob = new Blob([text])
      const result = await transaction.query(`${statement} FROM '/dev/blob'`, [], { blob })
      return result.affectedRows ?? 0
    },
  }
}
