import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Clock, Logger } from '../kernel/index.ts'

/** A process that shall run until told otherwise. */
export interface Ward {
  readonly name: string
  readonly entry: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly logFile: string
}

const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 15_000
/** A process that lived so long has started well; its next end is not part of a crash loop. */
const SETTLED_MS = 30_000

/**
 * Keeps one process running: restarts it when it ends, sooner or later by how often it did. Only `stop` ends it:
 * SIGTERM, then SIGKILL when `graceMs` have passed.
 */
export interface Supervisor {
  start(ward: Ward): void
  stop(name: string, graceMs: number): Promise<void>
  isRunning(name: string): boolean
}

export function createSupervisor(clock: Clock, logger: Logger): Supervisor {
  const wards = new Map<
    string,
    { ward: Ward; child: ChildProcess | undefined; stopping: boolean; timer: NodeJS.Timeout | undefined }
  >()

  function launch(name: string, backoffMs: number): void {
    const held = wards.get(name)
    if (held === undefined || held.stopping) return
    const startedMs = clock.monotonicMs()
    const log = openSync(held.ward.logFile, 'a')
    const child = spawn(process.execPath, [held.ward.entry, ...held.ward.args], {
      env: { ...process.env, ...held.ward.environment },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    held.child = child
    logger.info({ ward: name, pid: child.pid }, 'process started')
    child.once('error', (error) => logger.error({ ward: name, err: error }, 'process could not be started'))
    child.once('exit', (code, signal) => {
      held.child = undefined
      if (held.stopping) return
      const lived = clock.monotonicMs() - startedMs
      const waitMs = lived > SETTLED_MS ? FIRST_BACKOFF_MS : backoffMs
      logger.warn(
        { ward: name, code, signal, livedMs: Math.round(lived), waitMs },
        'process ended, will be restarted',
      )
      held.timer = setTimeout(() => launch(name, Math.min(waitMs * 2, LONGEST_BACKOFF_MS)), waitMs)
    })
  }

  return {
    start(ward) {
      if (wards.has(ward.name)) return
      wards.set(ward.name, { ward, child: undefined, stopping: false, timer: undefined })
      launch(ward.name, FIRST_BACKOFF_MS)
    },
    async stop(name, graceMs) {
      const held = wards.get(name)
      if (held === undefined) return
      held.stopping = true
      clearTimeout(held.timer)
      wards.delete(name)
      const child = held.child
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(killer)
    },
    isRunning: (name) => wards.get(name)?.child !== undefined,
  }
}
