import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaStatus } from '../contracts/index.ts'

/** Replaces `status.json` whole: who reads it sees the old one or the new one, never a part. */
export function writeStatus(runFolder: string, status: ReplicaStatus): void {
  mkdirSync(runFolder, { recursive: true })
  const next = join(runFolder, 'status.json.next')
  writeFileSync(next, `${JSON.stringify(status)}\n`)
  renameSync(next, join(runFolder, 'status.json'))
}
