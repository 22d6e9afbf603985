import { EventSplitter, type SseLimits } from './event-splitter.ts'

export interface SseEvent {
  /** Of its `event:` line. */
  readonly event: string | undefined
  /** Its `data:` lines, joined by LF. */
  readonly data: string
  readonly id: string | undefined
}

const LF = 0x0a
const CR = 0x0d
const DATA = Buffer.from('data:')
const BOM = Buffer.from('\uFEFF')

/**
 * Server-sent events out of bytes, the same for every split of them (WHATWG HTML, section 9.2). Other than a browser, an
 * event whose blank line is missing at the end of the input counts: servers leave it out, and clients would lose the
 * last words. Comments, and events without data, tell nothing.
 */
export class SseReader {
  readonly #splitter: EventSplitter
  readonly #event: (event: SseEvent) => void
  #isFirst = true

  constructor(event: (event: SseEvent) => void, limits: Partial<SseLimits> = {}) {
    this.#event = event
    this.#splitter = new EventSplitter((bytes) => this.#whole(bytes), limits)
  }

  /** Throws `SseLimitExceeded`; takes nothing more then. */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk)
  }

  end(): void {
    const rest = this.#splitter.end()
    if (rest !== undefined) this.#whole(rest)
  }

  #whole(bytes: Buffer): void {
    const isFirst = this.#isFirst
    this.#isFirst = false
    const event = parseEvent(isFirst && bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes)
    if (event !== undefined) this.#event(event)
  }
}

/** The bytes of one event, with or without its blank line. Undefined where it has no data. */
export function parseEvent(bytes: Buffer): SseEvent | undefined {
  return plainEvent(bytes) ?? eventOfLines(bytes)
}

/** One `data:` line and nothing else, as nearly all are: its text is decoded once and not cut again. */
function plainEvent(bytes: Buffer): SseEvent | undefined {
  for (let index = 0; index < DATA.length; index++) if (bytes[index] !== DATA[index]) return undefined
  const { length } = bytes
  let end = bytes.indexOf(LF, DATA.length)
  if (end < 0 || length - end > 3 || (length - end === 3 && bytes[end + 1] !== CR)) return undefined
  if (bytes[end - 1] === CR) end--
  const data = bytes.toString('utf8', bytes[5] === 0x20 ? 6 : 5, end)
  return data.includes('\r') ? undefined : { event: undefined, data, id: undefined }
}

function eventOfLines(bytes: Buffer): SseEvent | undefined {
  const text = bytes.toString('utf8')
  let event: string | undefined
  let id: string | undefined
  let data: string | undefined
  for (const line of text.split(text.includes('\r') ? /\r\n|\r|\n/ : '\n')) {
    const colon = line.indexOf(':')
    if (line === '' || colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1)
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }
  return data === undefined ? undefined : { event, data, id }
}
