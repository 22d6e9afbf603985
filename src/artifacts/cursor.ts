import type { ByteSource } from './byte-source.ts'
import { Unreadable } from './unreadable.ts'

/** Reads little-endian values one after the other, up to `end`. */
export class Cursor {
  readonly source: ByteSource
  readonly end: number
  at: number

  constructor(source: ByteSource, at = 0, end: number = source.sizeBytes) {
    this.source = source
    this.at = at
    this.end = end
  }

  bytes(length: number, what: string): Buffer {
    if (!Number.isSafeInteger(length) || length < 0)
      throw new Unreadable(this.at, what, `the length ${length}`)
    if (length > this.end - this.at)
      throw new Unreadable(
        this.at,
        `${what} of ${length} bytes`,
        `the end after ${Math.max(0, this.end - this.at)}`,
      )
    const bytes = this.source.bytes(this.at, length)
    this.at += length
    return bytes
  }

  skip(length: number, what: string): void {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.end - this.at)
      throw new Unreadable(
        this.at,
        `${what} of ${length} bytes`,
        `the end after ${Math.max(0, this.end - this.at)}`,
      )
    this.at += length
  }

  u8(what: string): number {
    if (this.at >= this.end) throw new Unreadable(this.at, what, 'the end of the file')
    return this.source.byte(this.at++)
  }

  u16(what: string): number {
    return this.bytes(2, what).readUInt16LE()
  }

  u32(what: string): number {
    return this.bytes(4, what).readUInt32LE()
  }

  /** Above 2⁵³ nothing here is meant: a count, an offset or a length. */
  u64(what: string): number {
    const value = this.bytes(8, what).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new Unreadable(this.at - 8, what, `the number ${value}`)
    return Number(value)
  }

  text(length: number, what: string, mostBytes: number): string {
    if (length > mostBytes)
      throw new Unreadable(this.at, `${what} of at most ${mostBytes} bytes`, `one of ${length}`)
    return this.bytes(length, what).toString('utf8').toWellFormed()
  }
}
