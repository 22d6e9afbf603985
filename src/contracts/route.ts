import type { z } from 'zod'
import type { Scope } from './keys.ts'

/** Who may call: `public` is said aloud, never a default; `session` also takes the dashboard's cookie. */
export type Access = 'public' | Scope

/**
 * One line of the published API. Handlers, the typed client, OpenAPI and the test that every route has a policy are
 * made from these, so nothing about a route is said twice.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** OpenAPI form: `/api/v1/models/{model}`. */
  readonly path: string
  readonly listener: 'control' | 'gateway'
  readonly access: Access
  readonly summary: string
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  /** JSON body; `bytes` for application/octet-stream. */
  readonly body?: z.ZodType | 'bytes'
  /** JSON answer; `bytes`, `text`, or `events` for text/event-stream. Left out: 204. */
  readonly answer?: z.ZodType | 'bytes' | 'text' | 'events'
  readonly status?: number
}

export function route<const R extends Route>(definition: R): R {
  return Object.freeze(definition)
}
