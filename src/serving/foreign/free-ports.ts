import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'

/**
 * Loopback ports that nobody holds, all different. Somebody may take one before the server does; it then ends with its
 * own words, and the next start gets others.
 */
export async function freePorts(): Promise<[number, number, number]> {
  const held: Server[] = []
  try {
    for (let count = 0; count < 3; count++) {
      const server = createServer().listen(0, '127.0.0.1')
      held.push(server)
      await once(server, 'listening')
    }
    return held.map((server) => (server.address() as AddressInfo).port) as [number, number, number]
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))))
  }
}
