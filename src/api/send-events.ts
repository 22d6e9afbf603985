import { once } from 'node:events'
import type { FastifyReply } from 'fastify'

const HEARTBEAT_MS = 10_000

/** Server-sent events (WHATWG HTML, 9.2): waits for a slow reader, says `: beat` when there is nothing to say. */
export async function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<{ event: string; data: unknown; id?: string }>,
  gone: AbortSignal,
): Promise<FastifyReply> {
  const headers = {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  }
  reply.hijack()
  reply.raw.writeHead(200, headers as Record<string, string>)
  const heartbeat = setInterval(() => void reply.raw.write(': beat\n\n'), HEARTBEAT_MS)
  try {
    for await (const { event, data, id } of events) {
      const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
      if (!reply.raw.write(text)) await once(reply.raw, 'drain', { signal: gone })
    }
  } catch (error) {
    if (!gone.aborted) reply.log.error(error)
  } finally {
    clearInterval(heartbeat)
    reply.raw.end()
  }
  return reply
}
