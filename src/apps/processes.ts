import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StatusReport } from '../contracts/index.ts'
import type { ObservedReplica } from '../fleet/index.ts'
import { type DataFolder, readRunFile } from './data-folder.ts'

type ProcessReport = StatusReport['processes'][number]

/** Every process of the installation: control and gateways by their run files, replicas by what the fleet observed. */
export function reportProcesses(folder: DataFolder, replicas: readonly ObservedReplica[]): ProcessReport[] {
  const names = readdirSync(folder.run)
    .filter((file) => /^(control|gateway-\d+)\.json$/.test(file))
    .map((file) => file.replace('.json', ''))
    .sort()
  return [...names.map((name) => serverReport(folder, name)), ...replicas.map(replicaReport)]
}

function serverReport(folder: DataFolder, name: string): ProcessReport {
  const run = readRunFile(join(folder.run, `${name}.json`))
  return {
    name,
    kind: name === 'control' ? 'control' : 'gateway',
    pid: run?.pid ?? null,
    address: run === undefined ? null : `http://127.0.0.1:${run.port}`,
    ready: run !== undefined,
    memoryBytes: run === undefined ? null : residentBytes(run.pid),
    detail: null,
  }
}

function replicaReport({ replicaId, model, label, status, alive }: ObservedReplica): ProcessReport {
  return {
    name: replicaId,
    kind: 'replica',
    pid: alive ? status.pid : null,
    address: status.httpUrl,
    ready: alive && status.phase === 'ready',
    memoryBytes: alive ? residentBytes(status.pid) : null,
    detail: status.failure === null ? `${model} ${label}` : `${model} ${label}: ${status.failure.detail}`,
  }
}

/** VmRSS of /proc; null where there is no /proc. */
function residentBytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}
