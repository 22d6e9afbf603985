import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { type PrivatePostgres, privatePostgres } from '../../../scripts/postgres.ts'
import { type Clock, silentLogger } from '../../kernel/index.ts'
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
  const createDatabase = async () => {
    const name = `store_${++databases}`
    const client = new Client({ connectionString: server.url })
    await client.connect()
    await client.query(`CREATE DATABASE ${name}`)
    await client.end()
    return server.url.replace('/postgres?', `/${name}?`)
  }
  return {
    server,
    createDatabase,
    open: async (clock) => {
      const dataFolder = await mkdtemp(join(tmpdir(), 'slipway-store-'))
      const databaseUrl = await createDatabase()
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
