import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** sockaddr_un holds 108 bytes with its end mark (unix(7)), 104 on macOS. */
const LONGEST_SOCKET_PATH_BYTES = 100

/**
 * Where a replica listens: in its folder, or, where that path would be too long for a socket, in `shortFolder`, which
 * nobody else may enter.
 */
export function socketPathOf(runFolder: string, replicaId: string, shortFolder: string): string {
  const near = join(runFolder, 'link.sock')
  if (Buffer.byteLength(near) <= LONGEST_SOCKET_PATH_BYTES) return near
  // Two installations may share the short folder, and replica ids are only told apart inside one.
  const mark = createHash('sha256').update(runFolder).digest('hex').slice(0, 12)
  ownFolder(shortFolder)
  return join(shortFolder, `${replicaId}-${mark}.sock`)
}

/** A folder that somebody else put there under our name is not used. */
function ownFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid()))
    throw new Error(`${folder} belongs to somebody else`)
  chmodSync(folder, 0o700)
}
