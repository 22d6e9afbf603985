import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * The credential of a request in the one form that the key ring knows, `Bearer slw_…`. Clients of OpenAI send
 * `authorization`, those of Anthropic `x-api-key`, those of Azure `api-key`; where several are sent, the first of these
 * decides alone.
 */
export function credentialOf(headers: IncomingHttpHeaders): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization
  const key = headers['x-api-key'] ?? headers['api-key']
  return typeof key === 'string' ? `Bearer ${key}` : undefined
}

/** Whether the credential is this key, compared in constant time. */
export function isKey(credential: string | undefined, key: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(credential ?? ''), hash(`Bearer ${key}`))
}
