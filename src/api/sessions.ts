import { randomBytes } from 'node:crypto'
import type { Scope } from '../contracts/index.ts'
import type { Clock } from '../kernel/index.ts'

const CODE_LIFE_MS = 10 * 60_000
const SESSION_LIFE_MS = 12 * 3_600_000
const KEPT_AT_MOST = 1000

/** Who asks: the name that goes into event logs, and what they may. */
export interface Caller {
  readonly name: string
  readonly publicId: string
  readonly tenant: string
  readonly scopes: readonly Scope[]
}

/**
 * Browsers sign in with a one-time code that somebody with a key asked for. The cookie stands for that caller and
 * lives in this process only: a restart of control signs everybody out, and nothing of it is worth stealing from disk.
 */
export interface Sessions {
  createCode(caller: Caller): { code: string; expiresAt: number }
  /** The id of a new session; undefined when the code is unknown, used or too old. */
  redeem(code: string): string | undefined
  find(session: string): Caller | undefined
}

export function createSessions(clock: Clock): Sessions {
  const codes = new Map<string, { caller: Caller; expiresAt: number }>()
  const sessions = new Map<string, { caller: Caller; expiresAt: number }>()
  return {
    createCode(caller) {
      const code = randomBytes(24).toString('base64url')
      const expiresAt = clock.nowMs() + CODE_LIFE_MS
      keep(codes, code, { caller, expiresAt })
      return { code, expiresAt }
    },
    redeem(code) {
      const found = codes.get(code)
      codes.delete(code)
      if (found === undefined || found.expiresAt <= clock.nowMs()) return undefined
      const session = randomBytes(32).toString('base64url')
      keep(sessions, session, { caller: found.caller, expiresAt: clock.nowMs() + SESSION_LIFE_MS })
      return session
    },
    find(session) {
      const found = sessions.get(session)
      if (found === undefined || found.expiresAt <= clock.nowMs()) return undefined
      return found.caller
    },
  }
}

/** The oldest entry makes room, so that asking for codes cannot fill the memory. */
function keep<T>(entries: Map<string, T>, name: string, entry: T): void {
  if (entries.size >= KEPT_AT_MOST) entries.delete(entries.keys().next().value as string)
  entries.set(name, entry)
}
