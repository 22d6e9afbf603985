import type { RequestRecord, SnapshotKey, TextAttempt, TextRecord } from '../../contracts/index.ts'
import type { SlipwayError } from '../../kernel/index.ts'
import type { GatewayModel, GatewayVersion } from '../gateway-table.ts'
import { textOutcomeOf } from './text-errors.ts'

/** How a request ended, as far as its record and the metrics say it. */
export interface NotedRequest {
  readonly requestId: string
  readonly atMs: number
  readonly key: SnapshotKey
  readonly model: GatewayModel
  readonly version: GatewayVersion | undefined
  readonly replica: string | undefined
  readonly isPinned: boolean
  readonly bucket: number | null
  /** As it was sent; 499 where the client had left. */
  readonly status: number
  readonly failure: SlipwayError | 'cancelled' | undefined
  readonly latencyMs: number
  readonly rows: number
  readonly text: TextRecord | undefined
  /** The rows of a request that failed; only asked where the model keeps them. */
  captured(): string
}

/** Counts a request and writes its record: once, when nothing of it runs any more. */
export function noteRequest(
  { record }: { readonly record: (record: RequestRecord) => void },
  noted: NotedRequest,
): void {
  const { failure, latencyMs, model, rows, status, text, version } = noted
  const code = failure === undefined ? null : failure === 'cancelled' ? failure : failure.code
  // A stream that failed was answered with 200; what it was is the error's own.
  const failedWith = failure === undefined || failure === 'cancelled' ? status : failure.status
  const outcome = code === null ? 'ok' : textOutcomeOf(code, failedWith)
  const tries = text?.attempts.filter(({ aside }) => aside === undefined) ?? []
  const retries = Math.max(0, tries.length - rows)
  const metrics = version?.metrics ?? model.metrics
  metrics.count(outcome, status, latencyMs, rows, retries)
  if (text !== undefined) version?.text?.metrics.count(text)
  const made: RequestRecord = {
    requestId: noted.requestId,
    at: noted.atMs,
    model: model.name,
    version: version?.label ?? null,
    replica: noted.replica ?? null,
    tenant: noted.key.tenant,
    key: noted.key.publicId,
    assignment: noted.isPinned ? 'pinned' : 'split',
    experiment: noted.bucket === null ? null : model.snapshot.experiment,
    bucket: noted.bucket,
    status,
    outcome,
    code,
    latencyMs,
    queueMs: sumOf(text, ({ queueMs = 0 }) => queueMs),
    computeMs: sumOf(text, ({ decodeMs = 0, prefillMs = 0 }) => prefillMs + decodeMs),
    rows,
    retries,
  }
  if (text !== undefined) made.text = text
  if (outcome === 'error' && model.snapshot.captureFailures) {
    const input = noted.captured()
    // Nothing may be kept of it: then it is no case.
    if (input !== '[]') made.input = input
  }
  record(made)
}

/** Replicas of ours tell their times; over all tries, those that failed too. */
function sumOf(text: TextRecord | undefined, read: (attempt: TextAttempt) => number): number {
  let sum = 0
  for (const attempt of text?.attempts ?? []) sum += read(attempt)
  return sum
}
