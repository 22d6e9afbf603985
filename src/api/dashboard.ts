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
}
