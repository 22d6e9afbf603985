import { statfsSync } from 'node:fs'
import { SlipwayError } from '../kernel/index.ts'

/**
 * Keeps the embedded store from running its disk full. A missing page of a table is an error like any other, but where
 * there is no room for the next segment of the write-ahead log (16 MiB), PostgreSQL gives up by PANIC, and PGlite 0.5,
 * which is in this process, then spins for ever: nothing of control answers any more, not even a timer. So it is never
 * asked to write with less than some segments of room, nor to read (which writes a little too) with less than one.
 */
export interface DiskRoom {
  /** Both throw `store_unavailable`. */
  requireToWrite(): void
  requireToRead(): void
}

const MIB = 2 ** 20
/** The largest transaction is a batch of telemetry: 10,000 records of 2 KB or so, once in the table, once in the log. */
const WRITES_BELOW_BYTES = 64 * MIB
const READS_BELOW_BYTES = 24 * MIB

/** Asks the file system each time: 2 µs, and what fills a disk fills it quickly. */
export function diskRoomOf(folder: string): DiskRoom {
  const require = (leastBytes: number) => {
    const { bavail, bsize } = statfsSync(folder)
    const freeBytes = bavail * bsize
    if (freeBytes >= leastBytes) return
    const [free, least] = [freeBytes, leastBytes].map((bytes) => Math.floor(bytes / MIB))
    throw new SlipwayError('store_unavailable', {
      reason: `the disk of ${folder} is full: ${free} MiB are left, and the embedded store wants ${least}`,
    })
  }
  return {
    requireToWrite: () => require(WRITES_BELOW_BYTES),
    requireToRead: () => require(READS_BELOW_BYTES),
  }
}

/** In memory. */
export const unlimitedRoom: DiskRoom = { requireToWrite: () => undefined, requireToRead: () => undefined }
