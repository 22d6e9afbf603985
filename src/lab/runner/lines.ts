import type { Readable } from 'node:stream'

/** Lines of a stream, without their ends. Rejects when one is longer than `mostBytes`. */
export async function* linesOf(stream: Readable, mostBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      bytes = 0
      from = end + 1
    }
    const rest = chunk.subarray(from)
    bytes += rest.length
    if (bytes > mostBytes) throw new RangeError(`a line is longer than ${mostBytes} bytes`)
    if (rest.length > 0) parts.push(rest)
  }
  if (bytes > 0) yield Buffer.concat(parts).toString('utf8')
}

/** Raw blocks of a check with a hundred thousand items stay below this. */
export const MOST_LINE_BYTES = 64 * 1024 * 1024
