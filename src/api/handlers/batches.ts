import type { z } from 'zod'
import type { batch, clientFile } from '../../contracts/index.ts'
import type { StoredBatch, StoredFile } from '../../store/index.ts'
import type { ApiParts, Handlers } from '../parts.ts'
import { readUpload } from '../upload.ts'

type FileObject = z.input<typeof clientFile>
type BatchObject = z.input<typeof batch>

/** Files and batches, as OpenAI's clients read them. */
export function batchHandlers({
  batches: { desk, files },
}: ApiParts): Handlers<
  | 'createFile'
  | 'listFiles'
  | 'getFile'
  | 'getFileContent'
  | 'deleteFile'
  | 'createBatch'
  | 'listBatches'
  | 'getBatch'
  | 'cancelBatch'
> {
  return {
    async createFile({ body, caller, headers, query }) {
      const file = await readUpload(body, headers['content-type'], query, (upload) =>
        files.create({ ...upload, tenant: caller.tenant }),
      )
      return fileObject(file)
    },
    async listFiles({ caller, query }) {
      const { hasMore, items } = await files.list(caller.tenant, query)
      return listOf(items.map(fileObject), hasMore)
    },
    async getFile({ caller, params }) {
      return fileObject(await files.get(caller.tenant, params.file))
    },
    async getFileContent({ caller, params, reply }) {
      const { file, stream } = await files.content(caller.tenant, params.file)
      reply.header('content-type', 'application/octet-stream')
      reply.header('content-length', String(file.bytes))
      reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`)
      return stream
    },
    async deleteFile({ caller, params }) {
      await files.delete(caller.tenant, params.file)
      return { id: params.file, object: 'file', deleted: true }
    },
    async createBatch({ body, caller }) {
      return batchObject(await desk.create({ tenant: caller.tenant, key: caller.publicId }, body))
    },
    async listBatches({ caller, query }) {
      const { hasMore, items } = await desk.list(caller.tenant, query)
      return listOf(items.map(batchObject), hasMore)
    },
    async getBatch({ caller, params }) {
      return batchObject(await desk.get(caller.tenant, params.batch))
    },
    async cancelBatch({ caller, params }) {
      return batchObject(await desk.cancel(caller.tenant, params.batch))
    },
  }
}

function listOf<T extends { id: string }>(data: T[], hasMore: boolean) {
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  }
}

function fileObject({ bytes, createdAt, expiresAt, filename, id, purpose }: StoredFile): FileObject {
  return {
    id,
    object: 'file',
    bytes,
    created_at: Math.floor(createdAt / 1000),
    ...(expiresAt === null ? {} : { expires_at: Math.floor(expiresAt / 1000) }),
    filename,
    purpose,
    status: 'processed',
  }
}

function batchObject({ counts, id, outcome, status, times, wish }: StoredBatch): BatchObject {
  const at = (ms: number | undefined) => (ms === undefined ? null : Math.floor(ms / 1000))
  return {
    id,
    object: 'batch',
    endpoint: wish.endpoint,
    model: outcome.model ?? null,
    errors: outcome.errors === undefined ? null : { object: 'list', data: [...outcome.errors] },
    input_file_id: wish.input_file_id,
    completion_window: wish.completion_window,
    status,
    output_file_id: outcome.outputFileId ?? null,
    error_file_id: outcome.errorFileId ?? null,
    created_at: at(times.created) ?? 0,
    in_progress_at: at(times.in_progress),
    expires_at: at(times.expires),
    finalizing_at: at(times.finalizing),
    completed_at: at(times.completed),
    failed_at: at(times.failed),
    expired_at: at(times.expired),
    cancelling_at: at(times.cancelling),
    cancelled_at: at(times.cancelled),
    request_counts: { ...counts },
    usage: outcome.usage ?? null,
    metadata: wish.metadata ?? null,
  }
}
