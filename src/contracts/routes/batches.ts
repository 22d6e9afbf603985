import { z } from 'zod'
import { batch, batchId, newBatch } from '../batch.ts'
import { clientFile, clientFileId, deletedFile, filePurpose } from '../client-file.ts'
import { route } from '../route.ts'

const byFile = z.object({ file: clientFileId })
const byBatch = z.object({ batch: batchId })

/** OpenAI's lists: `after` is the last id of the page before. */
const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })

/** Raw bodies say what multipart forms say in their fields. */
const uploadQuery = z.object({ purpose: z.string().optional(), filename: z.string().optional() })
const filesQuery = z.object({
  purpose: filePurpose.optional(),
  after: clientFileId.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  order: z.enum(['asc', 'desc']).default('desc'),
})
const batchesQuery = z.object({
  after: batchId.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

const files = '/api/v1/files'
const batches = '/api/v1/batches'
const control = { listener: 'control', access: 'predict' } as const
const gateway = { listener: 'gateway', access: 'predict' } as const

/** Files of clients and batches of requests over them, kept by control. */
export const batchRoutes = {
  createFile: route({
    ...control,
    method: 'POST',
    path: files,
    summary:
      'Store a file: multipart/form-data as OpenAI has it, or the content with `purpose` and `filename`.',
    query: uploadQuery,
    body: 'bytes',
    answer: clientFile,
  }),
  listFiles: route({
    ...control,
    method: 'GET',
    path: files,
    summary: "Files of the key's tenant.",
    query: filesQuery,
    answer: listOf(clientFile),
  }),
  getFile: route({
    ...control,
    method: 'GET',
    path: `${files}/{file}`,
    summary: 'What is known of a file.',
    params: byFile,
    answer: clientFile,
  }),
  getFileContent: route({
    ...control,
    method: 'GET',
    path: `${files}/{file}/content`,
    summary: 'The content of a file.',
    params: byFile,
    answer: 'bytes',
  }),
  deleteFile: route({
    ...control,
    method: 'DELETE',
    path: `${files}/{file}`,
    summary: 'Forget a file and its content.',
    params: byFile,
    answer: deletedFile,
  }),
  createBatch: route({
    ...control,
    method: 'POST',
    path: batches,
    summary: 'Answer every request of a file within a window.',
    body: newBatch,
    answer: batch,
  }),
  listBatches: route({
    ...control,
    method: 'GET',
    path: batches,
    summary: "Batches of the key's tenant, newest first.",
    query: batchesQuery,
    answer: listOf(batch),
  }),
  getBatch: route({
    ...control,
    method: 'GET',
    path: `${batches}/{batch}`,
    summary: 'How far a batch is.',
    params: byBatch,
    answer: batch,
  }),
  cancelBatch: route({
    ...control,
    method: 'POST',
    path: `${batches}/{batch}/cancel`,
    summary: 'Send no more lines of a batch; what was answered stays.',
    params: byBatch,
    answer: batch,
  }),

  // The same where clients of OpenAI look for it; the gateway hands them on to control.
  filesCreate: route({
    ...gateway,
    method: 'POST',
    path: '/v1/files',
    summary: 'OpenAI: store a file.',
    body: 'bytes',
    answer: clientFile,
  }),
  filesList: route({
    ...gateway,
    method: 'GET',
    path: '/v1/files',
    summary: 'OpenAI: list files.',
    query: filesQuery,
    answer: listOf(clientFile),
  }),
  filesRetrieve: route({
    ...gateway,
    method: 'GET',
    path: '/v1/files/{file}',
    summary: 'OpenAI: one file.',
    params: byFile,
    answer: clientFile,
  }),
  filesContent: route({
    ...gateway,
    method: 'GET',
    path: '/v1/files/{file}/content',
    summary: 'OpenAI: the content of a file.',
    params: byFile,
    answer: 'bytes',
  }),
  filesDelete: route({
    ...gateway,
    method: 'DELETE',
    path: '/v1/files/{file}',
    summary: 'OpenAI: delete a file.',
    params: byFile,
    answer: deletedFile,
  }),
  batchesCreate: route({
    ...gateway,
    method: 'POST',
    path: '/v1/batches',
    summary: 'OpenAI: create a batch.',
    body: newBatch,
    answer: batch,
  }),
  batchesList: route({
    ...gateway,
    method: 'GET',
    path: '/v1/batches',
    summary: 'OpenAI: list batches.',
    query: batchesQuery,
    answer: listOf(batch),
  }),
  batchesRetrieve: route({
    ...gateway,
    method: 'GET',
    path: '/v1/batches/{batch}',
    summary: 'OpenAI: one batch.',
    params: byBatch,
    answer: batch,
  }),
  batchesCancel: route({
    ...gateway,
    method: 'POST',
    path: '/v1/batches/{batch}/cancel',
    summary: 'OpenAI: cancel a batch.',
    params: byBatch,
    answer: batch,
  }),
}
