import type { CompiledQuery, DatabaseConnection, Dialect, Driver } from 'kysely'
import { type DiskRoom, unlimitedRoom } from './disk-room.ts'
import { asStoreError } from './store-error.ts'

/**
 * A dialect whose errors are the store's: every query and transaction step goes through `asStoreError`, and is not begun
 * where there is no room for what it may write.
 */
export function guardedDialect(dialect: Dialect, room: DiskRoom = unlimitedRoom): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => guardedDriver(dialect.createDriver(), room),
  }
}

function guardedDriver(driver: Driver, room: DiskRoom): Driver {
  const originals = new WeakMap<DatabaseConnection, DatabaseConnection>()
  const guards = new WeakMap<DatabaseConnection, DatabaseConnection>()
  const original = (connection: DatabaseConnection) => originals.get(connection) ?? connection
  return {
    init: (options) => guarded(() => driver.init(options)),
    acquireConnection: async (options) => {
      const connection = await guarded(() => driver.acquireConnection(options))
      const guard = guards.get(connection) ?? guardedConnection(connection, room)
      guards.set(connection, guard)
      originals.set(guard, connection)
      return guard
    },
    beginTransaction: (connection, settings) =>
      guarded(() => driver.beginTransaction(original(connection), settings)),
    commitTransaction: (connection) => guarded(() => driver.commitTransaction(original(connection))),
    rollbackTransaction: (connection) => guarded(() => driver.rollbackTransaction(original(connection))),
    releaseConnection: (connection) => driver.releaseConnection(original(connection)),
    destroy: () => driver.destroy(),
  }
}

function guardedConnection(connection: DatabaseConnection, room: DiskRoom): DatabaseConnection {
  return {
    executeQuery: <Row>(query: CompiledQuery) =>
      guarded(async () => {
        if (query.query.kind === 'SelectQueryNode') room.requireToRead()
        else room.requireToWrite()
        return connection.executeQuery<Row>(query)
      }),
    streamQuery: <Row>(query: CompiledQuery, chunkSize: number) =>
      connection.streamQuery<Row>(query, chunkSize),
  }
}

async function guarded<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw asStoreError(error)
  }
}
