import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** Addresses at which something goes wrong before any HTTP does. */
export interface BadAddresses {
  /** Nobody listens there. */
  readonly refused: string
  /** No such name: `.invalid` is never given to anybody (RFC 6761). */
  readonly unnamed: string
  /** Says `https` where no TLS is spoken. */
  readonly untrusted: string
  /** Takes connections and never a byte. */
  readonly mute: string
  close(): Promise<void>
}

export async function openBadAddresses(): Promise<BadAddresses> {
  const gone = await listening(createServer())
  const refused = `http://127.0.0.1:${portOf(gone)}`
  await closed(gone)
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  const plain = await listening(
    createServer((socket) => {
      track(socket)
      socket.end('no TLS here\r\n')
    }),
  )
  const mute = await listening(createServer(track))
  return {
    refused,
    unnamed: 'http://provider.invalid',
    untrusted: `https://127.0.0.1:${portOf(plain)}`,
    mute: `http://127.0.0.1:${portOf(mute)}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all([closed(plain), closed(mute)])
    },
  }
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
