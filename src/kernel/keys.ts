import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Scope } from '../contracts/index.ts'

/** `slw_<publicId>_<secret>`: 10 characters to find the key by, 256 bits to prove it. */
const KEY_FORM = /^slw_([a-z0-9]{4,32})_([A-Za-z0-9_-]{43})$/

export function newKeySecret(publicId?: string): { publicId: string; secret: string; key: string } {
  const id = publicId ?? randomBytes(8).toString('hex').slice(0, 10)
  const secret = randomBytes(32).toString('base64url')
  return { publicId: id, secret, key: `slw_${id}_${secret}` }
}

export function parseKey(key: string): { publicId: string; secret: string } | undefined {
  const parts = KEY_FORM.exec(key)
  return parts === null ? undefined : { publicId: parts[1] as string, secret: parts[2] as string }
}

/** HMAC-SHA-256 of the secret under the installation's pepper, hex. What is stored in place of the secret. */
export function macOfSecret(secret: string, pepper: Uint8Array): string {
  return createHmac('sha256', pepper).update(secret).digest('hex')
}

/**
 * What a model server of another project asks of whoever calls it, hex: made of the key of the installation's own
 * processes, which gateways and replicas have, so that the key itself is never given to a foreign program.
 */
export function replicaKey(internalKey: string, replicaId: string): string {
  return createHmac('sha256', internalKey).update(`replica ${replicaId}`).digest('hex')
}

/** Compares in constant time; both are hex MACs of equal length. */
export function sameMac(left: string, right: string): boolean {
  const leftBytes = Buffer.from(left, 'hex')
  const rightBytes = Buffer.from(right, 'hex')
  return (
    leftBytes.length === rightBytes.length && leftBytes.length > 0 && timingSafeEqual(leftBytes, rightBytes)
  )
}

/** `admin` holds every scope but `internal`, which is for the processes of the installation alone. */
export function holdsScope(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.includes(wanted) || (wanted !== 'internal' && scopes.includes('admin'))
}
