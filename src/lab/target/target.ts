/** What one request asks for. Text targets read all of it, others the prompt only. */
export interface Ask {
  /** Of the mix it belongs to: `short/long`, `chat`. */
  readonly class: string
  readonly turns: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[]
  /** Tokens that were asked for; what was used is told by the usage. */
  readonly outputTokens: number
}

/** What went wrong, by its kind; a status is kept beside it. */
export type FailureKind = 'timeout' | 'unreachable' | 'status' | 'garbage' | 'truncated'

/** One exchange as it was seen from the client. All times on the monotonic clock, in ms. */
export interface Exchange {
  readonly sentMs: number
  readonly firstByteMs: number | null
  /** Of each piece of content as it came; a whole answer has one, at its end. */
  readonly contentMs: readonly number[]
  readonly endMs: number
  /** 0: no answer. */
  readonly status: number
  readonly failure: FailureKind | null
  /** Why, for a person; bounded and without secrets. */
  readonly reason: string
  /** As the usage of the answer tells; null where it tells nothing. */
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  /** What answered: a version of Slipway, or the model as the provider names it. */
  readonly answeredBy: string | null
}

/** Anything that answers at a URL. Promises are held by `target.conformance.ts`. */
export interface Target {
  /** As people read it: kind, address and model; never a key. */
  readonly name: string
  /** Answers come piece by piece, so TTFT and gaps exist. */
  readonly streams: boolean
  /** Calls `done` exactly once, never before it returns, and never throws. */
  send(ask: Ask, done: (exchange: Exchange) => void): void
  /** Ends at once; what is in flight is reported as unreachable. */
  close(): Promise<void>
}
