/**
 * A closed-loop HTTP/1.1 load generator that costs little enough not to be what is measured: prebuilt requests on raw
 * keep-alive sockets, one in flight each, no header parsing beyond what finds the end of an answer.
 *
 *   node bench/load.ts <url> [--connections 8] [--seconds 5] [--warm-up 1] [--header 'name: value']…
 *                      [--body text | --body-file path] [--method POST]
 *
 * Prints one JSON line. It finds capacity; for latency under a given rate an open loop is needed, which this is not:
 * a server that stalls makes it send less.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface LoadOptions {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Before counting starts; default 1. */
  readonly warmUpSeconds?: number
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Answers that are not 2xx, by status. */
  readonly failures: Readonly<Record<string, number>>
  /** Connections that broke or answers that made no sense. */
  readonly socketErrors: number
}

/** Runs in this process; use `loadFromOwnProcess` where a server runs in it too. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const url = new URL(options.url)
  const request = requestBytes(url, options)
  const latencies: number[] = []
  const failures: Record<string, number> = {}
  let socketErrors = 0
  const countFromMs = performance.now() + (options.warmUpSeconds ?? 1) * 1000
  const untilMs = countFromMs + options.seconds * 1000
  const count = (startMs: number, nowMs: number, status: number) => {
    if (startMs < countFromMs || nowMs > untilMs) return
    latencies.push(nowMs - startMs)
    if (status < 200 || status > 299) failures[status] = (failures[status] ?? 0) + 1
  }
  const callers = Array.from({ length: options.connections }, () =>
    call(url, request, untilMs, count).catch(() => {
      socketErrors++
    }),
  )
  await Promise.all(callers)
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (p: number) => Number((sorted[Math.ceil(sorted.length * p) - 1] ?? Number.NaN).toFixed(4))
  return {
    requests: sorted.length,
    perSecond: Math.round(sorted.length / options.seconds),
    p50Ms: quantile(0.5),
    p90Ms: quantile(0.9),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    failures,
    socketErrors,
  }
}

/** The same in a process of its own, so that it shares no event loop with a server. */
export async function loadFromOwnProcess(options: LoadOptions): Promise<LoadResult> {
  const headers = Object.entries(options.headers ?? {}).flatMap(([name, value]) => [
    '--header',
    `${name}: ${value}`,
  ])
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(import.meta.url),
      options.url,
      ...['--connections', String(options.connections), '--seconds', String(options.seconds)],
      ...['--warm-up', String(options.warmUpSeconds ?? 1), '--method', options.method ?? 'POST'],
      ...headers,
      ...(options.body === undefined ? [] : ['--body-stdin']),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  child.stdin.end(options.body)
  return JSON.parse(await text(child.stdout)) as LoadResult
}

function requestBytes(url: URL, { method = 'POST', headers = {}, body = '' }: LoadOptions): Buffer {
  const payload = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body)
  const lines = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(payload.length > 0 ? [`content-length: ${payload.length}`] : []),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), payload])
}

/** One connection, one request in flight, until the time is over. Rejects when the connection breaks. */
function call(
  url: URL,
  request: Buffer,
  untilMs: number,
  count: (startMs: number, nowMs: number, status: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true })
    let startMs = 0
    let pending: Buffer | undefined
    const send = () => {
      startMs = performance.now()
      if (startMs >= untilMs) {
        socket.destroy()
        resolve()
        return
      }
      socket.write(request)
    }
    socket.on('connect', send)
    socket.on('data', (chunk: Buffer) => {
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      const end = answerEnd(bytes)
      if (end === undefined) {
        pending = bytes
        return
      }
      pending = undefined
      // `HTTP/1.1 200`
      const status = (bytes[9]! - 48) * 100 + (bytes[10]! - 48) * 10 + (bytes[11]! - 48)
      count(startMs, performance.now(), status)
      send()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection closed')))
  })
}

/** Where the answer ends, undefined when it is not all there. */
function answerEnd(bytes: Buffer): number | undefined {
  const headerEnd = bytes.indexOf('\r\n\r\n')
  if (headerEnd === -1) return undefined
  const header = bytes.toString('latin1', 0, headerEnd + 2)
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(header)
  if (length !== null) {
    const end = headerEnd + 4 + Number(length[1])
    return bytes.length >= end ? end : undefined
  }
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(header)) {
    const end = bytes.indexOf('\r\n0\r\n\r\n', headerEnd)
    return end === -1 ? undefined : end + 7
  }
  return headerEnd + 4
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      connections: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '1' },
      method: { type: 'string', default: 'POST' },
      header: { type: 'string', multiple: true, default: [] },
      body: { type: 'string' },
      'body-file': { type: 'string' },
      'body-stdin': { type: 'boolean' },
    },
  })
  const file = values['body-stdin'] === true ? 0 : values['body-file']
  const body = file === undefined ? values.body : readFileSync(file)
  const result = await runLoad({
    url: positionals[0] ?? 'http://127.0.0.1:8080/',
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    warmUpSeconds: Number(values['warm-up']),
    method: values.method,
    headers: Object.fromEntries(
      values.header.map((line) => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    ),
    ...(body === undefined ? {} : { body }),
  })
  console.log(JSON.stringify(result))
}
