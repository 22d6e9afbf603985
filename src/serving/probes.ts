import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SlipwayError, toProblem } from '../kernel/index.ts'
import type { Health } from './health.ts'

/** A page of metrics in Prometheus' text format; prom-client's registry is one. */
export interface MetricsText {
  readonly contentType: string
  metrics(): Promise<string>
}

export interface ProbesOptions {
  readonly health: Health
  readonly registry: MetricsText
  /** Guards `/metrics`; the probes are public. */
  readonly internalKey: string
}

export interface Probes {
  readonly url: string
  close(): Promise<void>
}

/**
 * Health and metrics of one replica on a loopback port that the system picks. `/livez` and `/readyz` answer 200 or 503
 * and why; `/v2/health/*` are the same under the names of the Open Inference Protocol.
 */
export async function startProbes(options: ProbesOptions): Promise<Probes> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => fail(response, error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { health, registry, internalKey }: ProbesOptions,
): Promise<void> {
  const method = request.method ?? ''
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  const known = ['/livez', '/v2/health/live', '/readyz', '/v2/health/ready', '/metrics'].includes(path)
  if (!known) throw new SlipwayError('unknown_route', { method, path })
  if (method !== 'GET' && method !== 'HEAD') {
    throw new SlipwayError('method_not_allowed', { method, path, allowed: 'GET, HEAD' })
  }
  if (path === '/metrics') {
    if (!isKey(request.headers.authorization, internalKey)) throw new SlipwayError('unauthenticated')
    const text = await registry.metrics()
    response.writeHead(200, { 'content-type': registry.contentType }).end(text)
    return
  }
  const isGood = path === '/livez' || path === '/v2/health/live' ? health.isLive : health.isReady
  response
    .writeHead(isGood ? 200 : 503, { 'content-type': 'application/json' })
    .end(JSON.stringify({ phase: health.phase, stuck: health.isStuck }))
}

function isKey(authorization: string | undefined, key: string): boolean {
  const given = Buffer.from(authorization ?? '')
  const wanted = Buffer.from(`Bearer ${key}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function fail(response: ServerResponse, error: unknown): void {
  const problem = toProblem(error)
  response
    .writeHead(problem.status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify(problem))
}
