import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type GatewayTextState,
  gatewayTextState,
  leaseExchange,
  type RequestRecord,
  type Snapshot,
  type TelemetryBatch,
  telemetryBatch,
} from '../../contracts/index.ts'
import { LeaseBook } from '../../routing/index.ts'

/** How control takes a batch: with this status, or never answering. */
export type TelemetryMood = number | 'hang'

/**
 * The three paths of control that a gateway uses, on a real socket. Takes each (gateway, sequence) once, as control does,
 * and checks every batch against the contract.
 */
export class FakeControl {
  readonly batches: TelemetryBatch[] = []
  readonly records: RequestRecord[] = []
  readonly textStates: GatewayTextState[] = []
  dropped = 0
  duplicates = 0
  mood: TelemetryMood = 200
  /** Who counts shared limits; a new one is control started anew without its store. */
  leases = new LeaseBook()
  port = 0
  #snapshot: Snapshot | undefined
  /** Answers what is not between a gateway and control; left out: all needs the internal key. */
  elsewhere: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  readonly #watchers = new Set<ServerResponse>()
  readonly #seen = new Set<string>()
  #server: Server | undefined
  readonly internalKey: string

  constructor(internalKey: string) {
    this.internalKey = internalKey
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get watchers(): number {
    return this.#watchers.size
  }

  /** Listens, on the port it had before if there was one. */
  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#handle(request, response))
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    return this
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#watchers.clear()
    server?.closeAllConnections()
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  }

  publish(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    for (const watcher of this.#watchers) watcher.write(eventOf(snapshot))
  }

  /** Anything, as the data of a snapshot event. */
  publishRaw(data: string): void {
    for (const watcher of this.#watchers) watcher.write(`event: snapshot\ndata: ${data}\n\n`)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.elsewhere !== undefined && request.url?.startsWith('/internal/') === false)
      this.elsewhere(request, response)
    else if (request.headers.authorization !== `Bearer ${this.internalKey}`) response.writeHead(401).end()
    else if (request.url === '/internal/v1/snapshot') this.#watch(response)
    else await this.#take(request, response)
  }

  #watch(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    this.#watchers.add(response)
    response.on('close', () => this.#watchers.delete(response))
    if (this.#snapshot !== undefined) response.write(eventOf(this.#snapshot))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (this.mood === 'hang') return
    if (request.url === '/internal/v1/leases') {
      const message = leaseExchange.parse(JSON.parse(Buffer.concat(chunks).toString()))
      const time = { monotonicMs: performance.now(), nowMs: Date.now() }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(this.leases.exchange(message, time).answer))
      return
    }
    if (this.mood !== 200) {
      response.writeHead(this.mood).end()
      return
    }
    if (request.url === '/internal/v1/text-state') {
      this.textStates.push(gatewayTextState.parse(JSON.parse(Buffer.concat(chunks).toString())))
      response.writeHead(204).end()
      return
    }
    const batch = telemetryBatch.parse(JSON.parse(Buffer.concat(chunks).toString()))
    const identity = `${batch.gateway} ${batch.sequence}`
    if (this.#seen.has(identity)) this.duplicates++
    else {
      this.#seen.add(identity)
      this.batches.push(batch)
      this.records.push(...batch.records)
      this.dropped += batch.dropped
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"taken":${batch.records.length}}`)
  }
}

function eventOf(snapshot: Snapshot): string {
  return `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`
}
