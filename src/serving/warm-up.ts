import type { ReplicaSpec } from '../contracts/index.ts'
import { type Clock, isSlipwayError, type Logger, SlipwayError } from '../kernel/index.ts'
import type { RowCodec, TensorBatch } from '../link/index.ts'
import type { ServiceTime } from './batcher/service-time.ts'
import type { Engine } from './engine.ts'
import { zeroBatch } from './engines/zero-batch.ts'
import type { Preprocess } from './preprocess.ts'

const RUNS = 3
/** Enough to see what a row costs; a whole batch of a large model would take long to start. */
const MOST_ROWS = 32
/** No further run begins after this: a slow model shall not be slow to start as well. */
const MOST_MS = 2000

export interface WarmUpOptions {
  readonly spec: ReplicaSpec
  readonly clock: Clock
  readonly logger: Logger
  readonly engine: Engine
  readonly preprocess: Preprocess | undefined
  readonly inputs: RowCodec
  readonly outputs: RowCodec
  /** Learns what a batch costs, so that the first predictions are not blind. */
  readonly service: ServiceTime
}

/** One made-up row all the way through, then batches in the engine alone. Throws `contract_broken`. */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  const { spec, clock, engine, service } = options
  await inferSample(options)
  const { maxRows } = engine.describe()
  const most = Math.min(maxRows ?? MOST_ROWS, spec.spec.batching.maxBatchSize, MOST_ROWS)
  const untilMs = clock.monotonicMs() + MOST_MS
  for (let run = 0; run < RUNS; run++) {
    for (const rows of new Set([1, most])) {
      if (clock.monotonicMs() > untilMs) return
      const startMs = clock.monotonicMs()
      await engine.warmUp(rows)
      // The first run pays for what the next ones find done.
      if (run > 0) service.observe(rows, clock.monotonicMs() - startMs)
    }
  }
}

async function inferSample({
  spec,
  logger,
  engine,
  preprocess,
  inputs,
  outputs,
}: WarmUpOptions): Promise<void> {
  const { model, label, replicaId } = spec
  let feed: TensorBatch = zeroBatch(inputs.tensors, 1)
  if (preprocess !== undefined) {
    try {
      feed = await preprocess(inputs.toObjects(inputs.encode(feed), 1))
    } catch (error) {
      // A made-up row proves nothing against a module that expects real ones.
      logger.warn({ model, version: label, replica: replicaId, err: error }, 'warm-up row refused')
      return
    }
  }
  let reason: string | undefined
  try {
    reason = outputs.mismatch((await engine.infer(feed, [])).outputs)
  } catch (cause) {
    if (isSlipwayError(cause)) throw cause
    reason = cause instanceof Error ? cause.message : String(cause)
  }
  if (reason !== undefined) throw new SlipwayError('contract_broken', { model, version: label, reason })
}
