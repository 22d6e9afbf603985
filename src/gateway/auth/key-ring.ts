import type { Access, SnapshotKey } from '../../contracts/index.ts'
import { holdsScope, parseKey, SlipwayError, sameMac } from '../../kernel/index.ts'

/** Verified keys that are remembered; beyond it the oldest goes. */
const REMEMBERED = 1024
const BEARER = 'Bearer '
/** Compared with when no key has the public id, so that an unknown id costs what a wrong secret costs. */
const NO_MAC = '0'.repeat(64)

/**
 * The keys of one snapshot. A new snapshot makes a new ring, so nothing that was verified outlives a revocation.
 *
 * Verified headers are remembered whole: the HMAC (3 µs) is paid once per key and snapshot instead of per request. The
 * table is V8's, whose string hash is seeded per process, so looking up tells an attacker nothing about its entries;
 * wrong keys are never remembered.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, SnapshotKey>
  readonly #macOf: (secret: string) => string
  readonly #verified = new Map<string, SnapshotKey>()

  /** @param macOf HMAC-SHA-256 under the installation's pepper, hex. */
  constructor(keys: ReadonlyMap<string, SnapshotKey>, macOf: (secret: string) => string) {
    this.#keys = keys
    this.#macOf = macOf
  }

  /**
   * The key of an authorization header. Throws `unauthenticated`, one text for all reasons, or `forbidden`.
   * @param access of the route that was dispatched to; not `public`.
   */
  authorize(header: string | undefined, access: Exclude<Access, 'public'>, nowMs: number): SnapshotKey {
    const key = header === undefined ? undefined : (this.#verified.get(header) ?? this.#verify(header))
    if (key === undefined || (key.expiresAt !== null && key.expiresAt <= nowMs))
      throw new SlipwayError('unauthenticated')
    if (!holdsScope(key.scopes, access)) throw new SlipwayError('forbidden', { scope: access })
    return key
  }

  /**
   * The key that a process of the installation acts for; the process was proven by the internal key. As `authorize`,
   * a key that is gone or expired is `unauthenticated`.
   */
  actFor(publicId: string, access: Exclude<Access, 'public'>, nowMs: number): SnapshotKey {
    const key = this.#keys.get(publicId)
    if (key === undefined || (key.expiresAt !== null && key.expiresAt <= nowMs))
      throw new SlipwayError('unauthenticated')
    if (!holdsScope(key.scopes, access)) throw new SlipwayError('forbidden', { scope: access })
    return key
  }

  #verify(header: string): SnapshotKey | undefined {
    if (!header.startsWith(BEARER)) return undefined
    const parsed = parseKey(header.slice(BEARER.length))
    if (parsed === undefined) return undefined
    const key = this.#keys.get(parsed.publicId)
    const isRight = sameMac(this.#macOf(parsed.secret), key?.mac ?? NO_MAC)
    if (!isRight || key === undefined) return undefined
    if (this.#verified.size >= REMEMBERED) {
      const oldest = this.#verified.keys().next()
      if (!oldest.done) this.#verified.delete(oldest.value)
    }
    this.#verified.set(header, key)
    return key
  }
}
