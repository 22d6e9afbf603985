import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { type Clock, type Logger, SlipwayError } from '../kernel/index.ts'
import { artifactStore } from './artifacts.ts'
import { blobFolder } from './blobs.ts'
import type { Database } from './database.ts'
import { openEmbedded } from './embedded.ts'
import { lockFolder } from './folder-lock.ts'
import { createJobQueue } from './jobs.ts'
import { migrate } from './migrate.ts'
import { openPostgres } from './postgres.ts'
import { auditLog } from './repositories/audit.ts'
import { batchRepository } from './repositories/batches.ts'
import { changeRepository } from './repositories/changes.ts'
import { clientFileRepository } from './repositories/client-files.ts'
import type { Context } from './repositories/context.ts'
import { datasetRepository } from './repositories/datasets.ts'
import { deploymentRepository } from './repositories/deployments.ts'
import { evidenceRepository, signOffRepository } from './repositories/evidence.ts'
import { failureCaseRepository } from './repositories/failure-cases.ts'
import { incidentRepository } from './repositories/incidents.ts'
import { keyRepository } from './repositories/keys.ts'
import { limitCountRepository } from './repositories/limit-counts.ts'
import { modelRepository } from './repositories/models.ts'
import { requestLog } from './repositories/request-log.ts'
import { rolloutRepository } from './repositories/rollouts.ts'
import { settingsRepository } from './repositories/settings.ts'
import { textWindowRepository } from './repositories/text-windows.ts'
import { trafficRepository } from './repositories/traffic.ts'
import { versionRepository } from './repositories/versions.ts'
import { windowRepository } from './repositories/windows.ts'
import type { Store } from './store.ts'
import { asFullDisk } from './store-error.ts'
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

/**
 * Opens the store and brings its tables up to date. `store_locked` when another process has the embedded one open,
 * `store_unavailable` when PostgreSQL does not answer, `store_incompatible` when a newer version used it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { database, unlock } = await openDatabase(options)
  try {
    await migrate(database)
    const store = await assembleStore(database, options)
    return { ...store, close: once(() => store.close().finally(unlock)) }
  } catch (error) {
    await database.close().finally(unlock)
    throw error
  }
}

async function openDatabase({
  dataFolder,
  databaseUrl,
  memory,
  logger,
}: StoreOptions): Promise<{ database: Database; unlock: () => Promise<void> }> {
  if (databaseUrl !== undefined) return { database: openPostgres(databaseUrl, logger), unlock: nothing }
  if (memory === true) return { database: await openEmbedded(undefined), unlock: nothing }
  const folder = join(dataFolder, 'store')
  const unlock = await lockFolder(folder).catch((error: unknown) => {
    throw asFullDisk(error)
  })
  try {
    return { database: await openEmbedded(join(folder, 'tables')), unlock }
  } catch (error) {
    await unlock()
    throw error
  }
}

async function nothing(): Promise<void> {}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= act()
    return done
  }
}

/** A store over a database whose tables are up to date; closing it closes the database. */
export async function assembleStore(
  database: Database,
  { dataFolder, logger, clock }: Pick<StoreOptions, 'dataFolder' | 'logger' | 'clock'>,
): Promise<Store> {
  const artifactFolder = join(dataFolder, 'artifacts')
  await mkdir(artifactFolder, { recursive: true })
  const blobs = await blobFolder(join(dataFolder, 'files'))
  const watchers = createWatchers(logger)
  const context: Context = { database, clock, tell: watchers.tell }
  const artifacts = artifactStore(artifactFolder)
  const jobs = createJobQueue(database, logger)
  return {
    kind: database.kind,
    models: modelRepository(context),
    versions: versionRepository(context),
    artifacts,
    clientFiles: clientFileRepository(context),
    batches: batchRepository(context),
    blobs,
    datasets: datasetRepository(context, artifacts),
    deployments: deploymentRepository(context),
    traffic: trafficRepository(context),
    requestLog: requestLog(context),
    windows: windowRepository(context),
    textWindows: textWindowRepository(context),
    changes: changeRepository(context),
    evidence: evidenceRepository(context),
    signOffs: signOffRepository(context),
    rollouts: rolloutRepository(context),
    incidents: incidentRepository(context),
    failureCases: failureCaseRepository(context),
    keys: keyRepository(context),
    settings: settingsRepository(context),
    limitCounts: limitCountRepository(context),
    audit: auditLog(context),
    jobs,
    watch: watchers.watch,
    ping: () => ping(database),
    close: once(() => jobs.close().finally(() => database.close())),
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
