/**
 * Chunked bodies (RFC 9112, 7.1), fed in pieces of any size. Lines end with CRLF; extensions and trailers are read,
 * bounded, and thrown away.
 */
export class ChunkReader {
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size'
  /** Of the chunk that is being read. */
  #left = 0
  #line = ''
  #trailerBytes = 0

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /**
   * Takes from `bytes[at..]`, handing over data as views. Returns where it stopped: the end of the bytes, or of the
   * body; or what is wrong.
   */
  push(bytes: Buffer, from: number, take: (chunk: Buffer) => void): number | string {
    let at = from
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left)
        take(bytes.subarray(at, end))
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#state = 'data-end'
      } else {
        const end = bytes.indexOf(LF, at)
        const stop = end < 0 ? bytes.length : end + 1
        this.#line += bytes.toString('latin1', at, stop)
        at = stop
        if (this.#line.length > MOST_LINE_BYTES) return 'a line of a chunked body is too long'
        if (end < 0) break
        const fault = this.#endLine()
        if (fault !== undefined) return fault
      }
    }
    return at
  }

  #endLine(): string | undefined {
    const line = this.#line
    this.#line = ''
    if (line.charCodeAt(line.length - 2) !== CR) return 'a line of a chunked body does not end with CRLF'
    const text = line.slice(0, -2)
    switch (this.#state) {
      case 'size':
        return this.#startChunk(text)
      case 'data-end':
        if (text !== '') return 'a chunk is longer than it said'
        this.#state = 'size'
        return undefined
      default:
        return this.#readTrailer(text)
    }
  }

  #startChunk(text: string): string | undefined {
    const match = SIZE.exec(text)
    if (match === null) return 'the size of a chunk is not a number'
    this.#left = Number.parseInt(match[1] as string, 16)
    this.#state = this.#left === 0 ? 'trailer' : 'data'
    return undefined
  }

  #readTrailer(text: string): string | undefined {
    if (text === '') {
      this.#state = 'done'
      return undefined
    }
    this.#trailerBytes += text.length
    if (this.#trailerBytes > MOST_LINE_BYTES) return 'the trailers of a chunked body are too long'
    if (!TRAILER.test(text)) return 'a trailer of a chunked body is not a header'
    return FORBIDDEN.test(text) ? 'a trailer says what only a header may' : undefined
  }
}

const LF = 10
const CR = 13
const MOST_LINE_BYTES = 4096
/** Up to 4 GiB a chunk; an extension is `;name` or `;name=value`, token or quoted. */
const SIZE =
  /^([0-9A-Fa-f]{1,8})((?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*)$/
const TRAILER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/
const FORBIDDEN = /^(?:content-length|transfer-encoding|host|authorization):/i
