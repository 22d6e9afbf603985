import { Agent, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { type LeaseAnswer, type LeaseExchange, leaseAnswer } from '../../contracts/index.ts'
import { type LeaseAuthority, LeaseRefused } from '../../routing/index.ts'

const TIMEOUT_MS = 1000
const MAX_ANSWER_BYTES = 1024 * 1024
/** Control understood us and will not change its mind about this message. */
const NEVER = new Set([400, 413, 422])

/** Control as the one who counts limits for all gateways: `POST /internal/v1/leases` on one kept connection. */
export function controlAuthority(
  controlUrl: string,
  internalKey: string,
  timeoutMs = TIMEOUT_MS,
): LeaseAuthority {
  const url = new URL('/internal/v1/leases', controlUrl)
  const isTls = url.protocol === 'https:'
  const agent = isTls
    ? new TlsAgent({ keepAlive: true, maxSockets: 1 })
    : new Agent({ keepAlive: true, maxSockets: 1 })
  const send = isTls ? tlsRequest : request
  const post = (message: LeaseExchange): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(message))
      const headers = {
        authorization: `Bearer ${internalKey}`,
        'content-type': 'application/json',
        'content-length': body.length,
      }
      const signal = AbortSignal.timeout(timeoutMs)
      const sent = send(url, { method: 'POST', agent, headers, signal }, (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('the answer of control is too long'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      })
      sent.on('error', reject)
      sent.end(body)
    })
  return {
    name: 'control',
    async exchange(message): Promise<LeaseAnswer> {
      const { body, status } = await post(message)
      if (NEVER.has(status)) throw new LeaseRefused(`control answered ${status}: ${body.slice(0, 500)}`)
      if (status !== 200) throw new Error(`control answered ${status}`)
      return leaseAnswer.parse(JSON.parse(body))
    },
    close: async () => agent.destroy(),
  }
}
