import { NO_USAGE } from '../../contracts/index.ts'
import { UpstreamBroken, type UpstreamProblem } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import { EventSplitter, SseLimitExceeded, type SseLimits } from '../sse/event-splitter.ts'
import { parseEvent } from '../sse/sse-reader.ts'
import type { RelayFound, RelayRow } from './relay-row.ts'

export interface RelayOptions {
  /** Events that tell the usage and nothing else are left out. */
  readonly hideUsage: boolean
  /** Whole events, to be passed on as they are: once per push, but for what is left out between. */
  relayed(bytes: Buffer, seen: { readonly hasContent: boolean; readonly events: number }): void
  readonly limits?: Partial<SseLimits>
}

export function nothingFound(): RelayFound {
  return { usage: NO_USAGE, finishReason: null, providerModel: null, reportedCostUsd: null }
}

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const BLANK = Buffer.from('\n\n')

/**
 * Bytes of a stream in, whole events out as they are. Only events that may tell something are parsed: the first ones
 * until there is content, those with a usage, a finish reason, an error or the terminal marker, and what does not look
 * like an event of the dialect at all. An event that tells an error is not passed on: it becomes `problem`, and nothing
 * comes after it. Held is a partial event and nothing else.
 *
 * After the first content, an event that was not parsed counts as content.
 */
export class RelayScanner {
  readonly found: RelayFound = nothingFound()
  problem: UpstreamProblem | undefined
  isTerminated = false
  readonly #row: RelayRow
  readonly #options: RelayOptions
  readonly #splitter: EventSplitter
  #hasContent = false
  #isEnding = false
  /** Events of this push that follow each other without a gap. */
  #run: Buffer[] = []
  #runEvents = 0
  #runHasContent = false

  constructor(row: RelayRow, options: RelayOptions) {
    this.#row = row
    this.#options = options
    this.#splitter = new EventSplitter((bytes) => this.#event(bytes), options.limits)
  }

  push(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof SseLimitExceeded)) throw error
      this.problem = brokenProblem(error.message)
    }
    this.#flush()
  }

  /** An event whose blank line is missing is given one; one that was cut off is left out. */
  end(): void {
    if (this.#isOver) return
    const rest = this.#splitter.end()
    if (rest === undefined) return
    this.#isEnding = true
    this.#event(rest)
    this.#flush()
  }

  get #isOver(): boolean {
    return this.problem !== undefined || this.isTerminated
  }

  #event(bytes: Buffer): void {
    if (this.#isOver) return
    if (bytes[0] === COLON && !this.#isEnding) {
      // A comment, which an event may begin with as well.
      const event = parseEvent(bytes)
      if (event === undefined) {
        this.#pass(bytes, false)
        return
      }
    }
    if (this.#hasContent && !this.#isEnding && !this.#row.mustRead(bytes.toString('latin1')))
      this.#pass(bytes, true)
    else this.#read(bytes)
  }

  #read(bytes: Buffer): void {
    const event = parseEvent(bytes)
    if (event === undefined || event.data === '') {
      if (!this.#isEnding) this.#pass(bytes, false)
      return
    }
    try {
      const read = this.#row.read(event.data, event.event, this.found)
      this.problem = read.problem
      if (this.problem !== undefined) return
      this.isTerminated = read.isTerminal
      this.#hasContent ||= read.hasContent
      if (!(read.isUsageOnly && this.#options.hideUsage))
        this.#pass(whole(bytes, this.#isEnding), read.hasContent)
    } catch (error) {
      if (!(error instanceof UpstreamBroken)) throw error
      // Cut off by the end of the input: that there was no marker says it already.
      if (!this.#isEnding) this.problem = error.problem
    }
  }

  #pass(bytes: Buffer, hasContent: boolean): void {
    this.#run.push(bytes)
    this.#runEvents++
    this.#runHasContent ||= hasContent
  }

  #flush(): void {
    if (this.#runEvents === 0) return
    const run = this.#run
    const seen = { hasContent: this.#runHasContent, events: this.#runEvents }
    this.#run = []
    this.#runEvents = 0
    this.#runHasContent = false
    this.#options.relayed(run.length === 1 ? (run[0] as Buffer) : joined(run), seen)
  }
}

/** Pieces of one chunk that touch are one piece of it; others are copied together. */
function joined(run: readonly Buffer[]): Buffer {
  const [first] = run as [Buffer]
  let end = first.byteOffset
  for (const piece of run) {
    if (piece.buffer !== first.buffer || piece.byteOffset !== end) return Buffer.concat(run)
    end += piece.length
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}

/** What the input ended with has none of its line ends, or one. */
function whole(bytes: Buffer, isEnding: boolean): Buffer {
  if (!isEnding) return bytes
  const last = bytes[bytes.length - 1]
  return Buffer.concat([bytes, last === LF || last === CR ? BLANK.subarray(1) : BLANK])
}
