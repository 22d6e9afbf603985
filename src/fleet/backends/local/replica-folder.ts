import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ReplicaSpec, type ReplicaStatus, replicaSpec, replicaStatus } from '../../../contracts/index.ts'
import type { ObservedReplica } from '../../fleet.ts'
import { hasArgument, isRunning, type ProcessIdentity } from './process-identity.ts'

/**
 * What is known of a replica lies in its folder, so that the next control process knows as much as this one:
 * `spec.json` (what it was told to run), `process.json` (which process that is), `status.json` (what it says of
 * itself, written by the model server).
 */
export interface ReplicaFolder {
  readonly spec: ReplicaSpec
  readonly process: ProcessIdentity | undefined
  readonly observed: ObservedReplica
}

/** A process that was started but is not yet named by a file is believed to live so long. */
const UNNAMED_PROCESS_MS = 5_000

export const specPath = (folder: string): string => join(folder, 'spec.json')

export function readReplicaFolders(root: string, nowMs: number): ReplicaFolder[] {
  return folderNames(root)
    .map((name) => readReplicaFolder(join(root, name), nowMs))
    .filter((folder) => folder !== undefined)
}

/** Undefined when there is no readable spec: not a replica, or one that was never started. */
export function readReplicaFolder(folder: string, nowMs: number): ReplicaFolder | undefined {
  const spec = replicaSpec.safeParse(readJson(specPath(folder))).data
  if (spec === undefined) return undefined
  const said = replicaStatus.safeParse(readJson(join(folder, 'status.json'))).data
  const named = readIdentity(join(folder, 'process.json'))
  const process = named ?? unnamedProcess(folder, said)
  const startedAt = said?.startedAt ?? fileTimeMs(specPath(folder)) ?? nowMs
  const alive = process === undefined ? nowMs - startedAt < UNNAMED_PROCESS_MS : isRunning(process)
  const status = said ?? silentStatus(spec, process?.pid ?? 0, startedAt)
  const { replicaId, model, label, versionId } = spec
  return { spec, process, observed: { replicaId, model, label, versionId, status, alive } }
}

export function makeReplicaFolder(folder: string, spec: ReplicaSpec): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeWhole(specPath(folder), spec)
}

export function nameProcess(folder: string, identity: ProcessIdentity): void {
  writeWhole(join(folder, 'process.json'), identity)
}

export function removeReplicaFolder(folder: string, spec: ReplicaSpec | undefined): void {
  const socket = spec?.address.startsWith('unix:') === true ? spec.address.slice('unix:'.length) : undefined
  if (socket !== undefined) rmSync(socket, { force: true })
  rmSync(folder, { recursive: true, force: true })
}

/** Folders without a readable spec are the remains of a start that was cut short before anything ran. */
export function removeRemains(root: string, nowMs: number): void {
  for (const name of folderNames(root)) {
    const folder = join(root, name)
    const ageMs = nowMs - (fileTimeMs(folder) ?? nowMs)
    if (ageMs > UNNAMED_PROCESS_MS && readReplicaFolder(folder, nowMs) === undefined)
      removeReplicaFolder(folder, undefined)
  }
}

/** Control died between the start and `process.json`: the server's own word counts, if the pid is still its own. */
function unnamedProcess(folder: string, said: ReplicaStatus | undefined): ProcessIdentity | undefined {
  if (said === undefined) return undefined
  const isItsOwn = hasArgument(said.pid, specPath(folder)) ?? true
  return isItsOwn ? { pid: said.pid, startTicks: null } : { pid: 0, startTicks: null }
}

/** What stands in for `status.json` while, or when, the server has not written one. */
function silentStatus(spec: ReplicaSpec, pid: number, startedAt: number): ReplicaStatus {
  const { replicaId, address } = spec
  return { replicaId, pid, phase: 'starting', address, httpUrl: null, startedAt, loadMs: null, failure: null }
}

function readIdentity(path: string): ProcessIdentity | undefined {
  const found = readJson(path) as Partial<ProcessIdentity> | undefined
  return typeof found?.pid === 'number' ? { pid: found.pid, startTicks: found.startTicks ?? null } : undefined
}

function folderNames(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}

function fileTimeMs(path: string): number | undefined {
  return Math.floor(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN) || undefined
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whole or not at all, so that a reader never sees half a file. */
function writeWhole(path: string, content: unknown): void {
  const temporary = `${path}.tmp`
  writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 })
  renameSync(temporary, path)
}
