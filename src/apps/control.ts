import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import packageJson from '#package.json' with { type: 'json' }
import { createApi } from '../api/index.ts'
import { createBatches, defaultBatchLimits, gatewayAsker } from '../batches/index.ts'
import { createChanges, gatewayProbe } from '../changes/index.ts'
import { createFleet, openLeaseDesk, withRemoteVersions } from '../fleet/index.ts'
import { createLogger, isSlipwayError, onStopSignal, SlipwayError, systemClock } from '../kernel/index.ts'
import { createLab } from '../lab/index.ts'
import { openStore } from '../store/index.ts'
import { createTelemetry } from '../telemetry/index.ts'
import { controlMetrics } from './control-metrics.ts'
import { ensureCredentials } from './credentials.ts'
import { prepareDataFolder, writeWhole } from './data-folder.ts'
import { entryPath, packageRoot } from './entry.ts'
import { localBackend } from './local-backend.ts'
import { readPolicy } from './policy-file.ts'
import { reportProcesses } from './processes.ts'
import { replicaFigures } from './replica-figures.ts'

/** Owns the store; composes fleet, telemetry, lab and changes behind the control API. */
const USAGE = 3
const host = process.env.SLIPWAY_CONTROL_HOST ?? '127.0.0.1'
const port = Number(process.env.SLIPWAY_CONTROL_PORT ?? 8081)
const gatewayUrl = process.env.SLIPWAY_GATEWAY_URL ?? 'http://127.0.0.1:8080'
const logger = createLogger('control')
const clock = systemClock
const startedAt = clock.nowMs()

try {
  await run()
} catch (error) {
  if (!isSlipwayError(error)) throw error
  logger.fatal({ code: error.code, hint: error.hint }, error.message)
  process.exit(USAGE)
}

async function run(): Promise<void> {
  const folder = prepareDataFolder(process.env.SLIPWAY_DATA ?? '.slipway')
  const policy = readPolicy(folder.root, process.env.SLIPWAY_POLICY)
  const pepper = Buffer.from(readFileSync(folder.pepper, 'utf8'), 'hex')
  const store = await openStore({
    dataFolder: folder.root,
    databaseUrl: process.env.DATABASE_URL,
    logger,
    clock,
  })
  const { labKey } = await ensureCredentials(store, folder, pepper, {
    control: `http://127.0.0.1:${port}`,
    gateway: gatewayUrl,
  })
  const telemetry = createTelemetry({ store, clock, logger })
  const backend = withRemoteVersions(localBackend(folder, logger), clock)
  const fleet = createFleet({ store, backend, windowSource: telemetry, clock, logger })
  const lab = createLab({ runnerPath: entryPath('lab-runner'), execPath: process.execPath, logger, clock })
  const changes = createChanges({
    store,
    fleet,
    lab,
    policy,
    clock,
    logger,
    gatewayUrl,
    key: labKey,
    probe: gatewayProbe({ gatewayUrl, key: labKey }),
  })
  const batchLimits = { ...defaultBatchLimits, quotaBytes: fileQuotaBytes() }
  const batches = createBatches({
    store,
    asker: gatewayAsker({
      gatewayUrl,
      internalKey: readFileSync(folder.internalKey, 'utf8').trim(),
      connections: batchLimits.batchesAtOnce * batchLimits.linesAtOnce,
      maxAnswerBytes: batchLimits.maxAnswerBytes,
    }),
    clock,
    logger,
    limits: batchLimits,
  })
  const web = join(packageRoot(), 'web', 'dist')
  const api = await createApi({
    store,
    fleet,
    changes,
    telemetry,
    batches,
    leases: await openLeaseDesk(store, clock),
    clock,
    logger,
    pepper,
    version: packageJson.version,
    startedAt,
    webFolder: existsSync(join(web, 'index.html')) ? web : undefined,
    processes: async () => reportProcesses(folder, fleet.replicas()),
    textReplicas: replicaFigures(
      () => fleet.replicas(),
      readFileSync(folder.internalKey, 'utf8').trim(),
      clock,
    ),
    metrics: controlMetrics({ store, fleet, telemetry }),
  })
  await listen(api)
  writeWhole(folder.runFileOf('control'), JSON.stringify({ pid: process.pid, port, startedAt }))
  await changes.open()
  await batches.open()
  logger.info({ host, port, store: store.kind, readyMs: clock.nowMs() - startedAt }, 'control is ready')

  onStopSignal(async () => {
    logger.info('stopping')
    await api.close()
    await changes.close()
    await batches.close()
    await fleet.close()
    await backend.close()
    await telemetry.close()
    await store.close()
    rmSync(folder.runFileOf('control'), { force: true })
    logger.info('stopped')
  })
}

async function listen(api: Awaited<ReturnType<typeof createApi>>): Promise<void> {
  try {
    await api.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw new SlipwayError('port_in_use', { port, host, flag: '--control-port' })
    throw error
  }
}

/** Of each tenant. A value that is no number shall not read as no bound. */
function fileQuotaBytes(): number {
  const wish = process.env.SLIPWAY_FILE_QUOTA_BYTES
  if (wish === undefined) return defaultBatchLimits.quotaBytes
  if (/^\d{1,15}$/.test(wish)) return Number(wish)
  throw new SlipwayError('invalid_request', {
    reason: `SLIPWAY_FILE_QUOTA_BYTES is "${wish}"; it must be a whole number of bytes.`,
  })
}
