import { type FileHandle, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface SpillOptions {
  readonly folder: string
  /** All segments together; a batch that would go beyond it is refused. */
  readonly maxBytes: number
  /** A segment is closed at this size; replay reads one at a time into memory. */
  readonly segmentBytes: number
}

interface Segment {
  readonly path: string
  bytes: number
  batches: number
}

/**
 * Batches on disk while control is away: lines of JSON in numbered segments, oldest first. What a killed process left
 * is found again by the next one. One user at a time: calls must not overlap.
 *
 * A segment is deleted when all its lines were taken. A process that dies halfway through one sends it again from its
 * start; control takes each (gateway, sequence) once, so that is no duplicate.
 */
export class Spill {
  readonly #options: SpillOptions
  readonly #segments: Segment[] = []
  #nextNumber = 1
  /** Open for appending: the last segment, or none. */
  #tail: FileHandle | undefined
  /** Lines of the first segment that were read and not yet taken. */
  #head: Buffer[] | undefined

  constructor(options: SpillOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  get batches(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.batches, 0)
  }

  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
    const names = (await readdir(this.#options.folder)).filter((name) => /^\d{8}\.ndjson$/.test(name)).sort()
    for (const name of names) {
      const path = join(this.#options.folder, name)
      const { size } = await stat(path)
      if (size === 0) await unlink(path)
      else this.#segments.push({ path, bytes: size, batches: countLines(await readFile(path)) })
      this.#nextNumber = Number(name.slice(0, 8)) + 1
    }
  }

  /**
   * True when the line, which ends in a line feed, is with the system as a whole; false when there is no room or the
   * disk says no.
   */
  async append(line: Uint8Array): Promise<boolean> {
    if (this.bytes + line.length > this.#options.maxBytes) return false
    try {
      const segment = await this.#segmentFor(line.length)
      await (this.#tail as FileHandle).appendFile(line)
      segment.bytes += line.length
      segment.batches++
      return true
    } catch {
      // Half a line may be there now. It is told as lost, so it is cut off: at replay it would be told once more.
      await this.#tail?.truncate(this.#segments.at(-1)?.bytes).catch(() => undefined)
      await this.#closeTail()
      await this.#dropEmpty()
      return false
    }
  }

  /** The oldest line, left in place; undefined when empty. A line that a crash tore is handed out as it is. */
  async peek(): Promise<Buffer | undefined> {
    while (this.#segments.length > 0) {
      if (this.#head === undefined) await this.#readHead()
      const line = this.#head?.[0]
      if (line !== undefined) return line
      await this.#dropFirst()
    }
    return undefined
  }

  /** Takes the line that `peek` gave. */
  async shift(): Promise<void> {
    this.#head?.shift()
    const first = this.#segments[0]
    if (first !== undefined) first.batches = Math.max(0, first.batches - 1)
    if (this.#head?.length === 0) await this.#dropFirst()
  }

  async close(): Promise<void> {
    await this.#closeTail()
  }

  async #segmentFor(bytes: number): Promise<Segment> {
    const last = this.#segments.at(-1)
    const fits = last !== undefined && last.bytes + bytes <= this.#options.segmentBytes
    // A segment that is being replayed takes nothing more.
    if (this.#tail !== undefined && fits && !(this.#head !== undefined && this.#segments.length === 1))
      return last
    await this.#closeTail()
    const path = join(this.#options.folder, `${String(this.#nextNumber++).padStart(8, '0')}.ndjson`)
    this.#tail = await open(path, 'a', 0o600)
    const segment = { path, bytes: 0, batches: 0 }
    this.#segments.push(segment)
    return segment
  }

  async #readHead(): Promise<void> {
    const first = this.#segments[0] as Segment
    if (this.#segments.length === 1) await this.#closeTail()
    const bytes = await readFile(first.path).catch(() => Buffer.alloc(0))
    this.#head = linesOf(bytes)
  }

  async #dropFirst(): Promise<void> {
    const first = this.#segments.shift()
    this.#head = undefined
    if (first !== undefined) await unlink(first.path).catch(() => undefined)
  }

  async #dropEmpty(): Promise<void> {
    const last = this.#segments.at(-1)
    if (last === undefined || last.batches > 0) return
    if (this.#segments.length === 1) this.#head = undefined
    this.#segments.pop()
    await unlink(last.path).catch(() => undefined)
  }

  async #closeTail(): Promise<void> {
    const tail = this.#tail
    this.#tail = undefined
    await tail?.close().catch(() => undefined)
  }
}

/** Line feeds stay with their lines; the last line has none when a crash tore it. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let start = 0
  while (start < bytes.length) {
    const feed = bytes.indexOf(0x0a, start)
    const end = feed < 0 ? bytes.length : feed + 1
    lines.push(bytes.subarray(start, end))
    start = end
  }
  return lines
}

function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (const byte of bytes) if (byte === 0x0a) lines++
  return lines
}
