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
   * By the bytes of an event alone: false where nothing in it needs to be known, which is all that is asked of nearly
   * every event. What is cut off or no JSON should be true, so that `read` says so.
   */
  mustRead(bytes: Buffer): boolean
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

/**
 * Whether an event's bytes have a field of this name (JSON text, with its quotes) that is neither null nor an empty text.
 * In a text, the quote after the name would be escaped, so that only a name or a whole text can be found.
 */
export function hasField(bytes: Buffer, name: Buffer): boolean {
  let at = bytes.indexOf(name)
  while (at >= 0) {
    let after = at + name.length
    while (after < bytes.length && (bytes[after] as number) <= SPACE) after++
    if (bytes[after] === COLON) {
      after++
      while (after < bytes.length && (bytes[after] as number) <= SPACE) after++
      const isEmptyText = bytes[after] === QUOTE && bytes[after + 1] === QUOTE
      if (bytes[after] !== LOWER_N && !isEmptyText) return true
    }
    at = bytes.indexOf(name, at + name.length)
  }
  return false
}

const OPEN = 0x7b
const CLOSE = 0x7d

/** `data: {"` … `}` and its line ends: one line, which begins and ends as an object does. */
export function looksLikeObject(bytes: Buffer, from: number): boolean {
  let first = from
  while (first < bytes.length && (bytes[first] as number) <= SPACE) first++
  let last = bytes.length - 1
  while (last > first && (bytes[last] as number) <= SPACE) last--
  if (bytes[first] !== OPEN || bytes[last] !== CLOSE) return false
  first++
  while (first < last && (bytes[first] as number) <= SPACE) first++
  return bytes[first] === QUOTE || first === last
}

const DATA = Buffer.from('data:')

/** The event has a `data:` line and no line before it. */
export function beginsWithData(bytes: Buffer): boolean {
  for (let index = 0; index < DATA.length; index++) if (bytes[index] !== DATA[index]) return false
  return true
}
