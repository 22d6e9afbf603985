import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PgBoss } from 'pg-boss'
import { type Clock, digestOf, silentLogger, systemClock } from '../kernel/index.ts'
import type { Database } from './database.ts'
import { embeddedDatabase, openEmbedded, openPglite } from './embedded.ts'
import { JOBS_SCHEMA } from './jobs.ts'
import { migrate, readMigrations } from './migrate.ts'
import { assembleStore } from './open-store.ts'
import type { Store } from './store.ts'

export { type ManualClock, manualClock } from './testing/manual-clock.ts'
export { sampleRecord, sampleText } from './testing/samples.ts'

/**
 * An empty embedded store in memory, with its own folder for artifacts; `close` gives both back. Databases are kept and
 * emptied for the next test of the file: the first one costs seconds, the others some 10 ms.
 */
export async function openTestStore(options: { clock?: Clock } = {}): Promise<Store> {
  const database = idle.pop() ?? (await preparedDatabase())
  const dataFolder = await mkdtemp(join(tmpdir(), 'slipway-store-'))
  const store = await assembleStore(
    { ...database, close: () => empty(database) },
    {
      dataFolder,
      logger: silentLogger(),
      clock: options.clock ?? systemClock,
    },
  )
  let closing: Promise<void> | undefined
  const close = async () => {
    await store.close()
    idle.push(database)
    await rm(dataFolder, { recursive: true, force: true })
  }
  return {
    ...store,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

const idle: Database[] = []

/**
 * A migrated database from a dump that the first test run made: 0.3 s instead of the 2 to 4 s that making one costs.
 * The dump is kept beside other caches of this checkout, by the hash of all that shapes it.
 * @param folder where it keeps its files; left out: in memory.
 */
export async function preparedDatabase(folder?: string): Promise<Database> {
  const dump = await readFile(await dumpPath()).catch(() => makeDump())
  return openEmbedded(folder, new Blob([dump]))
}

/** Makes `<dataFolder>/store` as a first start would, so that a process under test opens it at once. */
export async function prepareDataFolder(dataFolder: string): Promise<void> {
  const folder = join(dataFolder, 'store', 'tables')
  await mkdir(folder, { recursive: true })
  const database = await preparedDatabase(folder)
  await database.close()
}

async function makeDump(): Promise<Uint8Array<ArrayBuffer>> {
  const pglite = await openPglite(undefined)
  const database = embeddedDatabase(pglite)
  await migrate(database)
  const boss = new PgBoss({ ...database.bossOptions(), schema: JOBS_SCHEMA })
  await boss.start()
  await boss.stop({ graceful: false, close: false })
  const dump = new Uint8Array(await (await pglite.dumpDataDir('none')).arrayBuffer())
  await pglite.close()
  await keepDump(dump)
  return dump
}

async function dumpPath(): Promise<string> {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const boss = new URL('../package.json', import.meta.resolve('pg-boss'))
  const shape = [
    await readFile(manifest, 'utf8'),
    await readFile(boss, 'utf8'),
    ...readMigrations().map(({ hash }) => hash),
  ]
  const name = digestOf(shape).slice('sha256:'.length, 'sha256:'.length + 16)
  return fileURLToPath(new URL(`../../node_modules/.cache/slipway/store-${name}.tar`, import.meta.url))
}

/** Under a temporary name first: test files run side by side. */
async function keepDump(dump: Uint8Array): Promise<void> {
  const path = await dumpPath()
  const temporary = `${path}.${process.pid}`
  await mkdir(dirname(path), { recursive: true })
  await writeFile(temporary, dump)
  await rename(temporary, path)
}

async function empty(database: Database): Promise<void> {
  await database.transaction(async (session) => {
    const tables = await session.query<{ name: string }>(
      `SELECT quote_ident(relname) AS name FROM pg_class
       WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
         AND relname <> 'slipway_migrations'`,
    )
    await session.script(`TRUNCATE ${tables.map(({ name }) => name).join(', ')} RESTART IDENTITY`)
    await session.script(`TRUNCATE ${JOBS_SCHEMA}.job`)
  })
}
