import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford base 32: nothing that is misread

/** `prefix-` and random characters; 5 bits each. */
export function newId(prefix: string, characters = 10): string {
  const bytes = randomBytes(characters)
  let id = `${prefix}-`
  for (const byte of bytes) id += ALPHABET[byte & 31]
  return id
}

/**
 * Request ids: unique in a process by counter, across processes by a random start; cheap enough for the hot path
 * (a random id per request costs 1 µs in `randomBytes`, this 0.1 µs).
 */
export function requestIdSource(): () => string {
  const instance = newId('r', 8)
  let counter = 0
  return () => `${instance}${(++counter).toString(36).padStart(6, '0')}`
}
