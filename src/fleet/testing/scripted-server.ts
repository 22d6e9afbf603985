/**
 * Stands in for a model server where one has to misbehave: `node scripted-server.ts <spec file>`. The version's label
 * says how: `stubborn` does not end on SIGTERM, `draining` takes 400 ms to end and writes down each SIGTERM it gets.
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaSpec, ReplicaStatus } from '../../contracts/index.ts'

const spec = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ReplicaSpec

function say(phase: ReplicaStatus['phase']): void {
  const { replicaId, address } = spec
  const startedAt = Date.now()
  const status: ReplicaStatus = {
    replicaId,
    pid: process.pid,
    phase,
    address,
    httpUrl: null,
    startedAt,
    loadMs: 1,
    failure: null,
  }
  const path = join(spec.runFolder, 'status.json')
  writeFileSync(`${path}.next`, JSON.stringify(status))
  renameSync(`${path}.next`, path)
}

process.on('SIGTERM', () => {
  appendFileSync(join(spec.runFolder, '..', `${spec.replicaId}.signals`), 'SIGTERM\n')
  if (spec.label === 'stubborn') return
  say('draining')
  setTimeout(() => process.exit(0), 400)
})
setInterval(() => {}, 1_000)
say('ready')
