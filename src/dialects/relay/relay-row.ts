import type { TokenUsage } from '../../contracts/index.ts'
import type { DialectName, JsonObject, UpstreamProblem } from '../dialect.ts'

/** What is known of an answer that is passed on as bytes. */
export interface RelayFound {
  /** Merged over the stream. */
  usage: TokenUsage
  /** In the words of the neutral form; null: not told (yet). */
  finishReason: string | null
  providerModel: string | null
  /** Dollars as decimal text, where the provider named the sum. */
  reportedCostUsd: string | null
  /** A tool was called; some servers then finish with `stop` all the same. */
  hasCalls?: boolean
}

/** What one event says that must be known of it. */
export interface RelayedEvent {
  /** Text, thinking, a call: what a user would see. */
  readonly hasContent: boolean
  /** The dialect's own terminal marker. */
  readonly isTerminal: boolean
  /** It tells the usage and nothing else, so that a client that did not ask for it may do without. */
  readonly isUsageOnly: boolean
  readonly problem?: UpstreamProblem | undefined
}

/**
 * How one dialect's streams and answers are looked at when they are passed on. A dialect that is relayed is a row in
 * `relay-codec.ts`.
 */
export interface RelayRow {
  readonly name: DialectName
  /**
   * By a search of an event's bytes: false where nothing in it needs to be known, which is all that is asked of nearly
   * every event. What is cut off or no JSON should be true, so that `read` says so.
   *
   * @param text the event's bytes as Latin-1, its line ends included.
   */
  mustRead(text: string): boolean
  /**
   * Reads one event and notes in `found` what it tells.
   *
   * @param event its name, where it has one.
   */
  read(data: string, event: string | undefined, found: RelayFound): RelayedEvent
  /** Notes what a whole answer tells. Throws `UpstreamBroken` for what is no answer, and for an error inside a 200. */
  readWhole(answer: JsonObject, found: RelayFound): void
  readError(status: number, body: Buffer): UpstreamProblem
}

const SPACE = 0x20
const COLON = 0x3a
const LOWER_N = 0x6e
const QUOTE = 0x22
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * Whether an event has a field of this name (JSON text, with its quotes) that is neither null nor an empty text. In a
 * text, the quote after the name would be escaped, so that only a name or a whole text can be found.
 *
 * Events are searched as Latin-1 strings: one call decodes them, and the searches after it stay within the engine.
 * Measured, CPU of the whole scanner for a chunk of 330 bytes and three searches: 0.8 µs; by `Buffer.indexOf` 1.0 µs.
 */
export function hasField(text: string, name: string): boolean {
  let at = text.indexOf(name)
  while (at >= 0) {
    let after = skipSpace(text, at + name.length)
    if (text.charCodeAt(after) === COLON) {
      after = skipSpace(text, after + 1)
      const isEmptyText = text.charCodeAt(after) === QUOTE && text.charCodeAt(after + 1) === QUOTE
      if (text.charCodeAt(after) !== LOWER_N && !isEmptyText) return true
    }
    at = text.indexOf(name, at + name.length)
  }
  return false
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

/** `data: {"` … `}` and its line ends: a first line that begins and a last one that ends as an object does. */
export function looksLikeObject(text: string): boolean {
  if (!text.startsWith('data:')) return false
  const first = skipSpace(text, 5)
  let last = text.length - 1
  while (last > first && text.charCodeAt(last) <= SPACE) last--
  if (text.charCodeAt(first) !== OPEN || text.charCodeAt(last) !== CLOSE) return false
  const second = skipSpace(text, first + 1)
  return text.charCodeAt(second) === QUOTE || second === last
}
