const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

export interface Line {
  /** Counts from 1, empty lines included. */
  readonly number: number
  /** Counts from 1, without the blank ones. */
  readonly ordinal: number
  /** Undefined: longer than was allowed. */
  readonly bytes: Buffer | undefined
}

/**
 * The lines of a file as they come, blank ones left out. Holds one line and one chunk of the source; of a line that is
 * too long nothing is kept.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<Line> {
  let number = 1
  let ordinal = 0
  let pieces: Buffer[] = []
  let length = 0
  const whole = (): Line | undefined => {
    const isTooLong = length > maxLineBytes
    const bytes = isTooLong ? undefined : trimmed(Buffer.concat(pieces), number)
    const line = bytes?.length === 0 ? undefined : { number, ordinal: ++ordinal, bytes }
    number++
    pieces = []
    length = 0
    return line
  }
  const keep = (piece: Buffer) => {
    length += piece.length
    if (length > maxLineBytes) pieces = []
    else pieces.push(piece)
  }
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start)
      if (end < 0) break
      keep(bytes.subarray(start, end))
      start = end + 1
      const line = whole()
      if (line !== undefined) yield line
    }
    if (start < bytes.length) keep(bytes.subarray(start))
  }
  const last = length === 0 ? undefined : whole()
  if (last !== undefined) yield last
}

function trimmed(line: Buffer, number: number): Buffer {
  let bytes = line
  if (number === 1 && bytes.subarray(0, 3).equals(BOM)) bytes = bytes.subarray(3)
  if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1)
  return bytes.toString('latin1').trim() === '' ? Buffer.alloc(0) : bytes
}
