import type { BatchStatus, NewBatch } from '../contracts/index.ts'
import { type Clock, isSlipwayError, type Logger, newId, SlipwayError } from '../kernel/index.ts'
import type { Store, StoredBatch } from '../store/index.ts'
import { type ClientFiles, createClientFiles } from './client-files.ts'
import type { Asker } from './gateway-asker.ts'
import type { BatchLimits } from './limits.ts'
import { createBatchRunner } from './runner.ts'

export interface BatchOwner {
  readonly tenant: string
  /** Public id of the key; lines are asked as this key, with its limits and permissions. */
  readonly key: string
}

/** What clients do with batches. */
export interface BatchDesk {
  /** `batch_input_invalid`, `unknown_file`, `overloaded`. */
  create(owner: BatchOwner, wish: NewBatch): Promise<StoredBatch>
  /** `unknown_batch`. */
  get(tenant: string, id: string): Promise<StoredBatch>
  list: Store['batches']['list']
  /** Again is no mistake. `unknown_batch`, `batch_conflict` when it ended, or nothing is left to cancel. */
  cancel(tenant: string, id: string): Promise<StoredBatch>
}

export interface Batches {
  readonly files: ClientFiles
  readonly desk: BatchDesk
  /** Goes on with what was interrupted. */
  open(): Promise<void>
  close(): Promise<void>
}

const HOUR_MS = 3_600_000
const BUSY_RETRY_MS = 60_000
const CANCELLABLE: readonly BatchStatus[] = ['validating', 'in_progress']

/** Files of clients and batches over them; the one who calls owns the store. */
export function createBatches(parts: {
  readonly store: Store
  readonly asker: Asker
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: BatchLimits
}): Batches {
  const { asker, clock, limits, store } = parts
  const files = createClientFiles(parts)
  const runner = createBatchRunner(parts, files)

  const desk: BatchDesk = {
    async create({ key, tenant }, wish) {
      const file = await inputOf(files, tenant, wish.input_file_id)
      if (file.purpose !== 'batch')
        throw new SlipwayError(
          'batch_input_invalid',
          { file: file.id, reason: `its purpose is ${file.purpose}` },
          { pointer: '/input_file_id' },
        )
      if ((await store.batches.unfinished(limits.maxUnfinished)).length >= limits.maxUnfinished)
        throw new SlipwayError('overloaded', { what: 'The queue of batches', retryAfterMs: BUSY_RETRY_MS })
      const created = clock.nowMs()
      const expires = created + Number.parseInt(wish.completion_window, 10) * HOUR_MS
      const batch = await store.batches.create({
        id: newId('batch', 24).replace('-', '_'),
        tenant,
        key,
        status: 'validating',
        wish,
        times: { created, expires },
      })
      await runner.wake(batch.id)
      return batch
    },
    get: (tenant, id) => store.batches.get(tenant, id),
    list: store.batches.list,
    async cancel(tenant, id) {
      await store.batches.get(tenant, id)
      const cancelling = await store.batches.update(id, CANCELLABLE, {
        status: 'cancelling',
        times: { cancelling: clock.nowMs() },
      })
      if (cancelling !== undefined) {
        await runner.wake(id)
        return cancelling
      }
      const now = await store.batches.get(tenant, id)
      if (now.status === 'cancelling' || now.status === 'cancelled') return now
      throw new SlipwayError('batch_conflict', { batch: id, status: now.status, action: 'be cancelled' })
    },
  }

  return {
    files,
    desk,
    open: () => runner.open(),
    close: async () => {
      await runner.close()
      await asker.close()
    },
  }
}

async function inputOf(files: ClientFiles, tenant: string, id: string) {
  try {
    return await files.get(tenant, id)
  } catch (error) {
    if (!isSlipwayError(error)) throw error
    throw new SlipwayError(error.code, error.parameters, { pointer: '/input_file_id' })
  }
}
