import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, copyFile, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import type { Digest } from '../contracts/index.ts'
import { digestOfBytes, SlipwayError } from '../kernel/index.ts'
import type { ArtifactStore } from './store.ts'
import { asFullDisk } from './store-error.ts'

/** 2 GiB: beyond it a file belongs into an object store. */
const DEFAULT_LIMIT_BYTES = 2 * 1024 ** 3

/**
 * Files named by their SHA-256: `<folder>/ab/abcdef…`. A file is written under a temporary name, synced, then renamed
 * together with its folder's entry, so that a name stands only on whole content; two writers of the same content both
 * succeed. `named/` holds hard links that carry the extension which loaders look at.
 */
export function artifactStore(folder: string): ArtifactStore {
  const pathOf = (digest: Digest) => join(folder, hexOf(digest).slice(0, 2), hexOf(digest))

  return {
    put: async (digest, content, limitBytes = DEFAULT_LIMIT_BYTES) => {
      const path = pathOf(digest)
      await mkdir(dirname(path), { recursive: true })
      const temporary = join(folder, `.incoming-${process.pid}-${randomBytes(8).toString('hex')}`)
      try {
        const written = await writeDurably(temporary, content, limitBytes)
        if (written.digest !== digest)
          throw new SlipwayError('artifact_digest_mismatch', { actual: written.digest, expected: digest })
        await rename(temporary, path)
        await syncFolder(dirname(path))
        return written
      } catch (error) {
        throw asFullDisk(error)
      } finally {
        await rm(temporary, { force: true })
      }
    },

    read: async (digest) => {
      const content = await readFile(pathOf(digest)).catch((error: unknown) => {
        throw isMissing(error) ? new SlipwayError('artifact_missing', { digest }) : error
      })
      const actual = digestOfBytes(content)
      if (actual !== digest) throw new SlipwayError('artifact_digest_mismatch', { actual, expected: digest })
      return content
    },

    has: (digest) => exists(pathOf(digest)),

    materialise: async (digest, name) => {
      const source = pathOf(digest)
      if (!(await exists(source))) throw new SlipwayError('artifact_missing', { digest })
      await requireDigest(source, digest)
      const extension = /^\.[A-Za-z0-9]{1,16}$/.exec(extname(name))?.[0] ?? ''
      const target = join(folder, 'named', `${hexOf(digest)}${extension}`)
      await mkdir(dirname(target), { recursive: true })
      if (await isSameFile(source, target)) return target
      await placeAt(source, target)
      return target
    },
  }
}

function hexOf(digest: Digest): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1]
  if (hex === undefined)
    throw new SlipwayError('invalid_request', {
      reason: `"${digest}" is not a digest: sha256: and 64 hex digits.`,
    })
  return hex
}

async function writeDurably(
  path: string,
  content: AsyncIterable<Uint8Array> | Uint8Array,
  limitBytes: number,
): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx', 0o644)
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      bytes += chunk.byteLength
      if (bytes > limitBytes) throw new SlipwayError('body_too_large', { limitBytes })
      hash.update(chunk)
      await file.writeFile(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function requireDigest(path: string, digest: Digest): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  const actual = `sha256:${hash.digest('hex')}`
  if (actual !== digest) throw new SlipwayError('artifact_digest_mismatch', { actual, expected: digest })
}

/** A hard link where the file system has them, else a copy; under a temporary name first, as others may do the same. */
async function placeAt(source: string, target: string): Promise<void> {
  const temporary = `${target}.${process.pid}-${randomBytes(8).toString('hex')}`
  try {
    await link(source, temporary).catch(() => copyFile(source, temporary))
    await rename(temporary, target)
  } finally {
    // Renaming one name of a file onto another of the same file leaves both (POSIX rename).
    await rm(temporary, { force: true })
  }
}

async function isSameFile(left: string, right: string): Promise<boolean> {
  const [leftStat, rightStat] = await Promise.all([
    stat(left).catch(() => undefined),
    stat(right).catch(() => undefined),
  ])
  return (
    leftStat !== undefined &&
    rightStat !== undefined &&
    leftStat.ino === rightStat.ino &&
    leftStat.dev === rightStat.dev
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
