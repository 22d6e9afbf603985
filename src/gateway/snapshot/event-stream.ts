export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/**
 * Reads `text/event-stream` (WHATWG HTML, 9.2.6) as it arrives, in whatever pieces: LF, CRLF and CR lines, comments,
 * several data lines. Throws a RangeError for an event beyond `maxBytes`, since a stream that never ends one would
 * fill the memory.
 */
export class EventStreamReader {
  readonly #onEvent: (event: ServerEvent) => void
  readonly #maxBytes: number
  readonly #decoder = new TextDecoder()
  #partial = ''
  /** The last piece ended in CR; an LF that follows belongs to it. */
  #skipLineFeed = false
  #event = ''
  #data: string[] = []
  #dataLength = 0

  constructor(maxBytes: number, onEvent: (event: ServerEvent) => void) {
    this.#maxBytes = maxBytes
    this.#onEvent = onEvent
  }

  push(chunk: Uint8Array): void {
    let text = this.#decoder.decode(chunk, { stream: true })
    if (this.#skipLineFeed && text.startsWith('\n')) text = text.slice(1)
    this.#skipLineFeed = text.endsWith('\r')
    const lines = (this.#partial + text).split(/\r\n|\n|\r/)
    this.#partial = lines.pop() ?? ''
    if (this.#partial.length + this.#dataLength > this.#maxBytes)
      throw new RangeError(`an event is larger than ${this.#maxBytes} bytes`)
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length > 0)
        this.#onEvent({ event: this.#event === '' ? 'message' : this.#event, data: this.#data.join('\n') })
      this.#event = ''
      this.#data = []
      this.#dataLength = 0
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#event = value
    else if (field === 'data') {
      this.#data.push(value)
      this.#dataLength += value.length
    }
  }
}
