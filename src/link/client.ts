import type { Clock } from '../kernel/index.ts'
import type { LinkClient, LinkState } from './link.ts'

export interface LinkClientOptions {
  readonly clock: Clock
  /** Until hello; default 5000. */
  readonly connectTimeoutMs?: number
  /** What may wait for credit, in rows; default 8192. */
  readonly maxQueuedRows?: number
  readonly maxFrameBytes?: number
  /** Called on each change of state; `closed` comes after everything in flight is settled. */
  readonly onState?: (state: LinkState) => void
}

/** `unix:/path` or `tcp:host:port`. Resolves when the server's hello is in; rejects with `replica_unready`. */
export declare function connectLink(address: string, options: LinkClientOptions): Promise<LinkClient>
