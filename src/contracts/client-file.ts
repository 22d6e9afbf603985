import { z } from 'zod'

/** `file-slw…`: never one that a provider hands out, so that a request tells ours from theirs. */
export const CLIENT_FILE_PREFIX = 'file-slw'
export const clientFileId = z
  .string()
  .regex(/^file-slw[0-9a-z]{16,40}$/, 'A file id looks like file-slw7f3a….')

/** What clients may upload for; `batch_output` is written by batches only. */
export const uploadPurpose = z.enum(['batch', 'user_data', 'vision', 'assistants'])
export const filePurpose = z.enum([...uploadPurpose.options, 'batch_output'])
export type FilePurpose = z.infer<typeof filePurpose>

export const MIN_FILE_LIFE_SECONDS = 3600
export const MAX_FILE_LIFE_SECONDS = 2_592_000

/** Counted from the making of the file, as OpenAI has it. */
export const expiresAfter = z.object({
  anchor: z.literal('created_at'),
  seconds: z.coerce.number().int().min(MIN_FILE_LIFE_SECONDS).max(MAX_FILE_LIFE_SECONDS),
})

/** OpenAI's file object; times in seconds since the epoch. */
export const clientFile = z.object({
  id: clientFileId,
  object: z.literal('file'),
  bytes: z.number().int(),
  created_at: z.number().int(),
  expires_at: z.number().int().optional(),
  filename: z.string(),
  purpose: filePurpose,
  status: z.literal('processed'),
})

export const deletedFile = z.object({ id: clientFileId, object: z.literal('file'), deleted: z.literal(true) })
