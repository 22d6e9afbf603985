import type { Readable } from 'node:stream'
import type { BatchError, BatchStatus, BatchUsage, FilePurpose, NewBatch } from '../contracts/index.ts'

/** A file that a client uploaded, or a batch wrote for it; its content is the blob of the same name. */
export interface StoredFile {
  readonly id: string
  readonly tenant: string
  readonly filename: string
  readonly purpose: FilePurpose
  readonly bytes: number
  readonly createdAt: number
  readonly expiresAt: number | null
}

export interface ClientFileRepository {
  /**
   * `file_quota_reached` when the tenant's files would hold more than `quotaBytes` together; null: no bound. A file of
   * that id again changes nothing.
   */
  create(file: Omit<StoredFile, 'createdAt'>, quotaBytes: number | null): Promise<StoredFile>
  /** `unknown_file`, for another tenant's and an expired one too. */
  get(tenant: string, id: string): Promise<StoredFile>
  /** In the order of their making; `after` is an id of this tenant. Never expired ones. `unknown_file`. */
  list(
    tenant: string,
    query: {
      purpose?: FilePurpose | undefined
      after?: string | undefined
      limit: number
      order: 'asc' | 'desc'
    },
  ): Promise<{ items: StoredFile[]; hasMore: boolean }>
  /** `unknown_file`. The blob is the caller's to remove, after this. */
  delete(tenant: string, id: string): Promise<void>
  usedBytes(tenant: string): Promise<number>
  /** Those whose time has come, of all tenants. */
  expired(limit: number): Promise<StoredFile[]>
  /** Which of these ids are of files. */
  known(ids: readonly string[]): Promise<Set<string>>
}

/** Milliseconds since the epoch, by OpenAI's names without `_at`. */
export type BatchTimes = Partial<
  Record<
    | 'created'
    | 'in_progress'
    | 'expires'
    | 'finalizing'
    | 'completed'
    | 'failed'
    | 'expired'
    | 'cancelling'
    | 'cancelled',
    number
  >
>

/** What becomes known of a batch on its way. */
export interface BatchOutcome {
  readonly model?: string
  readonly errors?: readonly BatchError[]
  readonly outputFileId?: string
  readonly errorFileId?: string
  readonly usage?: BatchUsage
  /** What it comes to once it is finalised. */
  readonly end?: 'completed' | 'expired' | 'cancelled'
}

export interface BatchCounts {
  readonly total: number
  readonly completed: number
  readonly failed: number
}

export interface StoredBatch {
  readonly id: string
  readonly tenant: string
  /** Public id of the key that made it; its lines are asked as that key. */
  readonly key: string
  readonly status: BatchStatus
  readonly wish: NewBatch
  readonly times: BatchTimes
  readonly counts: BatchCounts
  readonly outcome: BatchOutcome
}

export interface BatchRepository {
  create(batch: Omit<StoredBatch, 'counts' | 'outcome'>): Promise<StoredBatch>
  /** `unknown_batch`, for another tenant's too. */
  get(tenant: string, id: string): Promise<StoredBatch>
  find(id: string): Promise<StoredBatch | undefined>
  /** Newest first; `after` is an id of this tenant. `unknown_batch`. */
  list(
    tenant: string,
    query: { after?: string | undefined; limit: number },
  ): Promise<{ items: StoredBatch[]; hasMore: boolean }>
  /** Oldest first. */
  unfinished(limit: number): Promise<StoredBatch[]>
  /** Adds to times and outcome and replaces the rest, if its status is one of `from` then; else undefined. */
  update(
    id: string,
    from: readonly BatchStatus[],
    patch: { status?: BatchStatus; times?: BatchTimes; counts?: BatchCounts; outcome?: BatchOutcome },
  ): Promise<StoredBatch | undefined>
}

/** Files by name in the data folder, for what is large, of one owner, and goes again. */
export interface BlobFolder {
  /** Whole or not at all, durable when it resolves. `body_too_large`, `store_unavailable` when the disk is full. */
  put(name: string, content: AsyncIterable<Uint8Array>, limitBytes: number): Promise<{ bytes: number }>
  /** `unknown_file`. Nothing is read ahead of the reader. */
  read(name: string): Promise<Readable>
  /** Idempotent. */
  remove(name: string): Promise<void>
  /** Names that stand there, and since when. */
  list(): AsyncIterable<{ name: string; changedAt: number }>
  /** A file of lines that only grows. A last line that a kill tore is cut off. */
  openJournal(name: string): Promise<Journal>
}

export interface Journal {
  /** Durable when it resolves; lines that are given at the same time share one sync. */
  append(line: string): Promise<void>
  close(): Promise<void>
}
