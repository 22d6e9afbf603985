import { EventEmitter } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import type { HttpRequest } from '../server/http.ts'
import type { RequestHead } from './head.ts'

/** What a request asks of the connection it came on. */
export interface RequestSource {
  readonly socket: { destroySoon(): void }
  /** The body may flow; what waits comes in a later turn. */
  wantsBody(): void
  holdBody(): void
}

/** One request on one of our own connections. */
export class Http1Request extends EventEmitter implements HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  complete = false
  isFlowing = false
  readonly #source: RequestSource
  #isClosed = false
  #stream: Readable | undefined

  constructor(head: RequestHead, source: RequestSource) {
    super()
    this.method = head.method
    this.url = head.target
    this.headers = head.headers
    this.#source = source
  }

  get socket(): { destroySoon(): void } {
    return this.#source.socket
  }

  override on(event: string, take: (...values: never[]) => void): this {
    super.on(event, take as () => void)
    if (event === 'data') this.resume()
    return this
  }

  resume(): this {
    if (!this.isFlowing) {
      this.isFlowing = true
      this.#source.wantsBody()
    }
    return this
  }

  pause(): this {
    this.isFlowing = false
    this.#source.holdBody()
    return this
  }

  pipe<To extends Writable>(to: To): To {
    return this.#readable().pipe(to)
  }

  unpipe(to: Writable): this {
    this.#stream?.unpipe(to)
    return this
  }

  /** By the connection: the body is whole. */
  end(): void {
    this.complete = true
    this.emit('end')
    this.close()
  }

  /** By the connection: nothing more will come. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.emit('close')
  }

  #readable(): Readable {
    if (this.#stream !== undefined) return this.#stream
    const stream = new Readable({ read: () => this.resume() })
    this.#stream = stream
    this.on('data', (chunk: Buffer) => {
      if (!stream.push(chunk)) this.pause()
    })
    this.once('end', () => stream.push(null))
    this.once('close', () => {
      if (!this.complete) stream.destroy(new Error('the client left'))
    })
    return stream
  }
}
