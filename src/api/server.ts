import { Readable } from 'node:stream'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { headerNames, type Route, routes } from '../contracts/index.ts'
import { isSlipwayError, requestIdSource, SlipwayError, toProblem } from '../kernel/index.ts'
import { serveDashboard } from './dashboard.ts'
import { createDoorman, type Doorman } from './doorman.ts'
import { batchHandlers } from './handlers/batches.ts'
import { changeHandlers } from './handlers/changes.ts'
import { deploymentHandlers } from './handlers/deployments.ts'
import { liveHandlers } from './handlers/live.ts'
import { modelHandlers } from './handlers/models.ts'
import { opsHandlers } from './handlers/ops.ts'
import { peopleHandlers } from './handlers/people.ts'
import { textSettingsHandlers } from './handlers/text-settings.ts'
import { textStatsHandlers } from './handlers/text-stats.ts'
import { createIdempotency } from './idempotency.ts'
import { parsed } from './parse.ts'
import type { ApiParts, Ask, Handler, Handlers } from './parts.ts'
import { sendEvents } from './send-events.ts'
import { type Caller, createSessions } from './sessions.ts'

const JSON_LIMIT_BYTES = 32 * 1024 * 1024

/** The control API: one handler per control route of the table, nothing else answers. */
export async function createApi(parts: ApiParts): Promise<FastifyInstance> {
  const nextRequestId = requestIdSource()
  const app = fastify({
    genReqId: () => nextRequestId(),
    bodyLimit: JSON_LIMIT_BYTES,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  })
  const sessions = createSessions(parts.clock)
  const doorman = createDoorman(parts.store, sessions, parts.pepper, parts.clock)
  const once = createIdempotency()
  const handlers: Handlers = {
    ...modelHandlers(parts),
    ...deploymentHandlers(parts),
    ...changeHandlers(parts),
    ...peopleHandlers(parts),
    ...textSettingsHandlers(parts),
    ...textStatsHandlers(parts),
    ...batchHandlers(parts),
    ...liveHandlers(parts),
    ...opsHandlers(parts, sessions),
  }
  app.addHook('onRequest', async (request, reply) => {
    reply.header(headerNames.requestId, request.id)
    reply.header('x-content-type-options', 'nosniff')
  })
  app.setErrorHandler((error, request, reply) => {
    const known = asKnown(error)
    if (!isSlipwayError(known) || known.status >= 500)
      parts.logger.error({ requestId: request.id, path: request.url, err: error }, 'request failed')
    const problem = toProblem(known, request.id)
    const retryAfterMs = retryAfterMsOf(known)
    if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)))
    reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  })
  takeBodies(app)
  for (const [name, route] of Object.entries(routes) as [keyof typeof routes, Route][]) {
    if (route.listener !== 'control') continue
    const handler = handlers[name as keyof Handlers] as unknown as Handler<Route>
    app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      onRequest: async (request) => {
        ;(request as Admitted).caller = await admit(doorman, route, request)
      },
      handler: (request, reply) => answer(route, handler, request as Admitted, reply, once),
    })
  }
  await serveDashboard(app, parts.webFolder)
  return app
}

/** A store that is away may be back at any moment; sooner than this, asking again only adds to its load. */
const STORE_RETRY_MS = 2000

function retryAfterMsOf(error: unknown): number | undefined {
  if (!isSlipwayError(error)) return undefined
  if (error.code === 'store_unavailable') return STORE_RETRY_MS
  return typeof error.parameters.retryAfterMs === 'number' ? error.parameters.retryAfterMs : undefined
}

type Admitted = FastifyRequest & { caller?: Caller | undefined }

/**
 * A cookie alone may not change anything unless the page itself asks: browsers send `sec-fetch-site`, and a form on
 * another site cannot forge it. SameSite=Strict holds for old ones.
 */
async function admit(doorman: Doorman, route: Route, request: FastifyRequest): Promise<Caller | undefined> {
  const { authorization, cookie } = request.headers
  const site = request.headers['sec-fetch-site']
  const crossSite = site !== undefined && site !== 'same-origin' && site !== 'none'
  const onBehalfOf = request.headers[headerNames.onBehalfOf]
  return await doorman.admit(route.access, {
    authorization,
    cookie: crossSite ? undefined : cookie,
    onBehalfOf: onBehalfOf === undefined ? undefined : String(onBehalfOf),
  })
}

/** Bodies: JSON is parsed by fastify (prototype poisoning refused); everything else arrives as a stream. */
function takeBodies(app: FastifyInstance): void {
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

async function answer(
  route: Route,
  handler: Handler<Route>,
  request: Admitted,
  reply: FastifyReply,
  once: ReturnType<typeof createIdempotency>,
): Promise<unknown> {
  const gone = new AbortController()
  // The answer's own end, not the socket's: a kept-alive socket outlives many requests.
  reply.raw.once('close', () => gone.abort())
  let redirectTo: string | undefined
  const ask = {
    params: parsed(route.params, request.params, 'path'),
    query: parsed(route.query, request.query, 'query'),
    body:
      route.body === 'bytes' ? bytesOf(request.body) : parsed(route.body, request.body ?? undefined, 'body'),
    caller: request.caller,
    headers: request.headers,
    requestId: request.id,
    signal: gone.signal,
    reply: {
      header: (name: string, value: string) => void reply.header(name, value),
      redirect: (to: string) => {
        redirectTo = to
      },
    },
  } as unknown as Ask<Route>
  const key =
    route.method === 'POST' && route.status === 201
      ? (request.headers['idempotency-key'] as string | undefined)
      : undefined
  const result = await once(
    request.caller?.publicId ?? '',
    key,
    { route: route.path, body: request.body ?? null },
    () => handler(ask) as Promise<unknown>,
  )
  if (redirectTo !== undefined) return reply.redirect(redirectTo, 303)
  if (route.answer === 'events')
    return sendEvents(
      reply,
      result as AsyncIterable<{ event: string; data: unknown; id?: string }>,
      gone.signal,
    )
  reply.code(route.status ?? (route.answer === undefined ? 204 : 200))
  if (route.answer === 'text' && !reply.hasHeader('content-type')) reply.type('text/plain; charset=utf-8')
  return result ?? ''
}

function bytesOf(body: unknown): Readable {
  if (body instanceof Readable) return body
  // JSON sent to a bytes route was parsed already; what it meant is its text.
  return Readable.from(Buffer.from(body === undefined || body === null ? '' : JSON.stringify(body)))
}

/** Fastify's own refusals, in our words. */
function asKnown(error: unknown): unknown {
  switch ((error as { code?: string }).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new SlipwayError('body_too_large', { limitBytes: JSON_LIMIT_BYTES })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new SlipwayError('body_not_json', { reason: 'it is empty' })
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new SlipwayError('body_not_json', { reason: (error as Error).message })
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new SlipwayError('body_unreadable')
    default:
      if (error instanceof SyntaxError && (error as { statusCode?: number }).statusCode === 400)
        return new SlipwayError('body_not_json', { reason: error.message })
      return error
  }
}
