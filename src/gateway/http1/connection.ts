import type { Socket } from 'node:net'
import type { HttpHandler } from '../server/http.ts'
import { ChunkReader } from './chunks.ts'
import { type RequestHead, readHead } from './head.ts'
import { Http1Request, type RequestSource } from './request.ts'
import { Http1Response, type ResponseOwner } from './response.ts'

export interface ConnectionOptions {
  readonly maxHeaderBytes: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly keepAliveLine: string
  readonly handle: HttpHandler
  readonly monotonicMs: () => number
  readonly onFault: (connection: Http1Connection, kind: Fault, reason: string) => void
  readonly onClose: (connection: Http1Connection) => void
}

export type Fault = 'malformed' | 'too-large' | 'too-slow'

/** What may wait behind a request that is being answered; beyond it the client has to hold back. */
const MOST_WAITING_BYTES = 65_536
const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)
const CR = 13
const LF = 10

/**
 * One connection, one request at a time:
 *
 * head ──whole──▶ body ──whole──▶ answering ──answer out──▶ head …; closed from anywhere.
 *
 * What a client sends ahead (pipelining) waits, bounded, until the answer before it is out. An answer may be out before
 * the body is in; then the rest of the body is read and thrown away.
 */
export class Http1Connection implements RequestSource, ResponseOwner {
  readonly socket: Socket
  readonly #options: ConnectionOptions
  #state: 'head' | 'body' | 'answering' | 'closed' = 'head'
  /** Bytes that were not read yet. */
  #bytes: Buffer = NOTHING
  /** Bytes of the head that were searched for its end already. */
  #searched = 0
  #sinceMs: number
  #isIdle = false
  #request: Http1Request | undefined
  #response: Http1Response | undefined
  #bodyLeft = 0
  #chunks: ChunkReader | undefined
  #isReading = false
  #isPaused = false
  #isScheduled = false
  #isAnswered = false
  #mayGoOn = true

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket
    this.#options = options
    this.#sinceMs = options.monotonicMs()
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('drain', () => this.#response?.drained())
    socket.on('end', () => this.#ended())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#closed())
  }

  get isIdle(): boolean {
    return this.#state === 'head' && this.#bytes.length === 0
  }

  /** An answer has begun: nothing else may be said in its place. */
  get isAnswering(): boolean {
    return this.#response?.headersSent === true && !this.#isAnswered
  }

  /** Looks at the time; called now and then. */
  tick(nowMs: number): void {
    const { headersTimeoutMs, keepAliveTimeoutMs, requestTimeoutMs } = this.#options
    const sinceMs = nowMs - this.#sinceMs
    if (this.#state === 'head') {
      if (this.#isIdle) {
        if (sinceMs > keepAliveTimeoutMs) this.socket.destroy()
      } else if (sinceMs > headersTimeoutMs) this.#fault('too-slow', '')
    } else if (this.#state === 'body' && sinceMs > requestTimeoutMs) this.#fault('too-slow', '')
  }

  wantsBody(): void {
    this.#resume()
    this.#readSoon()
  }

  holdBody(): void {
    this.#pause()
  }

  finished(mayGoOn: boolean): void {
    if (this.#state === 'closed') return
    this.#isAnswered = true
    this.#mayGoOn = mayGoOn
    if (!mayGoOn) {
      this.socket.destroySoon()
      return
    }
    // What the handler did not want is read to its end, so that the next request is found behind it.
    if (this.#state === 'body') this.#request?.resume()
    else this.#next()
  }

  #take(bytes: Buffer): void {
    if (this.#isIdle) {
      this.#isIdle = false
      this.#sinceMs = this.#options.monotonicMs()
    }
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    this.#read()
    if (this.#state !== 'head' && this.#bytes.length > MOST_WAITING_BYTES) this.#pause()
  }

  #readSoon(): void {
    if (this.#isScheduled || this.#isReading) return
    this.#isScheduled = true
    process.nextTick(() => {
      this.#isScheduled = false
      this.#read()
    })
  }

  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    try {
      let goesOn = true
      while (goesOn) {
        if (this.#state === 'head') goesOn = this.#readHead()
        else if (this.#state === 'body') goesOn = this.#readBody()
        else goesOn = false
      }
    } finally {
      this.#isReading = false
    }
  }

  /** True: there is more to do with what is here. */
  #readHead(): boolean {
    let bytes = this.#bytes
    // An empty line before a request is left over from clients that send one too many (RFC 9112, 2.2).
    while (bytes.length >= 2 && bytes[0] === CR && bytes[1] === LF) {
      bytes = bytes.subarray(2)
      this.#searched = 0
    }
    this.#bytes = bytes
    if (bytes.length === 0) return false
    const end = bytes.indexOf(HEAD_END, Math.max(0, this.#searched - 3))
    const { maxHeaderBytes } = this.#options
    if (end < 0 ? bytes.length > maxHeaderBytes : end > maxHeaderBytes) {
      this.#fault('too-large', '')
      return false
    }
    if (end < 0) {
      if (hasBareLineEnd(bytes, this.#searched)) this.#fault('malformed', 'a line does not end with CRLF')
      this.#searched = bytes.length
      return false
    }
    const head = readHead(bytes.toString('latin1', 0, end))
    this.#searched = 0
    this.#bytes = bytes.subarray(end + 4)
    if ('fault' in head) {
      this.#fault('malformed', head.fault)
      return false
    }
    this.#begin(head)
    return true
  }

  #begin(head: RequestHead): void {
    const { handle, keepAliveLine, monotonicMs } = this.#options
    const request = new Http1Request(head, this)
    const response = new Http1Response(this.socket, this, {
      isHead: head.method === 'HEAD',
      minor: head.minor,
      isKeptAlive: head.isKeptAlive,
      keepAliveLine,
    })
    this.#request = request
    this.#response = response
    this.#isAnswered = false
    this.#state = 'body'
    this.#bodyLeft = head.bodyBytes
    this.#chunks = head.bodyBytes < 0 ? new ChunkReader() : undefined
    this.#sinceMs = monotonicMs()
    handle(request, response, head.expectsContinue)
  }

  #readBody(): boolean {
    const request = this.#request as Http1Request
    // A request without a body is whole at once, whether anybody listens or not.
    if (this.#chunks === undefined && this.#bodyLeft === 0) {
      request.complete = true
      if (!request.isFlowing) return false
      this.#bodyEnded()
      return true
    }
    if (!request.isFlowing || this.#bytes.length === 0) return false
    if (this.#chunks === undefined) this.#readLength(request)
    else if (!this.#readChunks(request, this.#chunks)) return false
    const isWhole = this.#chunks === undefined ? this.#bodyLeft === 0 : this.#chunks.isDone
    if (this.#state !== 'body') return false
    if (isWhole) this.#bodyEnded()
    return isWhole
  }

  #readLength(request: Http1Request): void {
    const bytes = this.#bytes
    const end = Math.min(bytes.length, this.#bodyLeft)
    this.#bodyLeft -= end
    this.#bytes = end === bytes.length ? NOTHING : bytes.subarray(end)
    if (!this.#isAnswered) request.emit('data', end === bytes.length ? bytes : bytes.subarray(0, end))
  }

  #readChunks(request: Http1Request, chunks: ChunkReader): boolean {
    const bytes = this.#bytes
    this.#bytes = NOTHING
    const end = chunks.push(bytes, 0, (chunk) => {
      if (!this.#isAnswered) request.emit('data', chunk)
    })
    if (typeof end === 'string') {
      this.#fault('malformed', end)
      return false
    }
    this.#bytes = end === bytes.length ? NOTHING : bytes.subarray(end)
    return true
  }

  #bodyEnded(): void {
    this.#state = 'answering'
    ;(this.#request as Http1Request).end()
    if (this.#isAnswered) this.#next()
  }

  /** The answer is out and the body is in: on to the next request. */
  #next(): void {
    if (this.#state === 'closed' || !this.#mayGoOn) return
    this.#request = undefined
    this.#response = undefined
    this.#chunks = undefined
    this.#state = 'head'
    this.#isIdle = this.#bytes.length === 0
    this.#sinceMs = this.#options.monotonicMs()
    this.#resume()
    this.#readSoon()
  }

  #fault(kind: Fault, reason: string): void {
    this.#options.onFault(this, kind, reason)
    this.#bytes = NOTHING
    // Nothing of what still comes is read.
    if (this.#state === 'head') this.#state = 'answering'
  }

  /** The client will send nothing more. It gets no answer that is not written yet, as with `node:http`. */
  #ended(): void {
    this.socket.end()
    if (this.#response !== undefined && !this.#isAnswered) this.socket.destroySoon()
  }

  #closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#bytes = NOTHING
    this.#request?.close()
    this.#response?.close()
    this.#options.onClose(this)
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.socket.resume()
  }
}

/** A line feed without its carriage return, from where was not looked yet. */
function hasBareLineEnd(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1))
    if (at === 0 || bytes[at - 1] !== CR) return true
  return false
}
