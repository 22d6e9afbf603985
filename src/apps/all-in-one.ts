import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger, keepLogsShort, onStopSignal, systemClock } from '../kernel/index.ts'
import { prepareDataFolder, writeWhole } from './data-folder.ts'
import { entryPath } from './entry.ts'
import { endOrphans } from './orphans.ts'
import { createSupervisor } from './supervisor.ts'

/**
 * Everything on one machine: keeps control and a gateway running (and the sample's traffic where there is a
 * `traffic.json`), and takes the replicas down with it. Replicas belong to control, but outlive it; only the end of
 * this process ends them.
 */
const folder = prepareDataFolder(process.env.SLIPWAY_DATA ?? '.slipway')
const controlPort = Number(process.env.SLIPWAY_CONTROL_PORT ?? 8081)
const gatewayPort = Number(process.env.SLIPWAY_GATEWAY_PORT ?? 8080)
const logger = createLogger('all-in-one')
const supervisor = createSupervisor(systemClock, logger)
const controlUrl = `http://127.0.0.1:${controlPort}`
const environment = {
  SLIPWAY_DATA: folder.root,
  SLIPWAY_CONTROL_PORT: String(controlPort),
  SLIPWAY_GATEWAY_PORT: String(gatewayPort),
  SLIPWAY_CONTROL_URL: controlUrl,
  SLIPWAY_GATEWAY_URL: `http://127.0.0.1:${gatewayPort}`,
}
const trafficFile = join(folder.root, 'traffic.json')

writeWhole(
  folder.runFileOf('all-in-one'),
  JSON.stringify({ pid: process.pid, port: controlPort, startedAt: Date.now() }),
)
// Control looks after those of the replicas.
const logs = keepLogsShort({
  folder: folder.logs,
  isOurs: (name) => !name.startsWith('replica-'),
  clock: systemClock,
  logger,
})
startWard('control', 'control')
// The gateway reads the internal key that control makes at its very first start.
await waitForFile(folder.internalKey, 30_000)
// One malloc arena: the gateway has one busy thread, and glibc's per-thread arenas cost it some 20 MB.
startWard('gateway-0', 'gateway', { SLIPWAY_GATEWAY_INDEX: '0', MALLOC_ARENA_MAX: '1' })
const trafficWatch = setInterval(() => {
  if (existsSync(trafficFile)) startWard('traffic', 'traffic')
}, 500)

onStopSignal(async () => {
  clearInterval(trafficWatch)
  logger.info('stopping')
  await supervisor.stop('traffic', 5000)
  await supervisor.stop('gateway-0', 35_000)
  await supervisor.stop('control', 20_000)
  await endOrphans(folder, { replicas: true, logger })
  rmSync(folder.runFileOf('all-in-one'), { force: true })
  logs.close()
  logger.info('stopped')
})

function startWard(name: string, app: string, more: Record<string, string> = {}): void {
  supervisor.start({
    name,
    entry: entryPath(app),
    args: [],
    environment: { ...environment, ...more },
    logFile: folder.logOf(name),
  })
}

async function waitForFile(path: string, timeoutMs: number): Promise<void> {
  const untilMs = systemClock.monotonicMs() + timeoutMs
  while (!existsSync(path) && systemClock.monotonicMs() < untilMs) await systemClock.sleep(50)
}
