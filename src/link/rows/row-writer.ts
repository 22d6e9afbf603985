/** A buffer that grows while rows are written into it. */
export class RowWriter {
  bytes: Buffer
  view: DataView
  at = 0

  constructor(expectedBytes: number) {
    this.bytes = Buffer.allocUnsafe(expectedBytes)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
  }

  /** Room for so many more bytes. */
  reserve(bytes: number): void {
    const needed = this.at + bytes
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
    this.view = new DataView(larger.buffer, larger.byteOffset, larger.length)
  }

  u32(value: number): void {
    this.view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** Lone surrogates become U+FFFD, as UTF-8 cannot say them. */
  text(text: string): void {
    this.reserve(4 + text.length * 3)
    const length = this.bytes.write(text, this.at + 4, 'utf8')
    this.u32(length)
    this.at += length
  }

  done(): Buffer {
    return this.at === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.at)
  }
}
