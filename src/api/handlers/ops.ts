import { SlipwayError } from '../../kernel/index.ts'
import { SESSION_COOKIE } from '../doorman.ts'
import { openApiDocument } from '../openapi.ts'
import type { ApiParts, Handlers } from '../parts.ts'
import { referencePage } from '../reference.ts'
import type { Sessions } from '../sessions.ts'

export function opsHandlers(
  parts: ApiParts,
  sessions: Sessions,
): Handlers<
  'createSignIn' | 'signIn' | 'openapi' | 'reference' | 'controlLive' | 'controlReady' | 'controlMetrics'
> {
  const document = openApiDocument(parts.version)
  const page = referencePage(document)
  return {
    async createSignIn({ caller }) {
      return sessions.createCode(caller)
    },
    async signIn({ query, reply }) {
      const session = sessions.redeem(query.code)
      if (session === undefined) throw new SlipwayError('unauthenticated')
      reply.header(
        'set-cookie',
        `${SESSION_COOKIE}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200`,
      )
      // Only a path of ours: `//host` and `/\host` would leave.
      reply.redirect(/^\/(?![/\\])/.test(query.to) ? query.to : '/')
      return ''
    },
    async openapi() {
      return document
    },
    async reference({ reply }) {
      reply.header('content-type', 'text/html; charset=utf-8')
      return page
    },
    async controlLive() {
      return 'live\n'
    },
    async controlReady() {
      await parts.store.ping()
      return 'ready\n'
    },
    async controlMetrics({ reply }) {
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      return await parts.metrics()
    },
  }
}
