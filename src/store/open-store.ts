import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { type Clock, type Logger, SlipwayError } from '../kernel/index.ts'
import { artifactStore } from './artifacts.ts'
import type { Database } from './database.ts'
import { openEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'
import type { Context } from './repositories/context.ts'
import { deploymentRepository } from './repositories/deployments.ts'
import { modelRepository } from './repositories/models.ts'
import { trafficRepository } from './repositories/traffic.ts'
import { versionRepository } from './repositories/versions.ts'
import type { Store } from './store.ts'
import { createWatchers } from './watchers.ts'

export interface StoreOptions {
  /** Where files go: `artifacts/`, and `store/` when embedded. */
  readonly dataFolder: string
  /** `postgres://…`; left out: embedded. */
  readonly databaseUrl?: string | undefined
  /** Embedded, but nothing of the tables is kept on disk: for tests and trials. */
  readonly memory?: boolean | undefined
  readonly logger: Logger
  readonly clock: Clock
}

/** Opens the store and brings its tables up to date. Throws when another process has the embedded one open. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await openEmbedded(options.memory === true ? undefined : join(options.dataFolder, 'store'))
  await migrate(database)
  return assembleStore(database, options)
}

/** A store over a database whose tables are up to date. */
export async function assembleStore(
  database: Database,
  { dataFolder, logger, clock }: Pick<StoreOptions, 'dataFolder' | 'logger' | 'clock'>,
): Promise<Store> {
  const artifactFolder = join(dataFolder, 'artifacts')
  await mkdir(artifactFolder, { recursive: true })
  const watchers = createWatchers(logger)
  const context: Context = { database, clock, tell: watchers.tell }
  const notYet = new Proxy(
    {},
    { get: (_, name) => () => Promise.reject(new Error(`${String(name)} is not there yet`)) },
  )
  return {
    kind: database.kind,
    models: modelRepository(context),
    versions: versionRepository(context),
    artifacts: artifactStore(artifactFolder),
    deployments: deploymentRepository(context),
    traffic: trafficRepository(context),
    ...({
      datasets: notYet,
      requestLog: notYet,
      windows: notYet,
      changes: notYet,
      evidence: notYet,
      signOffs: notYet,
      rollouts: notYet,
      incidents: notYet,
      failureCases: notYet,
      keys: notYet,
      jobs: notYet,
    } as unknown as Pick<
      Store,
      | 'datasets'
      | 'requestLog'
      | 'windows'
      | 'changes'
      | 'evidence'
      | 'signOffs'
      | 'rollouts'
      | 'incidents'
      | 'failureCases'
      | 'keys'
      | 'jobs'
    >),
    watch: watchers.watch,
    ping: () => ping(database),
    close: () => database.close(),
  }
}

const PING_TIMEOUT_MS = 2000

async function ping({ db }: Database): Promise<void> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(
    () =>
      timeout.reject(
        new SlipwayError('store_unavailable', { reason: `no answer within ${PING_TIMEOUT_MS} ms` }),
      ),
    PING_TIMEOUT_MS,
  )
  try {
    await Promise.race([sql`SELECT 1`.execute(db), timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}
