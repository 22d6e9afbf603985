import { type Clock, isSlipwayError } from '../kernel/index.ts'
import type { BatchMemory, LinkSpent, RowCodec, TensorBatch } from '../link/index.ts'
import type { Batch } from './batcher/queue.ts'
import type { Engine } from './engine.ts'
import type { Preprocess } from './preprocess.ts'
import type { RequestPart } from './request-part.ts'

export interface BatchRunnerOptions {
  readonly clock: Clock
  readonly engine: Engine
  readonly preprocess: Preprocess | undefined
  readonly inputs: RowCodec
  readonly outputs: RowCodec
  /** Of the instance: it runs one batch at a time. */
  readonly memory: BatchMemory
  readonly onBatch: (ran: RanBatch) => void
}

export interface RanBatch {
  readonly rows: number
  readonly requests: number
  readonly failedRequests: number
  readonly preprocessMs: number
  readonly computeMs: number
  /** How long its oldest request had waited. */
  readonly waitedMs: number
}

/**
 * Runs a batch and tells each request its own outcome. When a batch fails as a whole its halves are run apart, and
 * theirs, until the failure stands alone, so that nobody fails for a neighbour; that is at most 2n − 1 runs for n
 * requests, twice what n callers would have cost who sent alone. Never rejects.
 */
export async function runBatch(
  { work }: Batch<RequestPart>,
  startedMs: number,
  options: BatchRunnerOptions,
): Promise<void> {
  const wanted = work.filter((part) => part.isWanted)
  if (wanted.length > 0) await runParts(wanted, startedMs, options)
}

async function runParts(
  parts: readonly RequestPart[],
  startedMs: number,
  options: BatchRunnerOptions,
): Promise<void> {
  const { clock, engine, inputs, memory, outputs, preprocess } = options
  let rows = 0
  for (const part of parts) rows += part.rows
  const beganMs = clock.monotonicMs()
  let preparedMs = beganMs
  const note = (failedRequests: number) => {
    const preprocessMs = preparedMs - beganMs
    const computeMs = clock.monotonicMs() - preparedMs
    const waitedMs = startedMs - (parts[0] as RequestPart).arrivedMs
    options.onBatch({ rows, requests: parts.length, failedRequests, preprocessMs, computeMs, waitedMs })
    return { preprocessMs, computeMs }
  }
  try {
    const feed = await prepare(parts, inputs, preprocess, memory)
    preparedMs = clock.monotonicMs()
    const requestRows = parts.map((part) => part.rows)
    const { outputs: batch, failed } = await engine.infer(feed, requestRows)
    const reason = batch.rows === rows ? outputs.mismatch(batch) : `${batch.rows} rows came back for ${rows}`
    if (reason !== undefined) throw new Error(`the model broke its contract: ${reason}`)
    const spent = note(failed?.size ?? 0)
    deliver(parts, outputs, batch, failed, spent, startedMs, rows)
  } catch (error) {
    if (parts.length === 1) {
      note(1)
      ;(parts[0] as RequestPart).fail(reasonOf(error))
      return
    }
    const half = parts.length >> 1
    for (const some of [parts.slice(0, half), parts.slice(half)]) {
      const wanted = some.filter((part) => part.isWanted)
      if (wanted.length > 0) await runParts(wanted, startedMs, options)
    }
  }
}

async function prepare(
  parts: readonly RequestPart[],
  inputs: RowCodec,
  preprocess: Preprocess | undefined,
  memory: BatchMemory,
): Promise<TensorBatch> {
  if (preprocess === undefined) return inputs.decode(parts, memory)
  const rows = parts.flatMap((part) => inputs.toObjects(part.body, part.rows))
  return preprocess(rows)
}

function deliver(
  parts: readonly RequestPart[],
  outputs: RowCodec,
  batch: TensorBatch,
  failed: ReadonlyMap<number, string> | undefined,
  spent: { readonly preprocessMs: number; readonly computeMs: number },
  startedMs: number,
  rows: number,
): void {
  let from = 0
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as RequestPart
    const to = from + part.rows
    const reason = failed?.get(index)
    if (reason !== undefined) part.fail(reason)
    else part.answer(outputs.encode(batch, from, to), shareOf(part, spent, startedMs, rows))
    from = to
  }
}

/** A request pays for its share of the batch, by rows. */
function shareOf(
  part: RequestPart,
  { preprocessMs, computeMs }: { readonly preprocessMs: number; readonly computeMs: number },
  startedMs: number,
  rows: number,
): LinkSpent {
  const share = part.rows / rows
  return {
    computeUs: Math.round(computeMs * 1000 * share),
    preprocessUs: Math.round(preprocessMs * 1000 * share),
    queueUs: Math.max(0, Math.round((startedMs - part.arrivedMs) * 1000)),
  }
}

function reasonOf(error: unknown): string {
  if (isSlipwayError(error)) return error.message
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, 500)
}
