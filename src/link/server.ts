import { createServer, type Socket } from 'node:net'
import type { Clock } from '../kernel/index.ts'
import { listenAt, tcpOptions } from './address.ts'
import { DEFAULT_MAX_FRAME_BYTES } from './frame.ts'
import type { LinkExchange, LinkHello, LinkServer, LinkStreamExchange } from './link.ts'
import { ServerConnection } from './server-connection.ts'

export interface LinkServerOptions {
  readonly clock: Clock
  readonly hello: LinkHello
  /** Called for each request, synchronously as frames arrive; settle the exchange now or later. */
  readonly onRequest: (exchange: LinkExchange) => void
  /** The same for what is answered by events, where the hello says `streams`. */
  readonly onAsk?: (exchange: LinkStreamExchange) => void
  /** A client that broke the protocol, or whose socket failed; its connection is closed already. */
  readonly onFault?: (error: Error) => void
  /** Whether a client with this key may speak; default: all may, as on a unix socket only its owner can connect. */
  readonly admits?: (key: string | undefined) => boolean
  readonly maxFrameBytes?: number
  readonly maxConnections?: number
}

export function createLinkServer(options: LinkServerOptions): LinkServer {
  const connections = new Set<ServerConnection>()
  const accept = (socket: Socket) => {
    const connection = new ServerConnection(socket, {
      clock: options.clock,
      hello: options.hello,
      admits: options.admits ?? (() => true),
      onRequest: options.onRequest,
      onAsk: options.onAsk,
      maxFrameBytes: options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
      onClose: (fault) => {
        connections.delete(connection)
        if (fault !== undefined) options.onFault?.(fault)
      },
    })
    connections.add(connection)
  }
  const server = createServer(tcpOptions, accept)
  server.maxConnections = options.maxConnections ?? 1024
  /** Stops listening; resolves when that is done and all connections are closed. */
  const closed = async () => {
    if (server.listening) server.close()
    await Promise.all([...connections].map((connection) => connection.closed))
  }
  const inFlight = () => {
    let count = 0
    for (const connection of connections) count += connection.inFlight
    return count
  }

  return {
    listen: (address) => listenAt(server, address),
    get connections() {
      return connections.size
    },
    get inFlight() {
      return inFlight()
    },
    async drain(timeoutMs) {
      const allClosed = closed()
      for (const connection of connections) connection.goAway()
      const timer = Promise.withResolvers<void>()
      const timeout = setTimeout(timer.resolve, timeoutMs)
      await Promise.race([allClosed, timer.promise])
      clearTimeout(timeout)
      const cutOff = inFlight()
      for (const connection of connections) connection.destroy()
      await allClosed
      return cutOff
    },
    async close() {
      const allClosed = closed()
      for (const connection of connections) connection.destroy()
      await allClosed
    },
  }
}
