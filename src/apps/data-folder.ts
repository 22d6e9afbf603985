import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What lies where in the data folder. Secrets and credentials are readable by their owner alone. */
export interface DataFolder {
  readonly root: string
  readonly credentials: string
  readonly pepper: string
  readonly internalKey: string
  readonly labKey: string
  readonly logs: string
  readonly run: string
  readonly replicas: string
  logOf(process: string): string
  runFileOf(process: string): string
}

export function dataFolder(root: string): DataFolder {
  const logs = join(root, 'logs')
  const run = join(root, 'run')
  return {
    root,
    credentials: join(root, 'credentials.json'),
    pepper: join(root, 'secrets', 'pepper'),
    internalKey: join(root, 'secrets', 'internal-key'),
    labKey: join(root, 'secrets', 'lab-key'),
    logs,
    run,
    replicas: join(root, 'replicas'),
    logOf: (process) => join(logs, `${process}.log`),
    runFileOf: (process) => join(run, `${process}.json`),
  }
}

export function prepareDataFolder(root: string): DataFolder {
  const folder = dataFolder(root)
  mkdirSync(join(root, 'secrets'), { recursive: true, mode: 0o700 })
  for (const path of [folder.logs, folder.run, folder.replicas]) mkdirSync(path, { recursive: true })
  chmodSync(join(root, 'secrets'), 0o700)
  if (!existsSync(folder.pepper)) writeWhole(folder.pepper, randomBytes(32).toString('hex'), 0o600)
  return folder
}

/** Whole or not at all: a reader never sees half a file. */
export function writeWhole(path: string, content: string, mode = 0o644): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, content, { mode })
  renameSync(temporary, path)
}

/** `run/<process>.json`: who runs, where, since when. */
export interface RunFile {
  readonly pid: number
  readonly port: number
  readonly startedAt: number
}

/** The run file when its process is alive; undefined when it is absent, broken or stale. */
export function readRunFile(path: string): RunFile | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as RunFile
    return isAlive(found.pid) ? found : undefined
  } catch {
    return undefined
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
