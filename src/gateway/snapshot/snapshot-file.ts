import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Snapshot, snapshot } from '../../contracts/index.ts'
import type { Logger } from '../../kernel/index.ts'

/** Replaces the file as a whole (write, sync, rename), readable by its owner alone: it holds the MACs of keys. */
export async function saveSnapshot(path: string, value: Snapshot): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const next = `${path}.next`
  const file = await open(next, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(value))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(next, path)
}

/** The last snapshot, or undefined when there is none or it cannot be read; a bad file is logged, never served. */
export async function loadSnapshot(path: string, log: Logger): Promise<Snapshot | undefined> {
  try {
    return snapshot.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.error({ path, reason: String(error).slice(0, 500) }, 'stored snapshot not usable')
    return undefined
  }
}
