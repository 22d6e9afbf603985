import { Client } from 'undici'
import { checkedEndpoint, outerLookup } from '../../address-guard.ts'
import type { AskForToken } from './google-token.ts'

const TIMEOUT_MS = 10_000
const MAX_BYTES = 64 * 1024

/**
 * One request to a token server, on a connection of its own: there is about one an hour. The metadata server stands at
 * a link-local address by design and is called by the name that the platform gave it; any other token server is held to
 * the same addresses as the provider.
 */
export function tokenAsker(allowInner: boolean): AskForToken {
  return async ({ body, headers, method, url }) => {
    const mayBeInner = allowInner || headers['metadata-flavor'] !== undefined
    const endpoint = checkedEndpoint(url, mayBeInner)
    const client = new Client(endpoint.origin, {
      allowH2: false,
      connect: { timeout: TIMEOUT_MS, ...(mayBeInner ? {} : { lookup: outerLookup }) },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      maxResponseSize: MAX_BYTES,
    })
    try {
      const answer = await client.request({
        path: endpoint.pathname + endpoint.search,
        method,
        headers,
        body: body === '' ? null : body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      return { status: answer.statusCode, body: await answer.body.text() }
    } finally {
      client.destroy().catch(() => undefined)
    }
  }
}
