import { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpResponse } from '../server/http.ts'
import { dateLine } from './date-line.ts'

/** How the connection that carries it is told. */
export interface ResponseOwner {
  /** All was handed to the operating system. `mayGoOn`: another request may come on this connection. */
  finished(mayGoOn: boolean): void
}

export interface ResponseFraming {
  readonly isHead: boolean
  readonly minor: number
  readonly isKeptAlive: boolean
  /** The line that tells kept connections how long they may idle. */
  readonly keepAliveLine: string
}

/** Bodies up to this are copied behind their head, so that both leave in one write. */
const COPY_BYTES = 65_536
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const LAST_CHUNK = '0\r\n\r\n'

/** One answer on one of our own connections; framing by length, by chunks, or to the end of the connection. */
export class Http1Response extends EventEmitter implements HttpResponse {
  headersSent = false
  writableFinished = false
  destroyed = false
  closed = false
  readonly #socket: Socket
  readonly #owner: ResponseOwner
  readonly #asked: ResponseFraming
  #head = ''
  #more: string[] = []
  #framing: 'undecided' | 'length' | 'chunks' | 'close' | 'none' = 'undecided'
  #isLast: boolean
  #isEnded = false

  constructor(socket: Socket, owner: ResponseOwner, asked: ResponseFraming) {
    super()
    this.#socket = socket
    this.#owner = owner
    this.#asked = asked
    this.#isLast = !asked.isKeptAlive
  }

  get writableLength(): number {
    return this.closed ? 0 : this.#socket.writableLength
  }

  setHeader(name: string, value: string): void {
    this.#more.push(name, value)
  }

  writeHead(status: number, headers: string[]): this {
    if (this.#head !== '') throw new TypeError('the head is written already')
    const all = this.#more.length === 0 ? headers : [...headers, ...this.#more]
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
    for (let at = 0; at < all.length; at += 2) {
      const name = all[at] as string
      const value = all[at + 1] as string
      if (UNSAFE.test(value)) throw new TypeError(`the header ${name} has control characters`)
      head += `${name}: ${value}\r\n`
      if (name === 'content-length') this.#framing = 'length'
      else if (name === 'connection' && value === 'close') this.#isLast = true
    }
    if (this.#asked.isHead || status === 204 || status === 304) this.#framing = 'none'
    this.#head = head + dateLine()
    return this
  }

  write(chunk: string | Buffer): boolean {
    if (this.#isEnded || this.destroyed) return true
    const head = this.#takeHead(undefined)
    if (chunk.length === 0 || this.#framing === 'none') return head === '' ? true : this.#send(head)
    return this.#send(head, chunk, this.#framing === 'chunks')
  }

  end(chunk?: string | Buffer, encoding: BufferEncoding = 'utf8'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.destroyed) return
    const isEmpty = chunk === undefined || chunk.length === 0
    const head = this.#takeHead(isEmpty ? 0 : Buffer.byteLength(chunk as string, encoding))
    const isBare = isEmpty || this.#framing === 'none'
    if (this.#framing !== 'chunks') {
      if (isBare) this.#last(head)
      else if (typeof chunk === 'string') this.#lastText(head, chunk, encoding)
      else this.#last(this.#joined(head, chunk as Buffer))
      return
    }
    if (isBare) this.#last(head + LAST_CHUNK)
    else {
      this.#send(head, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Buffer), true)
      this.#last(LAST_CHUNK)
    }
  }

  flushHeaders(): void {
    if (!this.#isEnded && !this.destroyed) this.#send(this.#takeHead(undefined))
  }

  writeContinue(): void {
    if (!this.headersSent && !this.destroyed) this.#socket.write(CONTINUE, 'latin1')
  }

  destroy(): this {
    this.destroyed = true
    this.#socket.destroy()
    return this
  }

  /** By the connection: the client took what waited. */
  drained(): void {
    this.emit('drain')
  }

  /** By the connection, whoever ended it. */
  close(): void {
    if (this.closed) return
    this.destroyed = true
    this.closed = true
    this.emit('close')
  }

  /** The head with its framing, once; then nothing. `bodyBytes`: of the whole body, where it is known. */
  #takeHead(bodyBytes: number | undefined): string {
    if (this.headersSent) return ''
    if (this.#head === '') throw new TypeError('there is no head yet')
    this.headersSent = true
    let head = this.#head
    if (this.#framing === 'undecided') {
      if (bodyBytes !== undefined) {
        this.#framing = 'length'
        head += `content-length: ${bodyBytes}\r\n`
      } else if (this.#asked.minor === 1) {
        this.#framing = 'chunks'
        head += 'transfer-encoding: chunked\r\n'
      } else {
        this.#framing = 'close'
        this.#isLast = true
      }
    }
    // A `connection: close` of the handler's own is in the head already.
    if (!this.#isLast) head += this.#asked.keepAliveLine
    else if (!head.includes('\r\nconnection: close\r\n')) head += 'connection: close\r\n'
    return `${head}\r\n`
  }

  #send(head: string, chunk?: string | Buffer, isChunked = false): boolean {
    const socket = this.#socket
    if (chunk === undefined) return socket.write(head, 'latin1')
    if (typeof chunk === 'string' && !isChunked && head === '') return socket.write(chunk, 'utf8')
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
    const before = isChunked ? `${head}${bytes.length.toString(16)}\r\n` : head
    if (bytes.length <= COPY_BYTES) return socket.write(framed(before, bytes, isChunked))
    socket.cork()
    if (before !== '') socket.write(before, 'latin1')
    socket.write(bytes)
    const hasRoom = isChunked ? socket.write('\r\n', 'latin1') : !socket.writableNeedDrain
    socket.uncork()
    return hasRoom
  }

  #joined(head: string, body: Buffer): Buffer | string {
    if (head === '') return body
    if (body.length <= COPY_BYTES) return framed(head, body, false)
    this.#socket.write(head, 'latin1')
    return body
  }

  #lastText(head: string, text: string, encoding: BufferEncoding): void {
    // Heads are ASCII, so head and body are one string in the encoding of the body.
    this.#socket.write(head + text, encoding, this.#flushed)
  }

  #last(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1', this.#flushed)
    else this.#socket.write(bytes, this.#flushed)
  }

  readonly #flushed = (error?: Error | null): void => {
    if (error || this.closed) return
    this.writableFinished = true
    this.closed = true
    this.emit('close')
    this.#owner.finished(!this.#isLast)
  }
}

/** What would end a header early. */
const UNSAFE = /[\0\r\n]/

function framed(before: string, bytes: Buffer, isChunked: boolean): Buffer {
  const whole = Buffer.allocUnsafe(before.length + bytes.length + (isChunked ? 2 : 0))
  whole.write(before, 0, 'latin1')
  bytes.copy(whole, before.length)
  if (isChunked) whole.write('\r\n', before.length + bytes.length, 'latin1')
  return whole
}
