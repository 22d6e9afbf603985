import type { Readable } from 'node:stream'
import { CLIENT_FILE_PREFIX, type FilePurpose, uploadPurpose } from '../contracts/index.ts'
import { type Clock, newId, SlipwayError } from '../kernel/index.ts'
import type { BatchRepository, Store, StoredFile } from '../store/index.ts'
import { fileIdOf } from './answered.ts'
import type { BatchLimits } from './limits.ts'

export interface Upload {
  readonly tenant: string
  readonly filename: string
  readonly content: AsyncIterable<Uint8Array>
  /** Asked when the content is over: a form may say what it is for after the file itself. */
  readonly about: () => Promise<UploadWords>
}

/** What a client says of its file, checked but for the purpose. */
export interface UploadWords {
  readonly purpose: string
  /** Left out: inputs of batches live for 30 days, other files until they are deleted. */
  readonly expiresAfterSeconds: number | undefined
}

/** Files of clients: each is its tenant's, and of other tenants nobody learns even that it exists. */
export interface ClientFiles {
  /** Streams to disk. `file_invalid`, `body_too_large`, `file_quota_reached`, `overloaded`. */
  create(upload: Upload): Promise<StoredFile>
  /** `unknown_file`. */
  get(tenant: string, id: string): Promise<StoredFile>
  /** `unknown_file`. */
  content(tenant: string, id: string): Promise<{ file: StoredFile; stream: Readable }>
  list: Store['clientFiles']['list']
  /** `unknown_file`; `batch_conflict` while a batch reads it. */
  delete(tenant: string, id: string): Promise<void>
  /** Takes away what expired, and content that no row knows. */
  sweep(): Promise<void>
}

const BATCH_FILE_LIFE_SECONDS = 30 * 86_400
const MAX_FILENAME = 255
const SWEEP_ROWS = 200
/** An upload stands on disk before its row does; no upload takes so long. */
const ORPHAN_AFTER_MS = 3_600_000
const BUSY_RETRY_MS = 1000

export function createClientFiles(parts: {
  readonly store: Pick<Store, 'clientFiles' | 'blobs' | 'batches'>
  readonly clock: Clock
  readonly limits: BatchLimits
}): ClientFiles {
  const { clock, limits, store } = parts
  const { blobs, clientFiles } = store
  let uploads = 0

  const take = async (upload: Upload): Promise<StoredFile> => {
    const { about, content, tenant } = upload
    const filename = checkedName(upload.filename)
    const freeBytes = limits.quotaBytes - (await clientFiles.usedBytes(tenant))
    if (freeBytes <= 0)
      throw new SlipwayError('file_quota_reached', { tenant, quotaBytes: limits.quotaBytes })
    const id = newId(CLIENT_FILE_PREFIX, 24).replace('slw-', 'slw')
    const { bytes } = await blobs.put(id, content, limits.maxFileBytes)
    try {
      const words = await about()
      const purpose = checkedPurpose(words.purpose)
      const seconds = words.expiresAfterSeconds ?? (purpose === 'batch' ? BATCH_FILE_LIFE_SECONDS : undefined)
      const expiresAt = seconds === undefined ? null : clock.nowMs() + seconds * 1000
      return await clientFiles.create({ id, tenant, filename, purpose, bytes, expiresAt }, limits.quotaBytes)
    } catch (error) {
      await blobs.remove(id)
      throw error
    }
  }

  return {
    async create(upload) {
      if (uploads >= limits.maxUploads)
        throw new SlipwayError('overloaded', { what: 'The intake of files', retryAfterMs: BUSY_RETRY_MS })
      uploads++
      try {
        return await take(upload)
      } finally {
        uploads--
      }
    },
    get: (tenant, id) => clientFiles.get(tenant, id),
    async content(tenant, id) {
      const file = await clientFiles.get(tenant, id)
      return { file, stream: await blobs.read(id) }
    },
    list: clientFiles.list,
    async delete(tenant, id) {
      await clientFiles.get(tenant, id)
      const reader = (await store.batches.unfinished(limits.maxUnfinished)).find(
        ({ wish }) => wish.input_file_id === id,
      )
      if (reader !== undefined)
        throw new SlipwayError('batch_conflict', {
          batch: reader.id,
          status: reader.status,
          action: 'lose its input file',
        })
      await clientFiles.delete(tenant, id)
      await blobs.remove(id)
    },
    async sweep() {
      const inUse = await namesInUse(store.batches, limits.maxUnfinished)
      for (const { id, tenant } of await clientFiles.expired(SWEEP_ROWS)) {
        if (inUse.files.has(id)) continue
        await clientFiles.delete(tenant, id)
        await blobs.remove(id)
      }
      let old: string[] = []
      const removeUnknown = async () => {
        const known = await clientFiles.known(old)
        for (const name of old) {
          const isInUse =
            known.has(name) || inUse.files.has(name) || inUse.batches.has(name.split('.')[0] as string)
          if (!isInUse) await blobs.remove(name)
        }
        old = []
      }
      for await (const { changedAt, name } of blobs.list()) {
        if (changedAt > clock.nowMs() - ORPHAN_AFTER_MS) continue
        old.push(name)
        if (old.length >= SWEEP_ROWS) await removeUnknown()
      }
      await removeUnknown()
    },
  }
}

async function namesInUse(
  batches: BatchRepository,
  most: number,
): Promise<{ files: Set<string>; batches: Set<string> }> {
  const unfinished = await batches.unfinished(most)
  return {
    files: new Set(
      unfinished.flatMap(({ id, wish }) => [
        wish.input_file_id,
        fileIdOf(id, 'output'),
        fileIdOf(id, 'error'),
      ]),
    ),
    batches: new Set(unfinished.map(({ id }) => id)),
  }
}

function checkedPurpose(purpose: string): FilePurpose {
  const known = uploadPurpose.safeParse(purpose)
  if (!known.success)
    throw new SlipwayError('file_invalid', {
      reason: `its purpose is ${JSON.stringify(purpose.slice(0, 100))}; there are ${uploadPurpose.options.join(', ')}`,
    })
  return known.data
}

function checkedName(filename: string): string {
  if (filename === '' || filename.length > MAX_FILENAME)
    throw new SlipwayError('file_invalid', { reason: `its name must have 1 to ${MAX_FILENAME} characters` })
  return filename
}
