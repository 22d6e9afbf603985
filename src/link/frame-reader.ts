import { FRAME_BYTES, type Frame, frameLength, readFrame } from './frame.ts'

/**
 * Frames out of chunks that end anywhere. Frames that lie whole in a chunk are views of it; one that is spread over
 * chunks is copied once, into a buffer of its own size, so at most `maxFrameBytes` are held. After it threw, the
 * stream has lost its place: close the connection.
 */
export class FrameReader {
  /** May be raised later: a peer that has not said who it is gets a small one. */
  maxFrameBytes: number
  readonly #onFrame: (frame: Frame) => void
  /** The frame under way when `#partialBytes > 0`: first its header alone, then a buffer of its full size. */
  #partial: Buffer
  #partialBytes = 0
  #wholeBytes = 0
  readonly #fixedHeader = Buffer.alloc(FRAME_BYTES)

  constructor(maxFrameBytes: number, onFrame: (frame: Frame) => void) {
    this.maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
    this.#partial = this.#fixedHeader
  }

  /** Throws `LinkProtocolError`; what `onFrame` throws passes through. */
  push(chunk: Buffer): void {
    let at = this.#partialBytes === 0 ? 0 : this.#continue(chunk)
    while (chunk.length - at >= FRAME_BYTES) {
      const whole = frameLength(chunk, at, this.maxFrameBytes)
      if (chunk.length - at < whole) break
      this.#onFrame(readFrame(chunk, at, whole))
      at += whole
    }
    if (at < chunk.length) this.#begin(chunk, at)
  }

  #begin(chunk: Buffer, at: number): void {
    const bytes = chunk.length - at
    if (bytes >= FRAME_BYTES) {
      this.#wholeBytes = frameLength(chunk, at, this.maxFrameBytes)
      this.#partial = Buffer.allocUnsafeSlow(this.#wholeBytes)
    } else {
      this.#wholeBytes = 0
      this.#partial = this.#fixedHeader
    }
    chunk.copy(this.#partial, 0, at)
    this.#partialBytes = bytes
  }

  /** Fills the frame under way; gives the place in the chunk behind what it took. */
  #continue(chunk: Buffer): number {
    let at = 0
    if (this.#wholeBytes === 0) {
      at = Math.min(FRAME_BYTES - this.#partialBytes, chunk.length)
      chunk.copy(this.#fixedHeader, this.#partialBytes, 0, at)
      this.#partialBytes += at
      if (this.#partialBytes < FRAME_BYTES) return at
      this.#wholeBytes = frameLength(this.#fixedHeader, 0, this.maxFrameBytes)
      this.#partial = Buffer.allocUnsafeSlow(this.#wholeBytes)
      this.#fixedHeader.copy(this.#partial)
    }
    const taken = Math.min(this.#wholeBytes - this.#partialBytes, chunk.length - at)
    chunk.copy(this.#partial, this.#partialBytes, at, at + taken)
    this.#partialBytes += taken
    if (this.#partialBytes === this.#wholeBytes) {
      const frame = readFrame(this.#partial, 0, this.#wholeBytes)
      this.#partial = this.#fixedHeader
      this.#partialBytes = 0
      this.#onFrame(frame)
    }
    return at + taken
  }
}
