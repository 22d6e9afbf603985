import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { type PrivatePostgres, privatePostgres } from '../../../scripts/postgres.ts'
import { type Clock, silentLogger, systemClock } from '../../kernel/index.ts'
import { openStore } from '../open-store.ts'
import type { Store } from '../store.ts'

export interface PostgresHarness {
  readonly server: PrivatePostgres
  /** The URL of a new, empty database. */
  createDatabase(): Promise<string>
  /** A store in a database of its own; closing it drops its folder. */
  open(clock: Clock): Promise<Store>
}

export async function postgresHarness(): Promise<PostgresHarness> {
  const server = await privatePostgres()
  let databases = 0
  const createDatabase = async (template = 'template1') => {
    const name = `store_${++databases}`
    const client = new Client({ connectionString: server.url })
    await client.connect()
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
    await client.end()
    return { name, url: server.url.replace('/postgres?', `/${name}?`) }
  }
  // Tables and the job queue are made once; each test gets a copy.
  const migrated = await createDatabase()
  const first = await openStore({
    dataFolder: server.folder,
    databaseUrl: migrated.url,
    logger: silentLogger(),
    clock: systemClock,
  })
  await first.jobs.send('first', {})
  await first.close()
  return {
    server,
    createDatabase: async () => (await createDatabase()).url,
    open: async (clock) => {
      const dataFolder = await mkdtemp(join(tmpdir(), 'slipway-store-'))
      const { url: databaseUrl } = await createDatabase(migrated.name)
      const store = await openStore({ dataFolder, databaseUrl, logger: silentLogger(), clock })
      return {
        ...store,
        close: async () => {
          await store.close()
          await rm(dataFolder, { recursive: true, force: true })
        },
      }
    },
  }
}
