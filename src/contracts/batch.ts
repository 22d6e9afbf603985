import { z } from 'zod'
import { clientFileId, expiresAfter } from './client-file.ts'

export const batchId = z.string().regex(/^batch_[0-9a-z]{16,40}$/, 'A batch id looks like batch_7f3a….')

/** What lines of a batch may ask. */
export const batchEndpoint = z.enum([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/responses',
])
export type BatchEndpoint = z.infer<typeof batchEndpoint>

export const batchStatus = z.enum([
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
])
export type BatchStatus = z.infer<typeof batchStatus>

/** One hour to a week. OpenAI itself has `24h` only. */
export const completionWindow = z
  .string()
  .regex(/^([1-9]\d{0,2})h$/, 'completion_window is 24h, or another number of hours from 1h to 168h.')
  .refine((window) => Number.parseInt(window, 10) <= 168, 'completion_window is at most 168h.')

export const newBatch = z.object({
  input_file_id: clientFileId,
  endpoint: batchEndpoint,
  completion_window: completionWindow,
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'metadata has at most 16 pairs.')
    .nullish(),
  output_expires_after: expiresAfter.optional(),
})
export type NewBatch = z.infer<typeof newBatch>

/** What was wrong with the input; `line` counts from 1. */
export const batchError = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  line: z.number().int().nullable(),
})
export type BatchError = z.infer<typeof batchError>

export const batchUsage = z.object({
  input_tokens: z.number().int(),
  input_tokens_details: z.object({ cached_tokens: z.number().int() }),
  output_tokens: z.number().int(),
  output_tokens_details: z.object({ reasoning_tokens: z.number().int() }),
  total_tokens: z.number().int(),
})
export type BatchUsage = z.infer<typeof batchUsage>

const seconds = z.number().int().nullable()

/** OpenAI's batch object; times in seconds since the epoch. */
export const batch = z.object({
  id: batchId,
  object: z.literal('batch'),
  endpoint: batchEndpoint,
  model: z.string().nullable(),
  errors: z.object({ object: z.literal('list'), data: z.array(batchError) }).nullable(),
  input_file_id: clientFileId,
  completion_window: z.string(),
  status: batchStatus,
  output_file_id: clientFileId.nullable(),
  error_file_id: clientFileId.nullable(),
  created_at: z.number().int(),
  in_progress_at: seconds,
  expires_at: seconds,
  finalizing_at: seconds,
  completed_at: seconds,
  failed_at: seconds,
  expired_at: seconds,
  cancelling_at: seconds,
  cancelled_at: seconds,
  request_counts: z.object({
    total: z.number().int(),
    completed: z.number().int(),
    failed: z.number().int(),
  }),
  usage: batchUsage.nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
})
export type Batch = z.infer<typeof batch>
