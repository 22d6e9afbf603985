import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError } from '../kernel/index.ts'

interface Holder {
  readonly pid: number
  /** Start time of the process in the kernel's ticks, where `/proc` tells: a pid may have been given anew. */
  readonly startedTicks: string | null
}

/**
 * Lets one process at a time use a folder. The lock is the file `lock.<n>` with the highest n, holding its owner's pid.
 * Whoever finds that owner dead, or the lock given back, puts `lock.<n + 1>` there whole by a hard link, which succeeds
 * for one only. Numbers never come again, so that somebody who looked long ago cannot take what was taken since; that is
 * why a lock that is given back stays as an empty file. Returns its undo; throws `store_locked`.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true })
  const own = join(folder, `lock-wish-${process.pid}-${randomBytes(6).toString('hex')}`)
  const me: Holder = { pid: process.pid, startedTicks: await startedTicks(process.pid) }
  try {
    await writeFile(own, JSON.stringify(me))
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const newest = await newestLock(folder)
      await refuseWhileHeld(folder, newest)
      const mine = newest + 1
      if (!(await placed(own, lockPath(folder, mine)))) continue
      // A late one may have linked a number whose file was cleared away meanwhile: a higher one holds, not this.
      if ((await newestLock(folder)) !== mine) {
        await rm(lockPath(folder, mine), { force: true })
        continue
      }
      await clearBelow(folder, mine)
      return () => writeFile(lockPath(folder, mine), GIVEN_BACK)
    }
    throw new SlipwayError('store_locked', { folder, pid: 'unknown' })
  } finally {
    await rm(own, { force: true })
  }
}

/** Each attempt that fails means that another process took the lock in between. */
const ATTEMPTS = 5
const GIVEN_BACK = ''
const NAME = /^lock\.(\d{1,15})$/

function lockPath(folder: string, number: number): string {
  return join(folder, `lock.${number}`)
}

async function lockNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number)
}

async function newestLock(folder: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(folder)))
}

async function clearBelow(folder: string, number: number): Promise<void> {
  for (const older of await lockNumbers(folder))
    if (older < number) await rm(lockPath(folder, older), { force: true })
}

async function placed(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function refuseWhileHeld(folder: string, number: number): Promise<void> {
  const text = await readFile(lockPath(folder, number), 'utf8').catch(() => GIVEN_BACK)
  const holder = parseHolder(text)
  if (holder !== undefined && (await isAlive(holder)))
    throw new SlipwayError('store_locked', { folder, pid: holder.pid })
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
