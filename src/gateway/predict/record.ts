import type { ErrorCode, OutcomeClass, RequestRecord, SnapshotKey } from '../../contracts/index.ts'
import { isSlipwayError } from '../../kernel/index.ts'
import type { GatewayModel, GatewayVersion } from '../gateway-table.ts'

/** How an error counts. What a limit turned away is `refused`; what the serving side owes is `error`. */
const OUTCOMES: Partial<Record<ErrorCode | 'cancelled', OutcomeClass>> = {
  rate_limited: 'refused',
  concurrency_limited: 'refused',
  overloaded: 'refused',
  shutting_down: 'refused',
  no_traffic: 'refused',
  deadline_exceeded: 'timeout',
  cancelled: 'cancelled',
}

export function outcomeOf(code: ErrorCode | 'cancelled', status: number): OutcomeClass {
  return OUTCOMES[code] ?? (status < 500 ? 'client_error' : 'error')
}

/** Nginx's number for a client that left before its answer; only ever recorded, never sent. */
export const CLIENT_LEFT = 499

/** The contract's bound on `input`. */
const MAX_INPUT_CHARACTERS = 65_536

/**
 * The rows of a failed request as they came, bounded: whole rows for as long as they fit, so that what is kept can be
 * sent again.
 */
export function capturedInput(rows: readonly unknown[]): string {
  let text = '['
  for (const row of rows) {
    const part = JSON.stringify(row)
    if (text.length + part.length + 2 > MAX_INPUT_CHARACTERS) break
    text += text.length === 1 ? part : `,${part}`
  }
  return `${text}]`
}

/** A call for rows that is over, as its record and the metrics say it. */
export interface EndedCall
  extends Pick<
    RequestRecord,
    'requestId' | 'bucket' | 'status' | 'latencyMs' | 'queueMs' | 'computeMs' | 'rows' | 'retries'
  > {
  readonly atMs: number
  readonly key: SnapshotKey
  readonly model: GatewayModel
  readonly version: GatewayVersion | undefined
  readonly replica: string | undefined
  readonly isPinned: boolean
  /** What it failed with: undefined for nothing, `cancelled` where the client left. */
  readonly error: unknown
}

/** Counts a call where it belongs and gives its record; `input` is left to the caller. */
export function countedRecord(ended: EndedCall): RequestRecord {
  const { error, key, latencyMs, model, retries, rows, status, version } = ended
  const code = error === undefined ? null : codeOf(error)
  const outcome = code === null ? 'ok' : outcomeOf(code, status)
  const metrics = version?.metrics ?? model.metrics
  metrics.count(outcome, status, latencyMs, rows, retries)
  return {
    requestId: ended.requestId,
    at: ended.atMs,
    model: model.name,
    version: version?.label ?? null,
    replica: ended.replica ?? null,
    tenant: key.tenant,
    key: key.publicId,
    assignment: ended.isPinned ? 'pinned' : 'split',
    experiment: ended.bucket === null ? null : model.snapshot.experiment,
    bucket: ended.bucket,
    status,
    outcome,
    code,
    latencyMs,
    queueMs: ended.queueMs,
    computeMs: ended.computeMs,
    rows,
    retries,
  }
}

function codeOf(error: unknown): ErrorCode | 'cancelled' {
  if (error === 'cancelled') return error
  return isSlipwayError(error) ? error.code : 'internal'
}
