import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import type { ForeignPlace } from './foreign-kind.ts'

type Listening = Pick<ForeignPlace, 'host' | 'ports'>

/**
 * Where a server listens for a replica that was given this address: at the host and port of a `tcp:` one, else on
 * loopback at a port that nobody holds. Somebody may take that port before the server does; it then ends with its own
 * words, and the next start gets another.
 */
export async function placeOf(address: string): Promise<Listening> {
  const [first, second, third] = await freePorts()
  const given = /^tcp:(.+):(\d+)$/.exec(address)
  if (given === null) return { host: '127.0.0.1', ports: [first, second, third] }
  const port = Number(given[2])
  return {
    host: (given[1] as string).replace(/^\[(.*)\]$/, '$1'),
    ports: [port === 0 ? first : port, second, third],
  }
}

export function urlOf({ host, ports }: Listening): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${ports[0]}`
}

/** All different, since each is held until all are known. */
async function freePorts(): Promise<[number, number, number]> {
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
