import { EventEmitter } from 'node:events'
import { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { Http1Connection } from '../connection.ts'

/** What a reader of HTTP/1.1 found in some bytes: whole requests in order, and whether it then refused the rest. */
export interface Reading {
  readonly messages: readonly string[]
  readonly fault: string | undefined
  /** Closed behind a request that ended the connection: the rest was not looked at. */
  readonly isOver: boolean
}

const MAX_HEADER_BYTES = 16_384

/** As the codec of our own reads them, cut into `pieces`. */
export function readByOurs(pieces: readonly Buffer[]): Reading {
  const messages: string[] = []
  let fault: string | undefined
  const socket = new FakeSocket()
  new Http1Connection(socket as unknown as Socket, {
    maxHeaderBytes: MAX_HEADER_BYTES,
    headersTimeoutMs: 1e9,
    requestTimeoutMs: 1e9,
    keepAliveTimeoutMs: 1e9,
    keepAliveLine: '',
    monotonicMs: () => 0,
    onFault: (_, kind, reason) => {
      fault ??= reason === '' ? kind : reason
      socket.destroy()
    },
    onClose: () => undefined,
    handle: (request, response) => {
      const body: Buffer[] = []
      request.on('data', (chunk) => body.push(chunk))
      request.on('end', () => {
        messages.push(asText(request.method, request.url, request.headers, body))
        response.writeHead(200, ['content-length', '0']).end()
      })
    },
  })
  for (const piece of pieces) if (!socket.destroyed) socket.emit('data', piece)
  return { messages, fault, isOver: socket.destroyed }
}

/** As the parser inside `node:http` reads them, in one piece. */
export function readByNode(bytes: Buffer): Reading {
  const messages: string[] = []
  const { HTTPParser } = nodeParser
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.REQUEST, {}, MAX_HEADER_BYTES)
  let head: { method: string; url: string; headers: Record<string, unknown> } | undefined
  let earlier: string[] = []
  let body: Buffer[] = []
  let isOver = false
  let target = ''
  parser[HTTPParser.kOnHeaders] = (lines: string[], more: string) => {
    earlier = earlier.concat(lines)
    target += more
  }
  parser[HTTPParser.kOnHeadersComplete] = (...told: unknown[]) => {
    const lines = earlier.concat((told[2] as string[] | undefined) ?? [])
    earlier = []
    head = {
      method: nodeParser.methods[told[3] as number] ?? String(told[3]),
      url: (told[4] as string | undefined) ?? target,
      headers: joined(lines),
    }
    target = ''
    isOver = told[8] !== true
    return 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    body.push(Buffer.from(chunk))
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (head !== undefined) messages.push(asText(head.method, head.url, head.headers, body))
    head = undefined
    // Trailers, which nobody is handed, and with them the target once more.
    earlier = []
    target = ''
    body = []
  }
  let result = parser.execute(bytes)
  // It stops behind a request to upgrade; where nobody upgrades, `node:http` reads on.
  for (let rest = bytes; typeof result === 'number' && result > 0 && result < rest.length; ) {
    rest = rest.subarray(result)
    result = parser.execute(rest)
  }
  parser.close()
  const isRefused = result instanceof Error && !isOver
  return {
    messages,
    fault: isRefused ? ((result as Error & { reason?: string }).reason ?? 'refused') : undefined,
    isOver,
  }
}

/**
 * Undefined: all that ours took, node takes, and for the same; what ours did not refuse, it did not miss. What node
 * refuses may still wait in ours for the end of its head, but never comes out of it.
 */
export function disagreement(ours: Reading, node: Reading): string | undefined {
  for (const [index, message] of ours.messages.entries())
    if (message !== node.messages[index])
      return `request ${index}: ours ${message}, node ${node.messages[index] ?? `nothing (${node.fault})`}`
  if (!ours.isOver && node.messages.length > ours.messages.length)
    return `node reads ${node.messages.length} requests, ours ${ours.messages.length}`
  return undefined
}

function asText(method: unknown, url: unknown, headers: object, body: readonly Buffer[]): string {
  const fields = Object.entries(headers).sort(([left], [right]) => (left < right ? -1 : 1))
  return JSON.stringify([method, url, fields, Buffer.concat(body).toString('latin1')])
}

function joined(lines: string[]): Record<string, unknown> {
  const message = new IncomingMessage(undefined as unknown as Socket) as IncomingMessage & {
    _addHeaderLines(lines: string[], count: number): void
  }
  message._addHeaderLines(lines, lines.length)
  return message.headers
}

/** Takes all that is written, at once. */
class FakeSocket extends EventEmitter {
  destroyed = false
  writable = true
  writableLength = 0

  write(_: unknown, ...rest: unknown[]): boolean {
    const done = rest.at(-1)
    if (typeof done === 'function') done()
    return true
  }

  end(): void {
    this.destroy()
  }

  destroySoon(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }

  pause(): void {}
  resume(): void {}
}

interface NodeParser {
  initialize(kind: number, resource: object, maxHeaderBytes: number): void
  execute(bytes: Buffer): number | Error
  close(): void
  [on: number]: (...told: never[]) => unknown
}

/** What `node:http` itself reads with; its only door is this module of Node's own. */
const nodeParser = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: (new () => NodeParser) &
    Record<'REQUEST' | 'kOnHeaders' | 'kOnHeadersComplete' | 'kOnBody' | 'kOnMessageComplete', number>
  methods: string[]
}
