import './gateway-heap.ts'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultGatewayLimits, Gateway, standardText } from '../gateway/index.ts'
import { createLogger, isSlipwayError, onStopSignal, systemClock } from '../kernel/index.ts'
import { remoteTextUpstream, standardCodecs } from '../providers/index.ts'
import { dataFolder, writeWhole } from './data-folder.ts'
import { giveBackMemory } from './give-back-memory.ts'
import { sharing } from './sharing.ts'

/** The exit code that says: the port is taken, restarting will not help. */
const EXIT_PORT_IN_USE = 3
const CACHE_BYTES = 64 * 1024 * 1024

const folder = dataFolder(process.env.SLIPWAY_DATA ?? '.slipway')
const name = `gateway-${process.env.SLIPWAY_GATEWAY_INDEX ?? '0'}`
const log = createLogger(name)
const runFile = folder.runFileOf(name)

const controlUrl = process.env.SLIPWAY_CONTROL_URL ?? 'http://127.0.0.1:8081'
const internalKey = readFileSync(folder.internalKey, 'utf8').trim()
const { cache, closeSharing, shared } = openSharing()

const text = standardText({
  clock: systemClock,
  random: Math.random,
  log,
  cacheBytes: CACHE_BYTES,
  answers: cache,
  shared,
  // Secrets are named in the snapshot, and found here and nowhere else.
  openProvider: (provider) =>
    remoteTextUpstream(provider, {
      clock: systemClock,
      random: Math.random,
      log,
      env: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
      codecs: standardCodecs,
    }),
  isOverloaded: () => gateway.isOverloaded,
})

const gateway: Gateway = new Gateway({
  name,
  host: process.env.SLIPWAY_GATEWAY_HOST ?? '127.0.0.1',
  port: Number(process.env.SLIPWAY_GATEWAY_PORT ?? 8080),
  reusePort: process.env.SLIPWAY_GATEWAY_REUSE_PORT === '1',
  http: process.env.SLIPWAY_HTTP === 'node' ? 'node' : 'strict',
  controlUrl,
  internalKey,
  pepper: Buffer.from(readFileSync(folder.pepper, 'utf8').trim(), 'hex'),
  folder: join(folder.root, name),
  limits: defaultGatewayLimits,
  clock: systemClock,
  random: Math.random,
  log,
  shared,
  text,
})

giveBackMemory()

function openSharing() {
  const { env } = process
  try {
    return sharing({ env, name, controlUrl, internalKey, clock: systemClock, random: Math.random, log })
  } catch (error) {
    log.fatal({ err: error }, 'gateway did not start')
    process.exit(1)
  }
}

onStopSignal(async () => {
  rmSync(runFile, { force: true })
  await gateway.stop()
  await text.close()
  await closeSharing()
})

try {
  shared?.start()
  const port = await gateway.start()
  writeWhole(runFile, JSON.stringify({ pid: process.pid, port, startedAt: systemClock.nowMs() }))
} catch (error) {
  log.fatal({ err: error }, 'gateway did not start')
  process.exit(isSlipwayError(error) && error.code === 'port_in_use' ? EXIT_PORT_IN_USE : 1)
}
