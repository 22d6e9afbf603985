import type { Access } from '../contracts/index.ts'
import { type Clock, holdsScope, macOfSecret, parseKey, SlipwayError, sameMac } from '../kernel/index.ts'
import type { Store, StoredKey } from '../store/index.ts'
import type { Caller, Sessions } from './sessions.ts'

export interface Doorman {
  /** `unauthenticated` or `forbidden`; undefined for a public route. */
  admit(
    access: Access,
    headers: {
      authorization?: string | undefined
      cookie?: string | undefined
      /** Public id of the key that a process of the installation acts for. */
      onBehalfOf?: string | undefined
    },
  ): Promise<Caller | undefined>
}

export const SESSION_COOKIE = 'slipway_session'

export function createDoorman(store: Store, sessions: Sessions, pepper: Uint8Array, clock: Clock): Doorman {
  return {
    async admit(access, headers) {
      if (access === 'public') return undefined
      const known = (await callerOfKey(headers.authorization)) ?? (await callerOfSession(headers.cookie))
      const caller = known === undefined ? undefined : await actedFor(known, access, headers.onBehalfOf)
      if (caller === undefined) throw new SlipwayError('unauthenticated')
      if (!holdsScope(caller.scopes, access)) throw new SlipwayError('forbidden', { scope: access })
      return caller
    },
  }

  async function callerOfKey(authorization: string | undefined): Promise<Caller | undefined> {
    const parts = parseKey(authorization?.replace(/^Bearer /i, '') ?? '')
    if (parts === undefined) return undefined
    const key = await store.keys.find(parts.publicId)
    // The MAC is computed for an unknown id too, so that the answer's time does not tell which ids exist.
    const proven = sameMac(key?.mac ?? '00'.repeat(32), macOfSecret(parts.secret, pepper))
    return key !== undefined && proven && isValid(key) ? asCaller(key) : undefined
  }

  /**
   * Processes act for keys where these predict, and nowhere else: no key of the installation becomes an admin's by it.
   * Whoever may not act for others is nobody here, even for a route that is open to them: a mistake shall show.
   */
  async function actedFor(
    caller: Caller,
    access: Access,
    publicId: string | undefined,
  ): Promise<Caller | undefined> {
    if (publicId === undefined) return caller
    if (!caller.scopes.includes('internal') || access !== 'predict') return undefined
    const key = await store.keys.find(publicId)
    return key !== undefined && isValid(key) ? asCaller(key) : undefined
  }

  /** A session ends with the key that it was made from. */
  async function callerOfSession(cookie: string | undefined): Promise<Caller | undefined> {
    const session = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([A-Za-z0-9_-]+)`).exec(cookie ?? '')?.[1]
    const caller = session === undefined ? undefined : sessions.find(session)
    if (caller === undefined) return undefined
    const key = await store.keys.find(caller.publicId)
    return key !== undefined && isValid(key) ? caller : undefined
  }

  function isValid(key: StoredKey): boolean {
    return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > clock.nowMs())
  }
}

function asCaller(key: StoredKey): Caller {
  return { name: key.name, publicId: key.publicId, tenant: key.tenant, scopes: key.scopes }
}
