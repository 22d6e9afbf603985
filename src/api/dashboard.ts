import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { SlipwayError } from '../kernel/index.ts'

const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

/**
 * The built pages, and the answer for everything that no route takes. Pages hold no data: every page address gets the
 * same document, and the page asks the API. `folder` is undefined where the dashboard was not built.
 */
export async function serveDashboard(app: FastifyInstance, folder: string | undefined): Promise<void> {
  if (folder !== undefined) await servePages(app, folder)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const isPage =
      request.method === 'GET' && !/^\/(api|internal)\//.test(path) && !/\.[a-z0-9]+$/i.test(path)
    if (!isPage || folder === undefined)
      throw new SlipwayError('unknown_route', { method: request.method, path })
    return reply.sendFile('index.html')
  })
}

async function servePages(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    maxAge: '1h',
    setHeaders: (reply, path) => {
      if (path.endsWith('index.html')) reply.header('cache-control', 'no-store')
      reply.header('content-security-policy', PAGE_POLICY)
    },
  })
}
