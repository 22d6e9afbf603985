import type { LinkErrorCode } from '../link/index.ts'

/** Rows for a model, coded by the row codec of its contract's inputs. */
export interface UpstreamRequest {
  readonly rows: number
  /** Must not change until the request settles. */
  readonly body: Uint8Array
  /**
   * The JSON object (`{"inputs": rows, …}`) that `body` was coded from, when it was. Who speaks JSON to the other side
   * may pass its rows on instead of writing them anew. Must not change until the request settles.
   */
  readonly source?: Buffer
  /** Milliseconds from now after which nobody waits. */
  readonly deadlineMs: number
}

export type UpstreamOutcome = UpstreamAnswer | UpstreamFailure

export interface UpstreamAnswer {
  readonly ok: true
  readonly rows: number
  /** Coded by the row codec of the contract's outputs. Read it before the callback returns, or copy it. */
  readonly body: Buffer
  /** The same rows as the JSON array that the other side wrote, UTF-8, when it did; to be read as `body` is. */
  readonly json?: Buffer | undefined
  readonly computeUs: number
  readonly queueUs: number
  /** Spent by the version's preprocess module, beside `computeUs`. */
  readonly preprocessUs: number
}

export interface UpstreamFailure {
  readonly ok: false
  readonly code: LinkErrorCode
  /** For `new SlipwayError(code, parameters)`. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  /** The request was certainly not computed here. */
  readonly retrySafe: boolean
}

/**
 * What answers for one replica or one remote endpoint. One suite (`upstream.conformance.ts`) holds every kind to these
 * promises. Callbacks instead of promises, since this is the hot path.
 */
export interface Upstream {
  /** The replica's id, told in answers and records. */
  readonly id: string
  /** It takes requests now. Read at each pick; costs nothing. */
  readonly isReady: boolean
  /** Resolves at once when ready, else when it gets ready or is closed; never rejects. */
  whenReady(): Promise<void>
  /**
   * Calls `settle` exactly once, never before this returns; returns the id for `cancel`. Not ready is answered with
   * `replica_unready`, a connection that breaks with `replica_lost`, and no settling comes later than the deadline.
   */
  infer(request: UpstreamRequest, settle: (outcome: UpstreamOutcome) => void): number
  /** Settles as `cancelled` soon and spares the other side the work; nothing when it has settled. */
  cancel(requestId: number): void
  /** Takes nothing new, resolves when what is in flight has settled and the connection is closed. Idempotent. */
  close(): Promise<void>
}
