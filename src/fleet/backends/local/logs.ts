import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { logFilesOf } from '../../../kernel/index.ts'

/** A replica's log outlives it, to tell why it ended; the newest of them are kept. */
const KEPT_REPLICA_LOGS = 100

export function isReplicaLog(name: string): boolean {
  return /^replica-.*\.log$/.test(name)
}

export function pruneLogs(logsFolder: string): void {
  const logs = readdirSync(logsFolder).filter(isReplicaLog)
  if (logs.length < KEPT_REPLICA_LOGS) return
  const byAge = logs
    .map((name) => ({
      name,
      changedMs: statSync(join(logsFolder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((left, right) => right.changedMs - left.changedMs)
  for (const { name } of byAge.slice(KEPT_REPLICA_LOGS - 1))
    for (const path of logFilesOf(join(logsFolder, name))) rmSync(path, { force: true })
}
