/**
 * What the wall does with one request. Faults that need another address (nobody listens, no such name, no TLS) are
 * not here but in `addresses.ts`.
 */
export type Fault =
  /** The connection is reset before any byte of the answer. */
  | { readonly kind: 'reset' }
  /** The request is read and never answered. */
  | { readonly kind: 'silent' }
  /** Head of a 200, then nothing. */
  | { readonly kind: 'stalls-after-head' }
  /** So many events (0: half of the whole answer), then nothing, with the connection open. */
  | { readonly kind: 'stalls'; readonly afterEvents: number }
  /** So many events, then the end of the body as HTTP has it: no terminal marker. */
  | { readonly kind: 'truncated'; readonly afterEvents: number }
  /** So many events, then a reset in the middle of the body. */
  | { readonly kind: 'cut'; readonly afterEvents: number }
  /** So many events, half of the next, then FIN, without the end that the framing promised. */
  | { readonly kind: 'half-closed'; readonly afterEvents: number }
  /** In the place of an event: text that is no JSON. The rest follows as if nothing were. */
  | { readonly kind: 'malformed'; readonly atEvent: number }
  /** Status 200, and an error in the body or in the place of an event, after which the stream ends. */
  | { readonly kind: 'error-in-200'; readonly atEvent: number; readonly code: string }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly code: string
      readonly headers?: Readonly<Record<string, string>>
    }
  /** One byte at a time, each a step of its own. */
  | { readonly kind: 'drip' }
  /** A page of a proxy, with status 200. */
  | { readonly kind: 'wrong-type' }
  | { readonly kind: 'giant-event'; readonly bytes: number }
  | { readonly kind: 'no-usage' }
  /** Compressed, though nobody asked for that. */
  | { readonly kind: 'gzip' }
  | { readonly kind: 'redirect'; readonly location: string }
  /** Bytes that are no HTTP. */
  | { readonly kind: 'not-http' }

export interface Script {
  readonly fixture?: 'text' | 'tools'
  readonly fault?: Fault
  /** The content of a stream so many times over: a long answer. */
  readonly repeat?: number
  /** Line ends of the events. */
  readonly newline?: '\n' | '\r\n' | '\r'
  /** Offsets at which the body is cut into writes, or one write per so many bytes; left out: a write per event. */
  readonly splits?: readonly number[] | { readonly everyBytes: number }
  /** Comments between events, as OpenRouter sends them. */
  readonly comments?: boolean
  /** Of the answer, besides its type. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One write, or one act, in the order in which a script does them. */
export type Step =
  | { readonly act: 'head'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly act: 'write'; readonly bytes: Buffer; readonly event: number }
  | { readonly act: 'end' }
  | { readonly act: 'reset' }
  | { readonly act: 'half-close' }
  | { readonly act: 'nothing-more' }
  | { readonly act: 'raw'; readonly bytes: Buffer }
