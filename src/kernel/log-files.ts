import {
  appendFileSync,
  fstatSync,
  ftruncateSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { copyFile, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/**
 * Log files of processes that write to a descriptor which they inherited: what they log, and what Node and native code
 * say when they die. So the file cannot be exchanged under them; it is copied and cut instead, which is safe since it is
 * opened for appending. A process has `<name>.log` and, older, `.log.1` and `.log.2`.
 *
 * Not taken: rolling inside the logger (`pino-roll`). It works in a thread of its own in each process, loses what that
 * thread has not written when the process dies, and does not see what comes from elsewhere than the logger.
 */
const LONGEST_BYTES = 10 * 2 ** 20
const OLDER = ['.2', '.1']
const LOOK_EVERY_MS = 5_000
/** Somebody who writes faster than this reads cannot be caught up with. */
const MOST_TURNS = 100

/** Looks after the files `*.log` of a folder that are ours until it is closed. */
export function keepLogsShort(parts: {
  folder: string
  isOurs: (name: string) => boolean
  clock: Clock
  logger: Logger
  longestBytes?: number
  lookEveryMs?: number
}): { close(): void } {
  const { folder, isOurs, clock, logger, lookEveryMs = LOOK_EVERY_MS } = parts
  const stop = new AbortController()
  const keep = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(lookEveryMs, stop.signal).catch(() => undefined)
      for (const name of stop.signal.aborted ? [] : logNames(folder).filter(isOurs))
        await rotateLog(join(folder, name), parts.longestBytes).catch((error: unknown) =>
          logger.warn({ err: error, log: name }, 'log was not rotated and grows'),
        )
    }
  }
  void keep()
  return { close: () => stop.abort() }
}

/** Moves what the log holds to `.1`, and `.1` to `.2`, when it is too long. Lines written within microseconds may be lost. */
export async function rotateLog(path: string, longestBytes = LONGEST_BYTES): Promise<void> {
  const file = await open(path, 'r+')
  try {
    if ((await file.stat()).size <= longestBytes) return
    await rename(`${path}.1`, `${path}.2`).catch(() => undefined)
    try {
      await copyFile(path, `${path}.part`)
      await rename(`${path}.part`, `${path}.1`)
    } finally {
      // Half a copy, where the disk is full.
      await rm(`${path}.part`, { force: true })
    }
    cutAfterCopying(file.fd, `${path}.1`)
  } finally {
    await file.close()
  }
}

/** The last lines of a log, from its older files too where it is shorter; empty when there is none. */
export function lastLines(path: string, count: number): string[] {
  let lines: string[] = []
  for (const suffix of ['', ...OLDER.toReversed()]) {
    if (lines.length >= count) break
    lines = [...linesOf(`${path}${suffix}`), ...lines]
  }
  return count <= 0 ? [] : lines.slice(-count)
}

/** The log and its older files, whichever there are. */
export function logFilesOf(path: string): string[] {
  return ['', ...OLDER, '.part'].map((suffix) => `${path}${suffix}`)
}

/** What came while it was copied goes behind the copy; then, in the same turn, the log is cut. */
function cutAfterCopying(log: number, copy: string): void {
  let copiedBytes = statSync(copy).size
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const rest = Buffer.alloc(Math.max(0, fstatSync(log).size - copiedBytes))
    if (rest.length === 0) break
    copiedBytes += readSync(log, rest, 0, rest.length, copiedBytes)
    appendFileSync(copy, rest)
  }
  ftruncateSync(log, 0)
}

function linesOf(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8').trimEnd()
    return text === '' ? [] : text.split('\n')
  } catch {
    return []
  }
}

function logNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.log'))
  } catch {
    return []
  }
}
