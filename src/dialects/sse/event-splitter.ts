const LF = 0x0a
const CR = 0x0d

export interface SseLimits {
  /** Of one event with its line ends. */
  readonly maxEventBytes: number
  readonly maxTotalBytes: number
  readonly maxEvents: number
}

export const SSE_LIMITS: SseLimits = Object.freeze({
  maxEventBytes: 1024 * 1024,
  maxTotalBytes: 1024 * 1024 * 1024,
  maxEvents: 4_000_000,
})

/** A stream of events went beyond one of its limits. What threw it takes nothing more. */
export class SseLimitExceeded extends Error {
  override readonly name = 'SseLimitExceeded'
  readonly limit: keyof SseLimits

  constructor(limit: keyof SseLimits, limits: SseLimits) {
    super(
      limit === 'maxEventBytes'
        ? `an event is larger than ${limits.maxEventBytes} bytes`
        : limit === 'maxTotalBytes'
          ? `the stream is longer than ${limits.maxTotalBytes} bytes`
          : `the stream has more than ${limits.maxEvents} events`,
    )
    this.limit = limit
  }
}

/**
 * Cuts a stream of server-sent events (WHATWG HTML, section 9.2) into the bytes of whole events, each with the blank
 * line that ends it. A line ends with LF, CR or CRLF, in any mixture; where the bytes are split makes no difference, but
 * for a LF that follows the CR of a blank line: at a split, it opens the next event's bytes instead of closing this one's.
 * All bytes given are handed out again in order, so that the concatenation is what came. Only a partial event is held.
 */
export class EventSplitter {
  readonly #limits: SseLimits
  readonly #event: (bytes: Buffer) => void
  /** Of a partial event. A part of the chunk it came in as long as there is one; else `#room`, and then it is ours. */
  #held: Buffer | undefined
  #room: Buffer | undefined
  #heldBytes = 0
  #isLineEmpty = true
  #hasLines = false
  /** The last byte was a CR, so that a LF now belongs to it. */
  #skipsLf = false
  #totalBytes = 0
  #events = 0

  /** @param event gets each whole event; the bytes are not used again. */
  constructor(event: (bytes: Buffer) => void, limits: Partial<SseLimits> = {}) {
    this.#event = event
    this.#limits = { ...SSE_LIMITS, ...limits }
  }

  /** Throws `SseLimitExceeded`. */
  push(chunk: Buffer): void {
    const { length } = chunk
    if (length === 0) return
    this.#totalBytes += length
    if (this.#totalBytes > this.#limits.maxTotalBytes) this.#exceeded('maxTotalBytes')
    let from = 0
    let at = this.#skipsLf && chunk[0] === LF ? 1 : 0
    this.#skipsLf = false
    let cr = chunk.indexOf(CR)
    while (at < length) {
      let byte = chunk[at]
      if (byte !== LF && byte !== CR) {
        this.#isLineEmpty = false
        if (cr >= 0 && cr < at) cr = chunk.indexOf(CR, at)
        const lf = chunk.indexOf(LF, at)
        if (lf < 0 && cr < 0) break
        at = lf < 0 || (cr >= 0 && cr < lf) ? cr : lf
        byte = chunk[at]
      }
      at++
      if (byte === CR) {
        if (at === length) this.#skipsLf = true
        else if (chunk[at] === LF) at++
      }
      if (!this.#isLineEmpty) this.#hasLines = true
      else if (this.#hasLines) {
        this.#whole(chunk.subarray(from, at))
        from = at
      }
      this.#isLineEmpty = true
    }
    if (from < length) this.#hold(from === 0 ? chunk : chunk.subarray(from))
  }

  /** What is left when the input ends: an event without its blank line, or line ends only. Undefined: nothing. */
  end(): Buffer | undefined {
    if (this.#heldBytes === 0) return undefined
    return this.#take()
  }

  #whole(last: Buffer): void {
    this.#hasLines = false
    if (++this.#events > this.#limits.maxEvents) this.#exceeded('maxEvents')
    if (this.#heldBytes + last.length > this.#limits.maxEventBytes) this.#exceeded('maxEventBytes')
    if (this.#heldBytes === 0) {
      this.#event(last)
      return
    }
    this.#append(last)
    this.#event(this.#take())
  }

  #hold(bytes: Buffer): void {
    if (this.#heldBytes + bytes.length > this.#limits.maxEventBytes) this.#exceeded('maxEventBytes')
    if (this.#heldBytes > 0) {
      this.#append(bytes)
      return
    }
    this.#held = bytes
    this.#heldBytes = bytes.length
  }

  /** Room doubles, so that an event that comes byte by byte is copied twice and not once per byte. */
  #append(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length
    if (this.#room === undefined || this.#room.length < needed) {
      const room = Buffer.allocUnsafe(
        this.#room === undefined ? needed : Math.max(needed, 2 * this.#room.length),
      )
      this.#held?.copy(room, 0, 0, this.#heldBytes)
      this.#room = room
      this.#held = room
    }
    bytes.copy(this.#room, this.#heldBytes)
    this.#heldBytes = needed
  }

  #take(): Buffer {
    const bytes = (this.#held as Buffer).subarray(0, this.#heldBytes)
    this.#held = undefined
    this.#room = undefined
    this.#heldBytes = 0
    return bytes
  }

  #exceeded(limit: keyof SseLimits): never {
    this.#held = undefined
    this.#room = undefined
    this.#heldBytes = 0
    throw new SseLimitExceeded(limit, this.#limits)
  }
}
