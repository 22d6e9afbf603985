import type { Registry } from 'prom-client'
import type { ReplicaSpec } from '../contracts/index.ts'
import type { Clock, Logger } from '../kernel/index.ts'
import type { LinkServer, LinkServerOptions } from '../link/index.ts'
import type { Health } from './health.ts'

/** What a replica does besides living: it answers rows, or text. Its life is `model-server.ts`. */
export interface Served {
  readonly health: Health
  readonly registry: Registry
  /** Files checked, model loaded, one inference done. Throws what the version cannot be served for. */
  load(): Promise<void>
  /** How it speaks on the link; asked for once it is loaded. */
  linkOptions(): Pick<LinkServerOptions, 'hello' | 'onRequest' | 'onAsk'>
  /** For the log. */
  describe(): object
  /** Idempotent. */
  unload(): Promise<void>
}

export interface ServedParts {
  readonly spec: ReplicaSpec
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined before it listens. */
  readonly link: () => LinkServer | undefined
}

/** Bytes that a gateway may have outstanding at a replica. */
export const CREDIT_BYTES = 64 * 1024 * 1024
