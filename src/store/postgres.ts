import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool, type PoolClient, types } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Logger } from '../kernel/index.ts'
import type { Database, Session } from './database.ts'
import { guardedDialect } from './guarded-dialect.ts'
import type { Tables } from './schema.ts'
import { asStoreError } from './store-error.ts'

const CONNECT_TIMEOUT_MS = 2000
/** The server gives up first; the client's own limit is for a server that no longer answers at all. */
const STATEMENT_TIMEOUT_MS = 15_000
const ANSWER_TIMEOUT_MS = 18_000
const CONNECTIONS = 8
const JOB_CONNECTIONS = 3

/** int8: ordinals, buckets and counts all stay below 2⁵³. */
const INT8 = 20

export function openPostgres(url: string, logger: Logger): Database {
  const pool = new Pool({
    connectionString: url,
    Client: ImpatientClient,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'slipway',
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format as 'text'),
    } as typeof types,
  })
  // A connection that breaks is replaced by the pool at the next use. One that is in use tells its user by the failing
  // query as well, but an error that nobody listens to would end the process. The error holds the connection's
  // parameters, so only its text is logged.
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'idle store connection lost'))
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.debug({ reason: error.message }, 'store connection lost'))
  })
  return {
    kind: 'postgres',
    db: new Kysely<Tables>({ dialect: guardedDialect(new PostgresDialect({ pool })) }),
    transaction: (work) => inTransaction(pool, work),
    bossOptions: () => ({
      connectionString: url,
      max: JOB_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: 'slipway jobs',
    }),
    close: () => (pool.ended ? Promise.resolve() : pool.end()),
  }
}

/**
 * After a query that was not answered in time, the connection is given up. Else the pool hands it to the next one, whose
 * query waits behind the one that hangs, and so does the ROLLBACK.
 */
class ImpatientClient extends Client {
  override query = ((...args: Parameters<Client['query']>) => {
    const asked: unknown = super.query(...args)
    if (asked instanceof Promise)
      asked.catch((error: unknown) => {
        if (error instanceof Error && error.message === READ_TIMEOUT) socketOf(this).destroy()
      })
    return asked
  }) as Client['query']
}

/** As node-postgres says it. */
const READ_TIMEOUT = 'Query read timeout'

/** Public in node-postgres, though its types do not say so. */
function socketOf(client: Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream
}

async function inTransaction<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  let client: PoolClient | undefined
  let broken: Error | undefined
  try {
    client = await pool.connect()
    await client.query('BEGIN')
    const result = await work(sessionOf(client))
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client?.query('ROLLBACK').catch((failure: Error) => {
      broken = failure
    })
    throw asStoreError(error)
  } finally {
    client?.release(broken)
  }
}

function sessionOf(client: PoolClient): Session {
  return {
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await client.query(text, [...values])).rows as Row[],
    script: async (text) => {
      await client.query(text)
    },
    copyIn: async (statement, text) => {
      const copy = client.query(copyFrom(`${statement} FROM STDIN`))
      await pipeline(Readable.from([Buffer.from(text)]), copy)
      return copy.rowCount ?? 0
    },
  }
}
