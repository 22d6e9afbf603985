import { FRAME_BYTES, type FrameKind, NO_BYTES, writeFrameHeader } from './frame.ts'

const BLOCK_BYTES = 64 * 1024
/** Larger bodies go to the socket as they are; smaller ones are cheaper to copy than to list. */
const COPY_UP_TO_BYTES = 16 * 1024

/** The part of a socket that the writer needs. */
export interface ByteSink {
  write(bytes: Uint8Array): boolean
  cork(): void
  uncork(): void
}

/**
 * Gathers the frames of one turn of the event loop and writes them with one system call. `setImmediate` is the moment:
 * it comes after all sockets that had something to say in this turn, and before the loop waits again.
 *
 * Frames are laid into blocks that are never written twice, since the socket may hold them for a while.
 */
export class FrameWriter {
  readonly #sink: ByteSink
  #block: Buffer = NO_BYTES
  #start = 0
  #end = 0
  readonly #full: Uint8Array[] = []
  #scheduled = false
  #isClosed = false
  readonly #flushSoon = () => this.flush()

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  write(
    kind: FrameKind,
    priority: number,
    requestId: number,
    deadlineMs: number,
    rows: number,
    header: Uint8Array,
    body: Uint8Array,
  ): void {
    if (this.#isClosed) return
    const copied = FRAME_BYTES + header.length + (body.length <= COPY_UP_TO_BYTES ? body.length : 0)
    const at = this.#reserve(copied)
    writeFrameHeader(this.#block, at, kind, priority, requestId, deadlineMs, rows, header.length, body.length)
    if (header.length > 0) this.#block.set(header, at + FRAME_BYTES)
    if (body.length > COPY_UP_TO_BYTES) {
      this.#cut()
      this.#full.push(body)
    } else if (body.length > 0) {
      this.#block.set(body, at + FRAME_BYTES + header.length)
    }
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#flushSoon)
  }

  flush(): void {
    this.#scheduled = false
    if (this.#isClosed) return
    this.#cut()
    if (this.#full.length === 1) {
      this.#sink.write(this.#full[0] as Uint8Array)
    } else if (this.#full.length > 1) {
      this.#sink.cork()
      for (const bytes of this.#full) this.#sink.write(bytes)
      this.#sink.uncork()
    }
    this.#full.length = 0
  }

  close(): void {
    this.#isClosed = true
    this.#full.length = 0
    this.#block = NO_BYTES
  }

  #reserve(bytes: number): number {
    if (this.#end + bytes > this.#block.length) {
      this.#cut()
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes))
      this.#start = 0
      this.#end = 0
    }
    const at = this.#end
    this.#end += bytes
    return at
  }

  #cut(): void {
    if (this.#end > this.#start) this.#full.push(this.#block.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}
