import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { ArtifactRef } from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'

/** Throws `artifact_missing` or `artifact_digest_mismatch`; nothing to check is fine. */
export async function checkDigest(path: string | null, wanted: ArtifactRef | undefined): Promise<void> {
  if (path === null || wanted === undefined) return
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (cause) {
    throw new SlipwayError('artifact_missing', { digest: wanted.digest }, { cause })
  }
  const actual = `sha256:${hash.digest('hex')}`
  if (actual !== wanted.digest) {
    throw new SlipwayError('artifact_digest_mismatch', { actual, expected: wanted.digest })
  }
}
