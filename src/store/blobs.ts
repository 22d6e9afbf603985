import { createReadStream } from 'node:fs'
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError } from '../kernel/index.ts'
import type { BlobFolder } from './batch-store.ts'
import { openJournal } from './journal.ts'
import { asFullDisk } from './store-error.ts'

/** How much of a blob is in memory while it is read. */
const READ_BYTES = 64 * 1024

/**
 * Blobs lie under their name, which is an id of ours and never a client's text. A blob is written under a temporary
 * name, synced, then renamed, so that a name stands on whole content only; what a kill left half-written is taken away
 * at the next start.
 */
export async function blobFolder(folder: string): Promise<BlobFolder> {
  await mkdir(folder, { recursive: true })
  for await (const { name } of await opendir(folder))
    if (name.endsWith(TEMPORARY)) await rm(join(folder, name), { force: true })
  const pathOf = (name: string) => {
    if (!/^[a-z0-9][a-z0-9._-]{0,100}$/.test(name)) throw new TypeError(`${name} is no name of a blob`)
    return join(folder, name)
  }

  return {
    put: async (name, content, limitBytes) => {
      const path = pathOf(name)
      const temporary = `${path}${TEMPORARY}`
      try {
        const bytes = await writeDurably(temporary, content, limitBytes)
        await rename(temporary, path)
        await syncFolder(folder)
        return { bytes }
      } catch (error) {
        throw asFullDisk(error)
      } finally {
        await rm(temporary, { force: true })
      }
    },

    read: async (name) => {
      const path = pathOf(name)
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) throw new SlipwayError('unknown_file', { file: name })
      return createReadStream(path, { highWaterMark: READ_BYTES })
    },

    remove: (name) => rm(pathOf(name), { force: true }),

    async *list() {
      for await (const { name } of await opendir(folder)) {
        if (name.endsWith(TEMPORARY)) continue
        const found = await stat(join(folder, name)).catch(() => undefined)
        if (found !== undefined) yield { name, changedAt: found.mtimeMs }
      }
    },

    openJournal: async (name) => {
      const journal = await openJournal(pathOf(name))
      await syncFolder(folder)
      return journal
    },
  }
}

const TEMPORARY = '.incoming'

async function writeDurably(
  path: string,
  content: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<number> {
  let bytes = 0
  const file = await open(path, 'w', 0o600)
  try {
    for await (const chunk of content) {
      bytes += chunk.byteLength
      if (bytes > limitBytes) throw new SlipwayError('body_too_large', { limitBytes })
      await file.writeFile(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return bytes
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
