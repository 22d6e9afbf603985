import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError } from '../kernel/index.ts'

interface Holder {
  readonly pid: number
  /** Start time of the process in the kernel's ticks, where `/proc` tells: a pid may have been given anew. */
  readonly startedTicks: string | null
}

/**
 * Lets one process at a time use a folder. The lock is a file with the holder's pid, put there whole by a hard link.
 * One that a dead process left is taken over. Returns its undo; throws `store_locked`.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'lock')
  const own = `${path}.${process.pid}-${randomBytes(6).toString('hex')}`
  const me: Holder = { pid: process.pid, startedTicks: await startedTicks(process.pid) }
  const text = JSON.stringify(me)
  await writeFile(own, text)
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await placed(own, path)) return () => rm(path, { force: true })
      await clearIfDead(path, folder)
    }
    throw new SlipwayError('store_locked', { folder, pid: 'unknown' })
  } finally {
    await rm(own, { force: true })
  }
}

/** Each attempt that fails means that another process took the lock in between. */
const ATTEMPTS = 5

async function placed(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function clearIfDead(path: string, folder: string): Promise<void> {
  const seen = await readFile(path, 'utf8').catch(() => undefined)
  if (seen === undefined) return
  const holder = parseHolder(seen)
  if (holder !== undefined && (await isAlive(holder)))
    throw new SlipwayError('store_locked', { folder, pid: holder.pid })
  const aside = `${path}.dead-${randomBytes(6).toString('hex')}`
  await rename(path, aside).catch(() => undefined)
  // Somebody else may have taken over between reading and moving: then theirs goes back.
  const moved = await readFile(aside, 'utf8').catch(() => undefined)
  if (moved !== undefined && moved !== seen) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>
    return typeof value.pid === 'number'
      ? { pid: value.pid, startedTicks: value.startedTicks ?? null }
      : undefined
  } catch {
    return undefined
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it lives, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  const ticks = await startedTicks(holder.pid)
  return holder.startedTicks === null || ticks === null || ticks === holder.startedTicks
}

/** Field 22 of /proc/<pid>/stat, counted after the name, which may hold spaces (proc(5)). */
async function startedTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return null
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
