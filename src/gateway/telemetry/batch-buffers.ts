/** Records a batch may hold; the contract allows ten times as many. */
export const BATCH_RECORDS = 1000
/** Below the megabyte that servers commonly take as a body. */
const FULL_BYTES = 900_000
/** `input` has at most 65,536 characters, three bytes each at most in UTF-8; the rest of a record is below 4 KB. */
const LARGEST_RECORD_BYTES = 3 * 65_536 + 4096
/** Room for the batch's own members, which are only known when it is closed. */
const HEAD_BYTES = 512
const BUFFER_BYTES = HEAD_BYTES + FULL_BYTES + LARGEST_RECORD_BYTES

/** A batch as the bytes that are posted or spilled: one line of JSON. */
export interface Batch {
  readonly bytes: Buffer
  readonly records: number
}

interface Filling {
  readonly buffer: Buffer
  end: number
  records: number
}

/**
 * Records become bytes when they are made, one after another in buffers that are used again and again. Against a queue
 * of objects that is stringified by the thousand, this never stalls the loop, holds nothing for the collector to copy,
 * and its memory is `maxBuffers` · 1.1 MB, whatever the records carry.
 */
export class BatchBuffers {
  readonly #maxBuffers: number
  readonly #free: Buffer[] = []
  readonly #closed: Filling[] = []
  #open: Filling | undefined
  #made = 0

  constructor(maxBuffers: number) {
    this.#maxBuffers = maxBuffers
  }

  get records(): number {
    return this.#closed.reduce((sum, { records }) => sum + records, this.#open?.records ?? 0)
  }

  /** Full buffers that wait. */
  get waiting(): number {
    return this.#closed.length
  }

  /** False when all buffers are full: the record is not kept. */
  add(json: string): boolean {
    let open = this.#open
    if (open === undefined || open.records >= BATCH_RECORDS || open.end >= HEAD_BYTES + FULL_BYTES) {
      open = this.#next()
      if (open === undefined) return false
    }
    if (open.records > 0) open.buffer[open.end++] = 0x2c
    open.end += open.buffer.write(json, open.end)
    open.records++
    return true
  }

  /** The oldest batch with `head` before its records; undefined when there are none. Give it back with `recycle`. */
  take(head: () => string): Batch | undefined {
    const filling = this.#closed.shift() ?? this.#open
    if (filling === undefined || filling.records === 0) return undefined
    if (filling === this.#open) this.#open = undefined
    return closed(filling, head())
  }

  /** A batch without records, for what else there is to tell. */
  static empty(head: string): Batch {
    return closed({ buffer: Buffer.alloc(HEAD_BYTES + 3), end: HEAD_BYTES, records: 0 }, head)
  }

  /** The batch was sent or written; its buffer may be used again. */
  recycle(batch: Batch): void {
    const whole = Buffer.from(batch.bytes.buffer, 0, batch.bytes.buffer.byteLength)
    if (whole.length === BUFFER_BYTES) this.#free.push(whole)
  }

  #next(): Filling | undefined {
    if (this.#open !== undefined) {
      this.#closed.push(this.#open)
      this.#open = undefined
    }
    const buffer = this.#free.pop() ?? (this.#made < this.#maxBuffers ? this.#make() : undefined)
    if (buffer === undefined) return undefined
    this.#open = { buffer, end: HEAD_BYTES, records: 0 }
    return this.#open
  }

  #make(): Buffer {
    this.#made++
    return Buffer.from(new ArrayBuffer(BUFFER_BYTES))
  }
}

function closed({ buffer, end, records }: Filling, head: string): Batch {
  const start = HEAD_BYTES - Buffer.byteLength(head)
  buffer.write(head, start)
  return { bytes: buffer.subarray(start, end + buffer.write(']}\n', end)), records }
}
