import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, silentLogger } from '../kernel/index.ts'
import { type DataFolder, isAlive, readRunFile } from './data-folder.ts'
import { localBackend } from './local-backend.ts'

const GRACE_MS = 35_000

/**
 * Ends what a killed supervisor left: gateways and control, and replicas too when asked. Without this they would hold
 * the ports, and nothing would restart them. Returns what was ended.
 */
export async function endOrphans(
  folder: DataFolder,
  options: { replicas: boolean; logger?: Logger },
): Promise<string[]> {
  const names = runNames(folder)
  // Gateways first: they answer what they have while control still takes their telemetry.
  for (const name of names.sort((left, right) => (left < right ? 1 : -1))) await end(folder, name)
  if (options.replicas) {
    const backend = localBackend(folder, options.logger ?? silentLogger())
    await Promise.all((await backend.list()).map((replica) => backend.stop(replica.replicaId)))
    await backend.close()
  }
  return names
}

function runNames(folder: DataFolder): string[] {
  try {
    return readdirSync(folder.run)
      .filter((file) => /^(control|gateway-\d+)\.json$/.test(file))
      .map((file) => file.slice(0, -'.json'.length))
      .filter((name) => readRunFile(folder.runFileOf(name)) !== undefined)
  } catch {
    return []
  }
}

async function end(folder: DataFolder, name: string): Promise<void> {
  const run = readRunFile(folder.runFileOf(name))
  if (run === undefined) return
  process.kill(run.pid, 'SIGTERM')
  const untilMs = performance.now() + GRACE_MS
  while (isAlive(run.pid) && performance.now() < untilMs)
    await new Promise((settle) => setTimeout(settle, 50))
  if (isAlive(run.pid)) process.kill(run.pid, 'SIGKILL')
  rmSync(join(folder.run, `${name}.json`), { force: true })
}
