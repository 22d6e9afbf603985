import type { BatchStatus } from '../contracts/index.ts'
import { isSlipwayError } from '../kernel/index.ts'
import type { StoredBatch } from '../store/index.ts'
import { answerLines } from './answer-lines.ts'
import { bitsFor, fileIdOf, finishedLines, type JournalKind, journalName } from './answered.ts'
import { checkInput } from './check-input.ts'
import type { RunParts } from './run-parts.ts'

/**
 * validating ──▶ in_progress ──▶ finalizing ──▶ completed, or expired when the window ended first
 *     │               └──cancel──▶ cancelling ──▶ cancelled
 *     └──▶ failed: the input cannot be sent
 *
 * Takes a batch from wherever it is to its end. Each step starts over when it was interrupted: looking at the input
 * changes nothing, lines that stand in the journal are not sent again, and the files are written under ids that follow
 * from the batch's. @param signal ends the run where it is; it rejects then.
 */
export async function runBatch(parts: RunParts, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const batch = await parts.store.batches.find(id)
    switch (batch?.status) {
      case 'validating':
        await validate(parts, batch)
        break
      case 'in_progress':
        await answer(parts, batch, signal)
        break
      case 'cancelling':
        if (batch.outcome.end === undefined) await answer(parts, batch, signal)
        else await finalise(parts, batch)
        break
      case 'finalizing':
        await finalise(parts, batch)
        break
      default:
        return
    }
  }
}

async function validate({ clock, limits, store }: RunParts, batch: StoredBatch): Promise<void> {
  const checked = await checkInput(
    await store.blobs.read(batch.wish.input_file_id),
    batch.wish.endpoint,
    limits,
  ).catch((error: unknown) => {
    if (!isSlipwayError(error) || error.code !== 'unknown_file') throw error
    const errors = [{ code: 'input_missing', message: error.message, param: 'input_file_id', line: null }]
    return { total: 0, model: null, errors }
  })
  const now = clock.nowMs()
  const { errors, model, total } = checked
  if (errors.length > 0)
    await store.batches.update(batch.id, ['validating'], {
      status: 'failed',
      times: { failed: now },
      outcome: { errors },
    })
  else
    await store.batches.update(batch.id, ['validating'], {
      status: 'in_progress',
      times: { in_progress: now },
      counts: { total, completed: 0, failed: 0 },
      outcome: model === null ? {} : { model },
    })
}

async function answer(parts: RunParts, batch: StoredBatch, signal: AbortSignal): Promise<void> {
  const { clock, store } = parts
  // Cancelled before its input was looked at: there is nothing that could be in a file.
  const wasStarted = batch.times.in_progress !== undefined
  const { counts, end, usage } = wasStarted
    ? await answerLines(parts, batch, signal)
    : { counts: batch.counts, end: 'cancelled' as const, usage: undefined }
  const status: BatchStatus = end === 'cancelled' ? 'cancelling' : 'finalizing'
  await store.batches.update(batch.id, ['in_progress', 'cancelling'], {
    status,
    times: end === 'cancelled' ? {} : { finalizing: clock.nowMs() },
    counts,
    outcome: { end, ...(usage === undefined ? {} : { usage }) },
  })
}

async function finalise(parts: RunParts, batch: StoredBatch): Promise<void> {
  const { clock, logger, store } = parts
  const { end = 'completed' } = batch.outcome
  const seen = bitsFor(batch.counts.total)
  const outputFileId = batch.counts.completed > 0 ? await writeFile(parts, batch, 'output', seen) : undefined
  const errorFileId = batch.counts.failed > 0 ? await writeFile(parts, batch, 'error', seen) : undefined
  await store.batches.update(batch.id, ['finalizing', 'cancelling'], {
    status: end,
    times: { [end]: clock.nowMs() },
    outcome: {
      ...(outputFileId === undefined ? {} : { outputFileId }),
      ...(errorFileId === undefined ? {} : { errorFileId }),
    },
  })
  for (const kind of ['output', 'error'] as const) await store.blobs.remove(journalName(batch.id, kind))
  logger.info({ batch: batch.id, end, ...batch.counts }, 'batch ended')
}

async function writeFile(
  { clock, limits, store }: RunParts,
  batch: StoredBatch,
  kind: JournalKind,
  seen: Uint8Array,
): Promise<string> {
  const id = fileIdOf(batch.id, kind)
  const lines = finishedLines(store.blobs, batch.id, kind, seen, limits.maxAnswerBytes)
  const { bytes } = await store.blobs.put(id, lines, Number.POSITIVE_INFINITY)
  const seconds = batch.wish.output_expires_after?.seconds
  await store.clientFiles.create(
    {
      id,
      tenant: batch.tenant,
      filename: `${batch.id}_${kind}.jsonl`,
      purpose: 'batch_output',
      bytes,
      expiresAt: seconds === undefined ? null : clock.nowMs() + seconds * 1000,
    },
    null,
  )
  return id
}
