import type { ErrorCode } from '../contracts/index.ts'

/**
 * The link: many requests in flight on one socket between a gateway and a model server.
 *
 * Life of a connection, as the client sees it:
 *   connecting ──hello──▶ ready ──goAway──▶ draining ──last answer──▶ closed
 * and from any of them `closed` when the socket dies. A client is one connection: it never reconnects by itself, since
 * only the caller knows whether the replica should still exist. After `goAway` it sends nothing new, acknowledges, and
 * the server closes once everything sent before is answered, so that a drain loses nothing.
 *
 * Credit: the server's hello says how many rows and bytes a client may have outstanding. Each request is settled by
 * exactly one frame of the server (answer or error, for cancelled ones too), which gives the credit back; so credit
 * costs no frames of its own. What exceeds it waits in the client, bounded, and beyond that bound is `overloaded`.
 *
 * Streams: a server that says so takes asks beside requests. What it says to one comes as events, as fast as the client's
 * window allows, and an end that settles it; both share the connection, the credit and the drain with rows.
 */

export type LinkErrorCode = ErrorCode | 'cancelled'

export interface LinkRequest {
  /** Rows in the body, ≥ 1. */
  readonly rows: number
  /** Rows as the row codec writes them. Must not change until the request settles. */
  readonly body: Uint8Array
  /** Milliseconds from now until the answer is worth nothing; 0 or absent for none. */
  readonly deadlineMs?: number
  /** 0 is served first; 1 is the default. 0..255. */
  readonly priority?: number
  /** Anything else, as JSON; leave it out on the hot path. */
  readonly header?: Readonly<Record<string, unknown>>
}

export type LinkOutcome = LinkAnswer | LinkFailure

export interface LinkAnswer {
  readonly ok: true
  readonly rows: number
  /** Rows of the outputs. A view of received bytes: read it before the callback returns, or copy it. */
  readonly body: Buffer
  /** The request's share of its batch, by rows. */
  readonly computeUs: number
  /** From arrival at the model server to the start of its batch. */
  readonly queueUs: number
  readonly preprocessUs: number
}

export interface LinkFailure {
  readonly ok: false
  readonly code: LinkErrorCode
  /** Parameters of the error table's text, for `new SlipwayError(code, parameters)`. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly detail: string
  /** The request was certainly not computed, so sending it elsewhere computes it at most once. */
  readonly retrySafe: boolean
  /** Its frame was handed to the socket; the other side may have seen it. */
  readonly sent: boolean
}

/** A request that is answered by events, and settled by an end. */
export interface LinkAsk {
  /** What is asked. Must not change until it settles. */
  readonly body: Uint8Array
  readonly header: Readonly<Record<string, unknown>>
  /** As of a request. */
  readonly deadlineMs?: number
  readonly priority?: number
  /** Bytes of events that may be under way or held here; default 64 KiB. */
  readonly windowBytes?: number
}

export interface LinkStreamSink {
  /** A JSON array of so many events. A view of received bytes: read it before returning, or copy it. */
  events(body: Buffer, count: number): void
  /** Exactly once, last; never before `stream` returned. */
  settled(outcome: LinkStreamOutcome): void
}

export type LinkStreamOutcome = LinkStreamEnd | LinkStreamFailure

export interface LinkStreamEnd {
  readonly ok: true
  readonly end: Readonly<Record<string, unknown>>
  /** The answer, where it is one. */
  readonly body: Buffer
}

/** What the server said at the end, if it got to say it before the caller stopped waiting. */
export type LinkStreamFailure = LinkFailure & { readonly end?: Readonly<Record<string, unknown>> }

export interface LinkStream {
  /** Nothing more comes until `resume`, the end neither unless it was cancelled or late; the server's window runs out. */
  pause(): void
  resume(): void
  /** Tells the server at once; settles as `cancelled` when its end is in, or soon without. No event comes any more. */
  cancel(): void
}

export type LinkState = 'connecting' | 'ready' | 'draining' | 'closed'

/** What the server says of itself first thing on a connection. */
export interface LinkHello {
  readonly protocol: 1
  readonly model: string
  readonly version: string
  readonly replica: string
  /** Digest of the contract that bodies are coded by; a client with another one must not send. */
  readonly contract: string
  readonly credit: LinkCredit
  /** It takes requests that are answered by events; left out by those that do not. */
  readonly streams?: boolean
}

/** Upper bounds of what a connection may have outstanding. One request larger than both is let through alone. */
export interface LinkCredit {
  readonly rows: number
  readonly bytes: number
}

export interface LinkClient {
  readonly address: string
  readonly state: LinkState
  readonly hello: LinkHello
  /** Requests that are not settled, waiting for credit or sent. */
  readonly inFlight: number
  readonly inFlightRows: number
  /**
   * Calls `settle` exactly once, never before this returns; returns the id for `cancel`.
   * Failures: `overloaded`, `replica_unready` (draining or closed), `replica_lost`, `deadline_exceeded`, `cancelled`,
   * and what the model server answers (`model_failed`, `rows_invalid`, …).
   */
  request(request: LinkRequest, settle: (outcome: LinkOutcome) => void): number
  /** The caller lost interest: settles as `cancelled` now, and tells the server. No effect on a settled one. */
  cancel(requestId: number): void
  /**
   * Asks what is answered by events; for servers whose hello says so. Fails as `request` does, with what the model server
   * answers at its end besides.
   */
  stream(ask: LinkAsk, sink: LinkStreamSink): LinkStream
  /** Round trip in ms; rejects when the connection closes first. Answered by the socket, not by the model. */
  ping(): Promise<number>
  /** Settles what is in flight as `replica_lost` and closes. */
  close(): void
}

/** One request at the server. Exactly one of `answer` and `fail` counts; later ones do nothing. */
export interface LinkExchange {
  readonly rows: number
  /** A view of received bytes; stays valid for as long as it is held. */
  readonly body: Buffer
  /** Monotonic ms of arrival on the server's clock. */
  readonly arrivedMs: number
  /** Monotonic ms after which nobody waits for the answer; Infinity for none. */
  readonly deadlineAtMs: number
  readonly priority: number
  /** The client cancelled, its connection is gone, or it was answered. Costs nothing to ask. */
  readonly settled: boolean
  /** Called once if the client loses interest before the answer. */
  onCancel: (() => void) | undefined
  /** Parses the header JSON; undefined when there is none. */
  header(): Readonly<Record<string, unknown>> | undefined
  answer(rows: number, body: Uint8Array, spent: LinkSpent): void
  fail(
    code: LinkErrorCode,
    parameters: Readonly<Record<string, string | number | boolean>>,
    options?: { readonly retrySafe?: boolean; readonly detail?: string },
  ): void
}

/** One stream at the server. Exactly one of `end` and `fail` counts; afterwards nothing does. */
export interface LinkStreamExchange {
  /** A view of received bytes; stays valid for as long as it is held. */
  readonly body: Buffer
  readonly arrivedMs: number
  readonly deadlineAtMs: number
  readonly priority: number
  /** It was ended, or its connection is gone. */
  readonly settled: boolean
  /** Called once if the client loses interest before the end. */
  onCancel: (() => void) | undefined
  /** Called when the window is used up, and when enough of it was granted again. What is emitted meanwhile goes out too. */
  onWindow: ((isOpen: boolean) => void) | undefined
  /** The header that was asked with; throws `LinkProtocolError`. */
  header(): Readonly<Record<string, unknown>>
  /** An event, as JSON text. */
  emit(json: string): void
  /** After all events that were emitted. Wanted after `onCancel` too. */
  end(header: Readonly<Record<string, unknown>>, body?: Uint8Array): void
  fail: LinkExchange['fail']
}

export interface LinkSpent {
  readonly computeUs: number
  readonly queueUs: number
  readonly preprocessUs: number
}

export interface LinkServer {
  /** Listens on `unix:/path` (0600, a stale socket file is replaced) or `tcp:host:port`; resolves to the real address. */
  listen(address: string): Promise<string>
  readonly connections: number
  /** Requests that are not settled, over all connections. */
  readonly inFlight: number
  /**
   * Takes no new connections, tells all clients to go away, resolves when everything they had sent is answered and
   * flushed, or after `timeoutMs`; then closes. Resolves to the requests that were cut off.
   */
  drain(timeoutMs: number): Promise<number>
  /** At once; what is in flight is lost. */
  close(): Promise<void>
}
