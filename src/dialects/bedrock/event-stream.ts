import { crc32 } from 'node:zlib'
import { UpstreamBroken } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'

/** One message of the framing. Headers that are neither text nor a flag are not kept: nothing here reads them. */
export interface EventMessage {
  readonly headers: ReadonlyMap<string, string | boolean>
  readonly payload: Buffer
}

export interface EventStreamLimits {
  /** Of one message with its frame. */
  readonly maxMessageBytes: number
  readonly maxTotalBytes: number
}

const LIMITS: EventStreamLimits = { maxMessageBytes: 1024 * 1024, maxTotalBytes: 1024 * 1024 * 1024 }
/** Length of the message, length of its headers, checksum of these two. */
const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4

/**
 * Messages of `application/vnd.amazon.eventstream` out of bytes, the same for every split of them. Both checksums must
 * hold (CRC-32 of IEEE 802.3), and a message that announces more than the limit is refused before it is held.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 *
 * Throws `UpstreamBroken`; takes nothing more then.
 */
export class EventStreamReader {
  readonly #message: (message: EventMessage) => void
  readonly #limits: EventStreamLimits
  /** Of the message at hand: its prelude first, then room for all of it. */
  #room = Buffer.alloc(PRELUDE_BYTES)
  #heldBytes = 0
  #totalBytes = 0

  constructor(message: (message: EventMessage) => void, limits: Partial<EventStreamLimits> = {}) {
    this.#message = message
    this.#limits = { ...LIMITS, ...limits }
  }

  /** A message has begun and is not whole. */
  get isWithin(): boolean {
    return this.#heldBytes > 0
  }

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length
    if (this.#totalBytes > this.#limits.maxTotalBytes)
      throw broken(`its stream is longer than ${this.#limits.maxTotalBytes} bytes`)
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.copy(this.#room, this.#heldBytes, at)
      at += taken
      this.#heldBytes += taken
      if (this.#heldBytes < this.#room.length) continue
      if (this.#room.length === PRELUDE_BYTES) this.#makeRoom()
      else this.#take()
    }
  }

  #makeRoom(): void {
    const prelude = this.#room
    if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8))
      throw broken('a message of its stream has a prelude with a wrong checksum')
    const bytes = prelude.readUInt32BE(0)
    if (bytes > this.#limits.maxMessageBytes)
      throw broken(`a message of its stream is larger than ${this.#limits.maxMessageBytes} bytes`)
    if (bytes < PRELUDE_BYTES + prelude.readUInt32BE(4) + CHECKSUM_BYTES)
      throw broken('a message of its stream has more headers than bytes')
    this.#room = Buffer.alloc(bytes)
    prelude.copy(this.#room)
  }

  #take(): void {
    const bytes = this.#room
    this.#room = Buffer.alloc(PRELUDE_BYTES)
    this.#heldBytes = 0
    const end = bytes.length - CHECKSUM_BYTES
    if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end))
      throw broken('a message of its stream has a wrong checksum')
    const payloadFrom = PRELUDE_BYTES + bytes.readUInt32BE(4)
    const headers = readHeaders(bytes.subarray(PRELUDE_BYTES, payloadFrom))
    this.#message({ headers, payload: bytes.subarray(payloadFrom, end) })
  }
}

/** Bytes of a value by its type; of types 6 and 7 (bytes and text) after a length of two bytes. */
const FIXED_BYTES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]
const TRUE = 0
const FALSE = 1
const TEXT = 7

function readHeaders(bytes: Buffer): Map<string, string | boolean> {
  const headers = new Map<string, string | boolean>()
  let at = 0
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw broken('a header of its stream is cut off')
    at += count
    return bytes.subarray(at - count, at)
  }
  while (at < bytes.length) {
    const name = take(take(1).readUInt8()).toString('utf8')
    const type = take(1).readUInt8()
    if (type >= FIXED_BYTES.length) throw broken('a header of its stream has an unknown type')
    const value = take(FIXED_BYTES[type] ?? take(2).readUInt16BE())
    if (type === TRUE || type === FALSE) headers.set(name, type === TRUE)
    else if (type === TEXT) headers.set(name, value.toString('utf8'))
  }
  return headers
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
