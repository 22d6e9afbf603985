/** What a client can be told of a recorded exchange, whichever way it was played. */
export interface FixtureTruth {
  readonly text: string
  readonly finishReason: string
  readonly providerModel: string
  readonly usage: { readonly input: number; readonly output: number; readonly cacheRead: number }
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
}

/** One exchange as it stands on the wire, whole and streamed: the same answer both ways. */
export interface WireFixture {
  readonly truth: FixtureTruth
  readonly whole: unknown
  /** Events in order, each without its blank line; lines are joined by \n and may be played with other ends. */
  readonly events: readonly string[]
  /** Place of the first event that a user would see something of. */
  readonly firstContent: number
  /** How many of them there are from there on, one after the other. */
  readonly contentEvents: number
  /** Place of the event that tells the usage; -1 where it stands inside others. */
  readonly usageAt: number
}

/** How one API looks from outside: what the wall needs to play it, and nothing of how we read it. */
export interface WireDialect {
  readonly name: string
  /** Where generation is asked for. */
  readonly path: string
  readonly streamType: string
  isStream(path: string, body: Record<string, unknown>): boolean
  readonly fixtures: Readonly<Record<'text' | 'tools', WireFixture>>
  error(status: number, code: string, message: string): unknown
  /** An error in the place of an event, inside a stream that began with 200. */
  errorEvent(code: string, message: string): string
  /** A content event of about so many bytes. */
  giantEvent(bytes: number): string
}
