import { Agent, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import type { PostOutcome } from './sender.ts'

export interface BatchPoster {
  post(batch: Uint8Array): Promise<PostOutcome>
  close(): void
}

const POST_TIMEOUT_MS = 5000
/** Control understood us and will not change its mind about this batch. */
const NEVER = new Set([400, 413, 422])

/** Posts to control, by default what requests were; one kept connection. */
export function batchPoster(
  controlUrl: string,
  internalKey: string,
  path = '/internal/v1/telemetry',
): BatchPoster {
  const url = new URL(path, controlUrl)
  const isTls = url.protocol === 'https:'
  const agent = isTls
    ? new TlsAgent({ keepAlive: true, maxSockets: 1 })
    : new Agent({ keepAlive: true, maxSockets: 1 })
  const send = isTls ? tlsRequest : request
  const post = (body: Uint8Array): Promise<PostOutcome> =>
    new Promise((resolve) => {
      const headers = {
        authorization: `Bearer ${internalKey}`,
        'content-type': 'application/json',
        'content-length': body.length,
      }
      const signal = AbortSignal.timeout(POST_TIMEOUT_MS)
      const sent = send(url, { method: 'POST', agent, headers, signal }, (response) => {
        response.resume()
        response.on('error', () => resolve('unreachable'))
        const { statusCode = 0 } = response
        if (statusCode >= 200 && statusCode < 300) resolve('taken')
        else resolve(NEVER.has(statusCode) ? 'refused' : 'unreachable')
      })
      sent.on('error', () => resolve('unreachable'))
      sent.end(body)
    })
  return { post, close: () => agent.destroy() }
}
