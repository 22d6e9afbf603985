import { unlinkSync } from 'node:fs'
import { connect, type ListenOptions, type NetConnectOpts, type Server, type Socket } from 'node:net'

/** A peer whose machine vanished is noticed within minutes, not hours. */
export const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }

/** `unix:/path` or `tcp:host:port`, as `linkAddress` in the contracts has it. */
export function connectOptions(address: string): NetConnectOpts {
  if (address.startsWith('unix:')) return { path: address.slice(5) }
  const { host, port } = hostAndPort(address)
  return { host, port, ...tcpOptions }
}

/** Resolves to the address with the port that was really taken. A socket file that nobody answers at is replaced. */
export async function listenAt(server: Server, address: string): Promise<string> {
  if (address.startsWith('tcp:')) {
    const { host, port } = hostAndPort(address)
    await listen(server, { host, port })
    const bound = server.address()
    return `tcp:${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}`
  }
  const path = address.slice(5)
  try {
    await listen(server, { path })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || (await answers(path))) throw error
    unlinkSync(path)
    await listen(server, { path })
  }
  return address
}

function hostAndPort(address: string): { host: string; port: number } {
  const parts = /^tcp:(.+):(\d+)$/.exec(address)
  if (parts === null) throw new TypeError(`not an address of the link: ${address}`)
  return { host: (parts[1] as string).replace(/^\[(.*)\]$/, '$1'), port: Number(parts[2]) }
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The mask makes the socket private from its first moment; listening on a path binds within the call.
    const mask = process.umask(0o177)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
    process.umask(mask)
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ path })
    const end = (yes: boolean) => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
