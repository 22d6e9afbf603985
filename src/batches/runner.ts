import type { Store } from '../store/index.ts'
import type { ClientFiles } from './client-files.ts'
import { runBatch } from './run-batch.ts'
import type { RunParts } from './run-parts.ts'

const QUEUE = 'batch.run'

/**
 * Keeps batches going. Each has at most one durable job; whatever was interrupted, by a kill or by a fault, is sent
 * again at the start and by a look round every half minute, which also takes expired files away.
 */
export interface BatchRunner {
  open(): Promise<void>
  wake(id: string): Promise<void>
  close(): Promise<void>
}

export function createBatchRunner(
  parts: RunParts & { readonly store: Pick<Store, 'jobs'> },
  files: ClientFiles,
): BatchRunner {
  const { clock, limits, logger, store } = parts
  const stop = new AbortController()
  const running = new Set<string>()
  const undos: (() => Promise<void>)[] = []
  let sweeping: Promise<void> | undefined

  const wake = async (id: string): Promise<void> => {
    if (!running.has(id)) await store.jobs.send(QUEUE, { batch: id }, { key: id })
  }

  /** As with changes: a job that is handed out twice finds the batch running here. */
  const work = async (id: string): Promise<void> => {
    if (running.has(id)) return
    running.add(id)
    try {
      await runBatch(parts, id, stop.signal)
    } catch (error) {
      if (!stop.signal.aborted)
        logger.error({ batch: id, err: error }, 'batch was interrupted; it is tried again')
      throw error
    } finally {
      running.delete(id)
    }
  }

  const lookRound = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        for (const { id } of await store.batches.unfinished(limits.maxUnfinished)) await wake(id)
        await files.sweep()
      } catch (error) {
        if (!stop.signal.aborted) logger.warn({ err: error }, 'the look round of batches failed')
      }
      await clock.sleep(limits.sweepMs, stop.signal).catch(() => undefined)
    }
  }

  return {
    async open() {
      for (let worker = 0; worker < limits.batchesAtOnce; worker++)
        undos.push(await store.jobs.work(QUEUE, (data) => work(String(data.batch))))
      sweeping = lookRound()
    },
    wake,
    async close() {
      stop.abort(new Error('the process stops'))
      await sweeping
      for (const undo of undos.splice(0)) await undo()
    },
  }
}
