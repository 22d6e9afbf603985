import type { Server } from 'node:net'
import { SlipwayError } from '../../kernel/index.ts'
import type { ListenWhere } from './http.ts'

/** Resolves to the port. Throws `port_in_use`. */
export function bindServer(
  server: Server,
  { host, port, reusePort }: ListenWhere,
  flag: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new SlipwayError('port_in_use', { port, host, flag }, { cause: error })
          : error,
      ),
    )
    server.listen({ host, port, reusePort, backlog: 1024 }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
