import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type ArtifactRef, type VersionSpec, versionFiles } from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'

/**
 * The files of a version by their place in its spec, those that the spec names checked against their digests. Throws
 * `artifact_missing` or `artifact_digest_mismatch`.
 */
export async function checkedFiles(
  spec: VersionSpec,
  files: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  for (const [place, wanted] of versionFiles(spec)) await checkDigest(files[place], wanted)
  return new Map(Object.entries(files))
}

async function checkDigest(path: string | undefined, wanted: ArtifactRef): Promise<void> {
  if (path === undefined) throw new SlipwayError('artifact_missing', { digest: wanted.digest })
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
