/** Every bound of files and batches, in one place. */
export interface BatchLimits {
  readonly maxFileBytes: number
  /** What the files of one tenant may hold together; output files count, but are never refused. */
  readonly quotaBytes: number
  /** Uploads at the same time, of all tenants. */
  readonly maxUploads: number
  readonly maxLines: number
  /** A line of an input; longer ones fail the validation. */
  readonly maxLineBytes: number
  /** An answer that is written into an output file; a longer one fails its line. */
  readonly maxAnswerBytes: number
  /** Errors of an input that are told; looking ends with the last one. */
  readonly maxErrors: number
  /** Batches that run at the same time; the others wait, oldest first. */
  readonly batchesAtOnce: number
  /** Lines of one batch that are in work at the same time. */
  readonly linesAtOnce: number
  /** And what they hold together; one line is always let through. */
  readonly maxBytesInWork: number
  readonly maxUnfinished: number
  /** Tries of a line whose answers were failures that may be bad luck (5xx, a broken connection). */
  readonly maxTries: number
  /** How long lines that were sent may still take when the batch is cancelled. */
  readonly cancelGraceMs: number
  readonly sweepMs: number
}

export const defaultBatchLimits: BatchLimits = {
  // OpenAI's bounds for inputs of batches.
  maxFileBytes: 200_000_000,
  maxLines: 50_000,
  quotaBytes: 5_000_000_000,
  maxUploads: 8,
  maxLineBytes: 8 * 1024 * 1024,
  maxAnswerBytes: 8 * 1024 * 1024,
  maxErrors: 100,
  batchesAtOnce: 4,
  linesAtOnce: 8,
  maxBytesInWork: 32 * 1024 * 1024,
  maxUnfinished: 1000,
  maxTries: 5,
  cancelGraceMs: 60_000,
  sweepMs: 30_000,
}
