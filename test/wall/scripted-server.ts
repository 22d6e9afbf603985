import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Script, Step } from './script.ts'
import { stepsOf } from './steps-of.ts'
import type { WireDialect } from './wire-dialect.ts'

export interface SeenRequest {
  readonly id: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What happened, in the order in which it did: tests look at that order and never at a watch. */
export type WallEvent =
  | { readonly what: 'request'; readonly id: number }
  | { readonly what: 'step'; readonly id: number; readonly act: Step['act']; readonly step: number }
  /** The client closed the connection before the script was through. */
  | { readonly what: 'left'; readonly id: number }
  | { readonly what: 'done'; readonly id: number }

/**
 * Asked before each step of each request; the step waits for it. By default nothing waits. A test that holds a step
 * knows what the client has seen so far.
 */
export type Schedule = (id: number, step: number, act: Step['act']) => Promise<void> | undefined

export interface ScriptedServer {
  readonly port: number
  /** `http://127.0.0.1:port`, without a path. */
  readonly origin: string
  readonly dialect: WireDialect
  readonly requests: readonly SeenRequest[]
  readonly events: readonly WallEvent[]
  /** For the next requests, one each; when none is left, the usual one. */
  next(...scripts: readonly Script[]): void
  /** For every request that has no script of its own. */
  always(script: Script): void
  /** Chooses by what was asked (its key, its model); before `next` and `always`. */
  choose(pick: ((request: SeenRequest) => Script | undefined) | undefined): void
  schedule(schedule: Schedule | undefined): void
  /** Resolves when something happened that the condition accepts, past or future. */
  seen(condition: (event: WallEvent) => boolean): Promise<WallEvent>
  /** Bytes that the client's side of connection of this request has not taken yet. */
  backlogBytes(id: number): number
  /** Connections are cut and nobody listens any more, until `open` again at the same port. */
  vanish(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

/** Recorded requests and events; older ones are forgotten. */
const MAX_KEPT = 20_000

/** A real HTTP server on loopback that plays one API, with whatever goes wrong at its users'. */
export async function openScriptedServer(dialect: WireDialect): Promise<ScriptedServer> {
  const server = new Playing(dialect)
  await server.comeBack()
  return server
}

class Playing implements ScriptedServer {
  readonly dialect: WireDialect
  readonly requests: SeenRequest[] = []
  readonly events: WallEvent[] = []
  readonly #waiters = new Set<{
    condition: (event: WallEvent) => boolean
    told: (event: WallEvent) => void
  }>()
  readonly #responses = new Map<number, ServerResponse>()
  #server: Server | undefined
  #port = 0
  #next: Script[] = []
  #always: Script = {}
  #pick: ((request: SeenRequest) => Script | undefined) | undefined
  #schedule: Schedule | undefined
  #lastId = 0

  constructor(dialect: WireDialect) {
    this.dialect = dialect
  }

  get port(): number {
    return this.#port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  next(...scripts: readonly Script[]): void {
    this.#next.push(...scripts)
  }

  always(script: Script): void {
    this.#always = script
  }

  choose(pick: ((request: SeenRequest) => Script | undefined) | undefined): void {
    this.#pick = pick
  }

  schedule(schedule: Schedule | undefined): void {
    this.#schedule = schedule
  }

  seen(condition: (event: WallEvent) => boolean): Promise<WallEvent> {
    const past = this.events.find(condition)
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((told) => this.#waiters.add({ condition, told }))
  }

  backlogBytes(id: number): number {
    return this.#responses.get(id)?.writableLength ?? 0
  }

  async vanish(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  async comeBack(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#read(request, response)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  close(): Promise<void> {
    return this.vanish()
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    request.on('end', () => {
      const id = this.#lastId++
      const seen: SeenRequest = {
        id,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      }
      if (this.requests.length < MAX_KEPT) this.requests.push(seen)
      this.#tell({ what: 'request', id })
      void this.#play(seen, response)
    })
  }

  async #play(seen: SeenRequest, response: ServerResponse): Promise<void> {
    const { id } = seen
    const script = this.#pick?.(seen) ?? this.#next.shift() ?? this.#always
    const steps = stepsOf(this.dialect, script, this.dialect.isStream(seen.path, objectOf(seen.body)))
    let isOver = false
    this.#responses.set(id, response)
    response.on('close', () => {
      this.#responses.delete(id)
      if (!isOver) this.#tell({ what: 'left', id })
      isOver = true
    })
    for (const [index, step] of steps.entries()) {
      await this.#schedule?.(id, index, step.act)
      if (isOver) return
      if (step.act === 'end' || step.act === 'reset' || step.act === 'half-close') isOver = true
      // Each write is a packet of its own: the next one waits until this one left.
      await act(response, step)
      this.#tell({ what: 'step', id, act: step.act, step: index })
    }
    if (isOver) this.#tell({ what: 'done', id })
  }

  #tell(event: WallEvent): void {
    if (this.events.length < MAX_KEPT) this.events.push(event)
    for (const waiter of this.#waiters)
      if (waiter.condition(event)) {
        this.#waiters.delete(waiter)
        waiter.told(event)
      }
  }
}

function act(response: ServerResponse, step: Step): Promise<void> | undefined {
  switch (step.act) {
    case 'head':
      response.writeHead(step.status, step.headers)
      response.flushHeaders()
      return undefined
    case 'write':
      return written(response, step.bytes)
    case 'raw':
      response.socket?.write(step.bytes)
      return undefined
    case 'end':
      response.end()
      return undefined
    case 'reset':
      response.socket?.resetAndDestroy()
      return undefined
    case 'half-close':
      response.socket?.end()
      return undefined
    default:
      return undefined
  }
}

/** Resolves when the kernel has the bytes, or the connection is gone; a full window holds the script. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.write(bytes, () => {
      response.off('close', resolve)
      setImmediate(resolve)
    })
  })
}

function objectOf(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}
