/**
 * Serves one version: `node src/apps/model-server.ts <replica spec file>`. Says how it is in `status.json`, logs JSON
 * lines to stderr, drains on SIGTERM. Exits 1 when the version cannot be served. Who started it may go; it stays.
 */
import { readFileSync } from 'node:fs'
import { replicaSpec } from '../contracts/index.ts'
import { createLogger, onStopSignal, systemClock } from '../kernel/index.ts'
import { foreignServer, startModelServer } from '../serving/index.ts'

const startedAt = Math.round(Date.now() - process.uptime() * 1000)
const specFile = process.argv[2]
if (specFile === undefined) {
  process.stderr.write('usage: model-server <replica spec file>\n')
  process.exit(3)
}
const spec = replicaSpec.parse(JSON.parse(readFileSync(specFile, 'utf8')))
const logger = createLogger(`model-server ${spec.replicaId}`)
try {
  const parts = { clock: systemClock, logger, startedAt }
  if (spec.spec.engine === 'vllm') {
    const server = foreignServer(spec, { ...parts, environment: process.env })
    // Before it starts, which may take long.
    onStopSignal(() => server.drain())
    await server.start()
    void server.ended.then(() => process.exit(1))
  } else {
    const server = await startModelServer(spec, parts)
    onStopSignal(() => server.drain())
  }
} catch {
  // Told in `status.json` and the log already.
  process.exit(1)
}
