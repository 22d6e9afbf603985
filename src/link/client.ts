import { connect, type Socket } from 'node:net'
import { type Clock, SlipwayError } from '../kernel/index.ts'
import { connectOptions } from './address.ts'
import { ClientStream, type StopCode } from './client-stream.ts'
import { DeadlineWatch } from './deadline-watch.ts'
import { Flight, type Pending } from './flight.ts'
import { DEFAULT_MAX_FRAME_BYTES, type Frame, kinds, LinkProtocolError, NO_BYTES } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { failure, failureFromHeader, readHello } from './handshake.ts'
import type {
  LinkAsk,
  LinkClient,
  LinkErrorCode,
  LinkHello,
  LinkOutcome,
  LinkRequest,
  LinkState,
  LinkStream,
  LinkStreamSink,
} from './link.ts'

export interface LinkClientOptions {
  readonly clock: Clock
  /** Shown to servers that ask for one, as those that listen on TCP do. */
  readonly key?: string
  /** Until hello; default 5000. */
  readonly connectTimeoutMs?: number
  /** What may wait for credit, in rows; default 8192. */
  readonly maxQueuedRows?: number
  readonly maxFrameBytes?: number
  /** Called on each change of state; `closed` comes after everything in flight is settled. */
  readonly onState?: (state: LinkState) => void
}

/** `unix:/path` or `tcp:host:port`. Resolves when the server's hello is in; rejects with `replica_unready`. */
export function connectLink(address: string, options: LinkClientOptions): Promise<LinkClient> {
  return new Promise((resolve, reject) => {
    const connection = new Connection(address, options, (outcome) => {
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    })
    connection.open(options.connectTimeoutMs ?? 5000)
  })
}

/** What may wait for credit when the caller does not say. */
const DEFAULT_QUEUED_ROWS = 8192
const DEFAULT_PRIORITY = 1
/** How long the end of a stream is waited for that nobody wants any more; it says what was used. */
const STOP_GRACE_MS = 500

class Connection implements LinkClient {
  readonly address: string
  readonly #clock: Clock
  readonly #options: LinkClientOptions
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #deadlines: DeadlineWatch
  readonly #pings = new Map<number, (ms: number | undefined) => void>()
  readonly #flight: Flight
  #state: LinkState = 'connecting'
  #hello: LinkHello | undefined
  #opened: ((outcome: LinkClient | Error) => void) | undefined
  #openTimer: NodeJS.Timeout | undefined
  #fault: Error | undefined

  constructor(address: string, options: LinkClientOptions, opened: (outcome: LinkClient | Error) => void) {
    this.address = address
    this.#options = options
    this.#clock = options.clock
    this.#opened = opened
    this.#flight = new Flight(options.maxQueuedRows ?? DEFAULT_QUEUED_ROWS)
    this.#socket = connect(connectOptions(address))
    this.#reader = new FrameReader(options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES, (frame) =>
      this.#receive(frame),
    )
    this.#writer = new FrameWriter(this.#socket)
    this.#deadlines = new DeadlineWatch(this.#clock, (nowMs) => this.#expire(nowMs))
  }

  get state(): LinkState {
    return this.#state
  }

  get hello(): LinkHello {
    if (this.#hello === undefined) throw new TypeError('the link is not connected')
    return this.#hello
  }

  get inFlight(): number {
    return this.#flight.unsettled
  }

  get inFlightRows(): number {
    return this.#flight.unsettledRows
  }

  open(timeoutMs: number): void {
    this.#openTimer = setTimeout(() => {
      this.#breakOff(new Error(`no hello from ${this.address} within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#socket.on('connect', () => {
      const hello = { protocol: 1, ...(this.#options.key === undefined ? {} : { key: this.#options.key }) }
      this.#writer.write(kinds.hello, 0, 0, 0, 0, Buffer.from(JSON.stringify(hello)), NO_BYTES)
    })
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        this.#reader.push(chunk)
      } catch (error) {
        if (!(error instanceof LinkProtocolError)) throw error
        this.#breakOff(error)
      }
    })
    this.#socket.on('error', (error) => {
      this.#fault = error
    })
    this.#socket.on('close', () => this.#closed())
  }

  request(request: LinkRequest, settle: (outcome: LinkOutcome) => void): number {
    const id = this.#flight.nextId()
    if (this.#state !== 'ready') {
      return this.#refuse(id, settle, 'replica_unready', `the link is ${this.#state}`)
    }
    const deadlineMs = request.deadlineMs ?? 0
    const pending: Pending = {
      id,
      rows: request.rows,
      bytes: request.body.length,
      deadlineAtMs: deadlineMs > 0 ? this.#clock.monotonicMs() + deadlineMs : Number.POSITIVE_INFINITY,
      request,
      stream: undefined,
      settle,
      sent: false,
    }
    return this.#enterFlight(pending, settle, deadlineMs)
  }

  stream(ask: LinkAsk, sink: LinkStreamSink): LinkStream {
    if (this.#hello?.streams !== true) throw new TypeError('the server does not answer by events')
    const id = this.#flight.nextId()
    const stream = new ClientStream(sink, this, ask.windowBytes)
    const settle = (outcome: LinkOutcome) => stream.ended(outcome)
    const deadlineMs = ask.deadlineMs ?? 0
    const pending: Pending = {
      id,
      rows: 1,
      bytes: ask.body.length,
      deadlineAtMs: deadlineMs > 0 ? this.#clock.monotonicMs() + deadlineMs : Number.POSITIVE_INFINITY,
      request: { rows: 1, ...ask },
      stream,
      settle,
      sent: false,
    }
    stream.carriedAs(pending)
    if (this.#state === 'ready') this.#enterFlight(pending, settle, deadlineMs)
    else this.#turnAway(pending, settle, 'replica_unready', `the link is ${this.#state}`)
    return stream
  }

  /** For streams: so many bytes of events may come more. */
  grant(requestId: number, bytes: number): void {
    this.#writer.write(kinds.grant, 0, requestId, 0, bytes, NO_BYTES, NO_BYTES)
  }

  /** For streams: the server is told, and its end is waited for a moment. */
  stop(requestId: number, code: StopCode): void {
    const pending = this.#flight.find(requestId)
    // One that was turned away is told so in a moment.
    if (pending === undefined) return
    if (!pending.sent) {
      this.#flight.settle(pending, failure(code, {}, '', true, false))
      return
    }
    this.#writer.write(kinds.cancel, 0, pending.id, 0, 0, NO_BYTES, NO_BYTES)
    pending.deadlineAtMs = this.#clock.monotonicMs() + STOP_GRACE_MS
    this.#deadlines.add(pending.deadlineAtMs)
  }

  #enterFlight(pending: Pending, settle: (outcome: LinkOutcome) => void, deadlineMs: number): number {
    const place = this.#flight.enter(pending)
    if (place === 'full') {
      const limit = this.#options.maxQueuedRows ?? DEFAULT_QUEUED_ROWS
      return this.#turnAway(pending, settle, 'overloaded', `${limit} rows wait for this replica`)
    }
    if (place === 'send') this.#send(pending, deadlineMs)
    this.#deadlines.add(pending.deadlineAtMs)
    return pending.id
  }

  cancel(requestId: number): void {
    const pending = this.#flight.find(requestId)
    if (pending?.settle !== undefined) this.#abandon(pending, 'cancelled', 'the caller cancelled')
  }

  ping(): Promise<number> {
    if (this.#state === 'closed') return Promise.reject(unready(`the link is ${this.#state}`))
    return new Promise((resolve, reject) => {
      const token = this.#flight.nextId()
      const startMs = this.#clock.monotonicMs()
      this.#pings.set(token, (nowMs) => {
        if (nowMs === undefined) reject(unready('the link closed'))
        else resolve(nowMs - startMs)
      })
      this.#writer.write(kinds.ping, 0, token, 0, 0, NO_BYTES, NO_BYTES)
    })
  }

  close(): void {
    this.#writer.flush()
    this.#breakOff(new Error('the link was closed on this side'))
  }

  #send(pending: Pending, remainingMs: number): void {
    const { request } = pending
    const header = request.header === undefined ? NO_BYTES : Buffer.from(JSON.stringify(request.header))
    const deadlineMs = remainingMs > 0 ? Math.min(Math.max(1, Math.round(remainingMs)), 0xffffffff) : 0
    const priority = request.priority ?? DEFAULT_PRIORITY
    const { stream } = pending
    const kind = stream === undefined ? kinds.request : kinds.ask
    const rows = stream === undefined ? pending.rows : stream.windowBytes
    this.#writer.write(kind, priority, pending.id, deadlineMs, rows, header, request.body)
  }

  #receive(frame: Frame): void {
    switch (frame.kind) {
      case kinds.answer:
        this.#answered(frame)
        break
      case kinds.error:
        this.#failed(frame)
        break
      case kinds.events:
        this.#streamOf(frame).events(frame)
        break
      case kinds.end:
        this.#ended(frame)
        break
      case kinds.hello:
        this.#ready(readHello(frame.header))
        break
      case kinds.goAway:
        this.#goAway()
        break
      case kinds.ping:
        this.#writer.write(kinds.pong, 0, frame.requestId, 0, 0, NO_BYTES, NO_BYTES)
        break
      case kinds.pong:
        this.#pings.get(frame.requestId)?.(this.#clock.monotonicMs())
        this.#pings.delete(frame.requestId)
        break
      default:
        throw new LinkProtocolError(`a server does not send frames of kind ${frame.kind}`)
    }
  }

  #answered(frame: Frame): void {
    if (frame.header.length !== 12) throw new LinkProtocolError('an answer comes with three counters')
    this.#flight.settle(this.#flight.landed(frame.requestId), {
      ok: true,
      rows: frame.rows,
      body: frame.body,
      computeUs: frame.header.readUInt32LE(0),
      queueUs: frame.header.readUInt32LE(4),
      preprocessUs: frame.header.readUInt32LE(8),
    })
    this.#sendWaiting()
  }

  #failed(frame: Frame): void {
    const outcome = failureFromHeader(frame.header)
    this.#flight.settle(this.#flight.landed(frame.requestId), outcome)
    this.#sendWaiting()
  }

  #streamOf({ requestId }: Frame): ClientStream {
    const stream = this.#flight.find(requestId)?.stream
    if (stream === undefined) throw new LinkProtocolError(`no stream is in flight as ${requestId}`)
    return stream
  }

  #ended(frame: Frame): void {
    const stream = this.#streamOf(frame)
    const pending = this.#flight.landed(frame.requestId)
    // Its own way of being told carries more than the outcome of rows can.
    if (pending.settle !== undefined) {
      pending.settle = (outcome) => stream.ended(outcome, frame.header)
      this.#flight.settle(pending, { ...ENDED, body: frame.body })
    }
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    while (this.#state === 'ready') {
      const pending = this.#flight.next()
      if (pending === undefined) return
      const remainingMs = pending.deadlineAtMs - this.#clock.monotonicMs()
      this.#send(pending, Number.isFinite(remainingMs) ? Math.max(1, remainingMs) : 0)
    }
  }

  /** Settles now; what was sent keeps its credit until the server answers. */
  #abandon(pending: Pending, code: LinkErrorCode, detail: string): void {
    if (pending.sent) this.#writer.write(kinds.cancel, 0, pending.id, 0, 0, NO_BYTES, NO_BYTES)
    const parameters = code === 'deadline_exceeded' ? { timeoutMs: pending.request.deadlineMs ?? 0 } : {}
    this.#flight.settle(pending, failure(code, parameters, detail, !pending.sent, pending.sent))
  }

  #expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const pending of this.#flight.unsettledOnes()) {
      if (pending.deadlineAtMs <= nowMs) {
        if (pending.stream !== undefined) this.#expireStream(pending, pending.stream)
        else this.#abandon(pending, 'deadline_exceeded', 'the deadline passed on the way')
      } else if (pending.deadlineAtMs < nextMs) nextMs = pending.deadlineAtMs
    }
    return nextMs
  }

  #expireStream(pending: Pending, stream: ClientStream): void {
    if (stream.stopped === undefined && pending.sent) {
      stream.stopped = 'deadline_exceeded'
      this.stop(pending.id, stream.stopped)
      return
    }
    stream.stopped ??= 'deadline_exceeded'
    this.#flight.settle(pending, failure(stream.stopped, {}, '', !pending.sent, pending.sent))
  }

  /** It never came into the books, so that nothing may be taken out of them for it. */
  #turnAway(
    pending: Pending,
    settle: (outcome: LinkOutcome) => void,
    code: LinkErrorCode,
    detail: string,
  ): number {
    pending.settle = undefined
    return this.#refuse(pending.id, settle, code, detail)
  }

  #refuse(id: number, settle: (outcome: LinkOutcome) => void, code: LinkErrorCode, detail: string): number {
    // A retry is worth it as soon as a batch has left the queue, which takes milliseconds.
    const parameters = code === 'overloaded' ? { what: 'the link', retryAfterMs: 50 } : {}
    queueMicrotask(() => settle(failure(code, parameters, detail, true, false)))
    return id
  }

  #ready(hello: LinkHello): void {
    if (this.#hello !== undefined) throw new LinkProtocolError('hello came twice')
    clearTimeout(this.#openTimer)
    this.#hello = hello
    this.#flight.credit = hello.credit
    this.#enter('ready')
    this.#opened?.(this)
    this.#opened = undefined
  }

  #goAway(): void {
    if (this.#state !== 'ready') return
    this.#enter('draining')
    this.#failWaiting('the replica is draining')
    this.#writer.write(kinds.goAway, 0, 0, 0, 0, NO_BYTES, NO_BYTES)
  }

  #failWaiting(detail: string): void {
    for (const pending of this.#flight.waiting()) {
      this.#flight.settle(pending, failure('replica_unready', {}, detail, true, false))
    }
  }

  #breakOff(error: Error): void {
    this.#fault ??= error
    this.#socket.destroy()
  }

  /** The socket is gone, whoever did it. */
  #closed(): void {
    if (this.#state === 'closed') return
    clearTimeout(this.#openTimer)
    this.#deadlines.close()
    this.#writer.close()
    // Closed before anything is settled: a retry must not come back to this link.
    this.#state = 'closed'
    const detail = this.#fault?.message ?? 'the replica closed the link'
    this.#failWaiting(detail)
    for (const pending of this.#flight.unsettledOnes()) {
      this.#flight.settle(pending, failure('replica_lost', {}, detail, false, true))
    }
    for (const settle of this.#pings.values()) settle(undefined)
    this.#pings.clear()
    this.#opened?.(unready(detail, this.#fault))
    this.#opened = undefined
    this.#options.onState?.('closed')
  }

  #enter(state: LinkState): void {
    this.#state = state
    this.#options.onState?.(state)
  }
}

const ENDED = { ok: true, rows: 0, computeUs: 0, queueUs: 0, preprocessUs: 0 } as const

function unready(reason: string, cause?: Error): SlipwayError {
  const error = new SlipwayError('replica_unready', { retryAfterMs: 50 }, { cause })
  error.message = reason
  return error
}
