import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { lastLines, SlipwayError } from '../kernel/index.ts'
import {
  type DataFolder,
  dataFolder,
  isAlive,
  prepareDataFolder,
  type RunFile,
  readRunFile,
} from './data-folder.ts'
import { entryPath } from './entry.ts'
import { endOrphans } from './orphans.ts'

/**
 * Starts the supervisor as a process of its own that outlives the caller. Throws `port_in_use` and `policy_invalid` before
 * anything starts.
 */
export async function startAllInOne(
  root: string,
  ports: { control: number; gateway: number },
): Promise<{ folder: DataFolder; process: ChildProcess }> {
  await endOrphans(dataFolder(root), { replicas: false })
  await refuseTakenPort(ports.control, '--control-port')
  await refuseTakenPort(ports.gateway, '--gateway-port')
  // Control refuses a broken policy too; here whoever starts it is told at once. Read only when wanted: it brings the lab.
  const { readPolicy } = await import('./policy-file.ts')
  readPolicy(root, process.env.SLIPWAY_POLICY)
  const folder = prepareDataFolder(root)
  const log = openSync(folder.logOf('all-in-one'), 'a')
  const child = spawn(process.execPath, [entryPath('all-in-one')], {
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      SLIPWAY_DATA: root,
      SLIPWAY_CONTROL_PORT: String(ports.control),
      SLIPWAY_GATEWAY_PORT: String(ports.gateway),
    },
  })
  closeSync(log)
  child.unref()
  return { folder, process: child }
}

/** The running supervisor of a data folder, if there is one. */
export function runningAllInOne(folder: DataFolder): RunFile | undefined {
  return readRunFile(folder.runFileOf('all-in-one'))
}

/** Asks the supervisor to stop everything and waits until it is gone; false when it was still there after `timeoutMs`. */
export async function stopAllInOne(run: RunFile, timeoutMs: number): Promise<boolean> {
  process.kill(run.pid, 'SIGTERM')
  const untilMs = performance.now() + timeoutMs
  while (isAlive(run.pid) && performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 50))
  return !isAlive(run.pid)
}

/** The last lines of a process's log, for an error that a person can act on. */
export function lastLogLines(folder: DataFolder, process: string, lines: number): string[] {
  return lastLines(folder.logOf(process), lines)
}

async function refuseTakenPort(port: number, flag: string): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new SlipwayError('port_in_use', { port, host: '127.0.0.1', flag })
          : error,
      ),
    )
    probe.listen(port, '127.0.0.1', resolve)
  })
  await new Promise((resolve) => probe.close(resolve))
}
