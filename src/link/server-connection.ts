import type { Socket } from 'node:net'
import { type Clock, NumberMap } from '../kernel/index.ts'
import { type Frame, headerObject, kinds, LinkProtocolError, NO_BYTES } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { errorHeader, keyOfHello } from './handshake.ts'
import type { LinkErrorCode, LinkExchange, LinkHello, LinkSpent, LinkStreamExchange } from './link.ts'
import { StreamExchange } from './server-stream.ts'

/** A peer that has not said hello has no business with large frames. */
const BEFORE_HELLO_BYTES = 4096
const HELLO_TIMEOUT_MS = 5000
/** A client that does not read its answers is not read from until it has. Holds memory to this and its credit. */
const UNREAD_ANSWERS_BYTES = 4 * 1024 * 1024

export interface ServerConnectionOptions {
  readonly clock: Clock
  readonly hello: LinkHello
  readonly admits: (key: string | undefined) => boolean
  readonly onRequest: (exchange: LinkExchange) => void
  readonly onAsk: ((exchange: LinkStreamExchange) => void) | undefined
  readonly maxFrameBytes: number
  readonly onClose: (fault: Error | undefined) => void
}

/** One client at the server: `silent` until it said hello, then served, then leaving once it acknowledged `goAway`. */
export class ServerConnection {
  readonly #socket: Socket
  readonly #options: ServerConnectionOptions
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #exchanges = new NumberMap<Exchange | StreamExchange>()
  /** Streams with events that go out at the end of this turn. */
  #gathered: StreamExchange[] = []
  readonly #helloTimer: NodeJS.Timeout
  #rows = 0
  #bytes = 0
  #isKnown = false
  #isDraining = false
  #isLeaving = false
  #fault: Error | undefined
  readonly #gone = Promise.withResolvers<void>()

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#reader = new FrameReader(BEFORE_HELLO_BYTES, (frame) => this.#receive(frame))
    this.#writer = new FrameWriter(socket)
    this.#helloTimer = setTimeout(
      () => this.#breakOff(new LinkProtocolError('a client did not say hello')),
      HELLO_TIMEOUT_MS,
    )
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('error', (error) => {
      this.#fault ??= error
    })
    socket.on('close', () => this.#closed())
  }

  get inFlight(): number {
    return this.#exchanges.size
  }

  /** Resolves when its socket is closed and its requests are abandoned. */
  get closed(): Promise<void> {
    return this.#gone.promise
  }

  goAway(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    if (!this.#isKnown) this.#socket.end()
    else this.#writer.write(kinds.goAway, 0, 0, 0, 0, NO_BYTES, NO_BYTES)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error
      this.#breakOff(error)
    }
    if (this.#socket.writableLength > UNREAD_ANSWERS_BYTES) this.#socket.pause()
  }

  #receive(frame: Frame): void {
    if (!this.#isKnown) {
      this.#meet(frame)
      return
    }
    switch (frame.kind) {
      case kinds.request:
        this.#request(frame)
        break
      case kinds.cancel:
        this.#exchanges.get(frame.requestId)?.abandon(true)
        break
      case kinds.ask:
        this.#ask(frame)
        break
      case kinds.grant:
        this.#granted(frame)
        break
      case kinds.ping:
        this.#writer.write(kinds.pong, 0, frame.requestId, 0, 0, NO_BYTES, NO_BYTES)
        break
      case kinds.pong:
        break
      case kinds.goAway:
        this.#isLeaving = true
        this.#endIfDone()
        break
      default:
        throw new LinkProtocolError(`a client does not send frames of kind ${frame.kind} now`)
    }
  }

  #meet(frame: Frame): void {
    if (frame.kind !== kinds.hello) throw new LinkProtocolError('a client speaks before its hello')
    if (!this.#options.admits(keyOfHello(frame.header))) {
      throw new LinkProtocolError('a client has no key that is admitted')
    }
    clearTimeout(this.#helloTimer)
    this.#isKnown = true
    this.#reader.maxFrameBytes = this.#options.maxFrameBytes
    const hello = Buffer.from(JSON.stringify(this.#options.hello))
    this.#writer.write(kinds.hello, 0, 0, 0, 0, hello, NO_BYTES)
  }

  #request(frame: Frame): void {
    if (frame.rows === 0) throw new LinkProtocolError('a request has no rows')
    this.#take(frame, frame.rows)
    const exchange = new Exchange(this, frame, this.#options.clock.monotonicMs())
    this.#exchanges.set(frame.requestId, exchange)
    this.#options.onRequest(exchange)
  }

  #ask(frame: Frame): void {
    const { clock, onAsk } = this.#options
    if (onAsk === undefined) throw new LinkProtocolError('nothing here is answered by events')
    this.#take(frame, 1)
    const exchange = new StreamExchange(this, frame, clock.monotonicMs())
    this.#exchanges.set(frame.requestId, exchange)
    onAsk(exchange)
  }

  /** What was granted to a stream that has ended meanwhile is no fault. */
  #granted(frame: Frame): void {
    const exchange = this.#exchanges.get(frame.requestId)
    if (exchange instanceof StreamExchange) exchange.granted(frame.rows)
    else if (exchange !== undefined) throw new LinkProtocolError('a window was granted to a request of rows')
  }

  /** Checks that it may come, and takes its credit. */
  #take(frame: Frame, rows: number): void {
    if (this.#isLeaving) throw new LinkProtocolError('a request came after the client said it would leave')
    if (this.#exchanges.has(frame.requestId)) {
      throw new LinkProtocolError(`${frame.requestId} is in flight already`)
    }
    const { credit } = this.#options.hello
    if (
      this.#exchanges.size > 0 &&
      (this.#rows + rows > credit.rows || this.#bytes + frame.body.length > credit.bytes)
    ) {
      throw new LinkProtocolError('a client sent more than its credit')
    }
    this.#rows += rows
    this.#bytes += frame.body.length
  }

  /** It has events that go out together with those of other streams, once this turn of the event loop is over. */
  gather(stream: StreamExchange): void {
    if (this.#gathered.push(stream) === 1) setImmediate(() => this.#flushEvents())
  }

  writeEvents(requestId: number, count: number, body: Buffer): void {
    this.#writer.write(kinds.events, 0, requestId, 0, count, NO_BYTES, body)
  }

  #flushEvents(): void {
    const streams = this.#gathered
    this.#gathered = []
    for (const stream of streams) stream.flush()
    this.#writer.flush()
  }

  /** Sends the one frame that settles a request, and gives its credit back. */
  settle(
    exchange: { readonly rows: number; readonly body: Buffer },
    requestId: number,
    kind: typeof kinds.answer | typeof kinds.error | typeof kinds.end,
    rows: number,
    header: Buffer,
    body: Uint8Array,
  ): void {
    this.#exchanges.delete(requestId)
    this.#rows -= exchange.rows
    this.#bytes -= exchange.body.length
    this.#writer.write(kind, 0, requestId, 0, rows, header, body)
    if (this.#isLeaving) this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#exchanges.size > 0) return
    this.#writer.flush()
    this.#socket.end()
  }

  #breakOff(error: Error): void {
    this.#fault ??= error
    this.#socket.destroy()
  }

  #closed(): void {
    clearTimeout(this.#helloTimer)
    this.#writer.close()
    for (const exchange of this.#exchanges.values()) exchange.abandon(false)
    this.#options.onClose(this.#fault)
    this.#gone.resolve()
  }
}

class Exchange implements LinkExchange {
  readonly rows: number
  readonly body: Buffer
  readonly arrivedMs: number
  readonly deadlineAtMs: number
  readonly priority: number
  settled = false
  onCancel: (() => void) | undefined
  readonly #connection: ServerConnection
  readonly #requestId: number
  readonly #header: Buffer

  constructor(connection: ServerConnection, frame: Frame, nowMs: number) {
    this.#connection = connection
    this.#requestId = frame.requestId
    this.#header = frame.header
    this.rows = frame.rows
    this.body = frame.body
    this.priority = frame.priority
    this.arrivedMs = nowMs
    this.deadlineAtMs = frame.deadlineMs === 0 ? Number.POSITIVE_INFINITY : nowMs + frame.deadlineMs
    this.onCancel = undefined
  }

  header(): Readonly<Record<string, unknown>> | undefined {
    return this.#header.length === 0 ? undefined : headerObject(this.#header)
  }

  answer(rows: number, body: Uint8Array, spent: LinkSpent): void {
    if (this.settled) return
    const counters = Buffer.allocUnsafe(12)
    counters.writeUInt32LE(spent.computeUs, 0)
    counters.writeUInt32LE(spent.queueUs, 4)
    counters.writeUInt32LE(spent.preprocessUs, 8)
    this.#settle(kinds.answer, rows, counters, body)
  }

  fail(
    code: LinkErrorCode,
    parameters: Readonly<Record<string, string | number | boolean>>,
    options: { readonly retrySafe?: boolean; readonly detail?: string } = {},
  ): void {
    if (this.settled) return
    const header = errorHeader(code, parameters, options.detail, options.retrySafe ?? false)
    this.#settle(kinds.error, 0, header, Buffer.alloc(0))
  }

  /** The client lost interest. */
  abandon(): void {
    if (this.settled) return
    const { onCancel } = this
    this.fail('cancelled', {}, { retrySafe: false })
    onCancel?.()
  }

  #settle(
    kind: typeof kinds.answer | typeof kinds.error,
    rows: number,
    header: Buffer,
    body: Uint8Array,
  ): void {
    this.settled = true
    this.onCancel = undefined
    this.#connection.settle(this, this.#requestId, kind, rows, header, body)
  }
}
