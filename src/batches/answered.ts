import { createHash } from 'node:crypto'
import { type BatchUsage, CLIENT_FILE_PREFIX } from '../contracts/index.ts'
import { isSlipwayError } from '../kernel/index.ts'
import type { BatchCounts, BlobFolder, Journal } from '../store/index.ts'
import { addUsage, NO_BATCH_USAGE, ordinalOf } from './output-line.ts'
import { readLines } from './read-lines.ts'

export type JournalKind = 'output' | 'error'

/** A line of a journal holds an answer and its request's name. */
export const LINE_FACTOR = 2

/**
 * What of a batch is answered: two journals, one for each file that it will become, and in memory one bit a line. An
 * answer counts once it stands in its journal, so a kill at any moment loses nothing that was counted and counts
 * nothing twice.
 */
export class Answered {
  readonly #journals: Readonly<Record<JournalKind, Journal>>
  readonly #bits: Uint8Array
  readonly #total: number
  #completed = 0
  #failed = 0
  #usage = NO_BATCH_USAGE

  private constructor(total: number, bits: Uint8Array, journals: Record<JournalKind, Journal>) {
    this.#total = total
    this.#bits = bits
    this.#journals = journals
  }

  /** Opens the journals of a batch and reads what they hold. */
  static async open(
    blobs: BlobFolder,
    batch: string,
    size: { total: number; maxAnswerBytes: number },
  ): Promise<Answered> {
    const journals = {
      output: await blobs.openJournal(journalName(batch, 'output')),
      error: await blobs.openJournal(journalName(batch, 'error')),
    }
    const answered = new Answered(size.total, bitsFor(size.total), journals)
    for (const kind of ['output', 'error'] as const)
      for await (const { bytes, ordinal } of linesOf(blobs, batch, kind, size.maxAnswerBytes))
        answered.#count(kind, ordinal, kind === 'output' ? bodyOf(bytes) : undefined)
    return answered
  }

  get counts(): BatchCounts {
    return { total: this.#total, completed: this.#completed, failed: this.#failed }
  }

  get usage(): BatchUsage {
    return this.#usage
  }

  has(ordinal: number): boolean {
    return hasBit(this.#bits, ordinal)
  }

  /** Stores the line, then counts it. @param body of a good answer, for its usage. */
  async add(kind: JournalKind, ordinal: number, line: string, body?: unknown): Promise<void> {
    await this.#journals[kind].append(line)
    this.#count(kind, ordinal, body)
  }

  async close(): Promise<void> {
    await this.#journals.output.close()
    await this.#journals.error.close()
  }

  #count(kind: JournalKind, ordinal: number, body: unknown): void {
    if (hasBit(this.#bits, ordinal)) return
    setBit(this.#bits, ordinal)
    if (kind === 'output') {
      this.#completed++
      this.#usage = addUsage(this.#usage, body)
    } else this.#failed++
  }
}

/** The id of a finished file: the same each time, so that finalising again writes the same file. */
export function fileIdOf(batch: string, kind: JournalKind): string {
  return `${CLIENT_FILE_PREFIX}${createHash('sha256').update(`${batch} ${kind}`).digest('hex').slice(0, 24)}`
}

export function journalName(batch: string, kind: JournalKind): string {
  return `${batch}.${kind}.jsonl`
}

/**
 * The content of a finished file, each line of the input once: where two runs of a batch overlapped, the first answer
 * counts. @param seen bits of lines that stand elsewhere already; those of this journal are added.
 */
export async function* finishedLines(
  blobs: BlobFolder,
  batch: string,
  kind: JournalKind,
  seen: Uint8Array,
  maxAnswerBytes: number,
): AsyncGenerator<Buffer> {
  for await (const { bytes, ordinal } of linesOf(blobs, batch, kind, maxAnswerBytes)) {
    if (hasBit(seen, ordinal)) continue
    setBit(seen, ordinal)
    yield bytes
    yield NEWLINE
  }
}

const NEWLINE = Buffer.from('\n')

async function* linesOf(
  blobs: BlobFolder,
  batch: string,
  kind: JournalKind,
  maxAnswerBytes: number,
): AsyncGenerator<{ bytes: Buffer; ordinal: number }> {
  const content = await blobs.read(journalName(batch, kind)).catch((error: unknown) => {
    if (isSlipwayError(error) && error.code === 'unknown_file') return undefined
    throw error
  })
  if (content === undefined) return
  for await (const { bytes } of readLines(content, LINE_FACTOR * maxAnswerBytes))
    if (bytes !== undefined) yield { bytes, ordinal: ordinalOf(batch, bytes) }
}

export function bitsFor(total: number): Uint8Array {
  return new Uint8Array((total >> 3) + 1)
}

function hasBit(bits: Uint8Array, ordinal: number): boolean {
  return ((bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0
}

function setBit(bits: Uint8Array, ordinal: number): void {
  bits[ordinal >> 3] = (bits[ordinal >> 3] ?? 0) | (1 << (ordinal & 7))
}

function bodyOf(line: Buffer): unknown {
  return (JSON.parse(line.toString()) as { response?: { body?: unknown } }).response?.body
}
