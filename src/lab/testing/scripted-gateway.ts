import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { headerNames } from '../../contracts/index.ts'

type Row = Record<string, unknown>

/** How a version behaves; every truth that a check should find is written here. */
export interface ScriptedVersion {
  /** ms until the answer, per request; requests do not wait for each other. */
  readonly latencyMs?: (request: number) => number
  readonly answer?: (row: Row, request: number) => Row
  readonly computeMs?: (request: number) => number
  /** A status other than 200, with the reason why not; undefined answers. */
  readonly status?: (request: number) => number | undefined
  /** What the version header says; the label unless given. */
  readonly saysItIs?: (request: number) => string
}

export interface ScriptedGateway {
  readonly url: string
  /** Requests taken so far, by version. */
  readonly taken: Record<string, number>
  /** Headers and bodies of the last requests, newest last, at most 50. */
  readonly seen: { headers: IncomingMessage['headers']; inputs: Row[] }[]
  /** Nothing is answered until then; requests wait. */
  stall(ms: number): void
  close(): Promise<void>
}

/** A gateway in this process that does what its script says, over real sockets. */
export async function scriptedGateway(
  versions: Record<string, ScriptedVersion>,
  options: { key?: string; host?: string } = {},
): Promise<ScriptedGateway> {
  const sockets = new Set<Socket>()
  const taken: Record<string, number> = {}
  const seen: ScriptedGateway['seen'] = []
  let stalledUntilMs = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        inputs: Row[]
        params?: { version?: string }
      }
      seen.push({ headers: request.headers, inputs: body.inputs })
      if (seen.length > 50) seen.shift()
      if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`) {
        refuse(response, 401)
        return
      }
      const label = body.params?.version ?? Object.keys(versions)[0]!
      const version = versions[label]
      if (version === undefined) {
        refuse(response, 404)
        return
      }
      taken[label] = (taken[label] ?? 0) + 1
      const number = taken[label]
      const waitMs = Math.max(version.latencyMs?.(number) ?? 0, stalledUntilMs - performance.now())
      const reply = () => answer(response, label, version, body.inputs, number)
      if (waitMs <= 0) reply()
      else setTimeout(reply, waitMs)
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const url = await listening(server)
  return {
    url,
    taken,
    seen,
    stall: (ms) => {
      stalledUntilMs = performance.now() + ms
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function answer(
  response: ServerResponse,
  label: string,
  version: ScriptedVersion,
  rows: Row[],
  number: number,
): void {
  const status = version.status?.(number)
  if (status !== undefined) {
    refuse(response, status)
    return
  }
  const outputs = rows.map((row) => version.answer?.(row, number) ?? { label: 0 })
  response.writeHead(200, {
    'content-type': 'application/json',
    [headerNames.version]: version.saysItIs?.(number) ?? label,
    [headerNames.computeMs]: String(version.computeMs?.(number) ?? 1),
    [headerNames.queueMs]: '0.5',
  })
  response.end(JSON.stringify({ model: 'm', version: label, outputs }))
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ status, code: 'scripted' }))
}

function listening(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}
