import { ProblemError } from '../../../src/sdk/index.ts'

/** What the whole page knows about its connection: signed in or not, the live stream open or lost. */
export interface Connection {
  readonly isSignedOut: boolean
  readonly live: 'connecting' | 'open' | 'lost'
}

let connection: Connection = { isSignedOut: false, live: 'connecting' }
const listeners = new Set<() => void>()

export function connectionNow(): Connection {
  return connection
}

export function onConnection(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function setConnection(patch: Partial<Connection>): void {
  connection = { ...connection, ...patch }
  for (const listener of [...listeners]) listener()
}

/** A refused session turns the page into the one that says how to sign in. */
export function noteError(error: unknown): void {
  if (error instanceof ProblemError && error.status === 401) setConnection({ isSignedOut: true })
}
