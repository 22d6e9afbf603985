import type { Clock } from '../kernel/index.ts'
import type { LinkExchange, LinkHello, LinkServer } from './link.ts'

export interface LinkServerOptions {
  readonly clock: Clock
  readonly hello: LinkHello
  /** Called for each request, synchronously as frames arrive; settle the exchange now or later. */
  readonly onRequest: (exchange: LinkExchange) => void
  /** A client that broke the protocol, or whose socket failed; its connection is closed already. */
  readonly onFault?: (error: Error) => void
  readonly maxFrameBytes?: number
}

export declare function createLinkServer(options: LinkServerOptions): LinkServer
