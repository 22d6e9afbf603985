import { Agent, request } from 'undici'
import { checkedEndpoint, outerLookup } from './address-guard.ts'

const MAX_ANSWER_BYTES = 1024 * 1024
const CONNECT_TIMEOUT_MS = 5000

/** Posts JSON to somebody's own service and gives its JSON back. No redirects, no proxies, nothing kept for long. */
export interface JsonPoster {
  /** Rejects when the status is not 200, the answer is no JSON or too large, or the signal aborts. */
  post(url: string, body: unknown, signal: AbortSignal, allowInner: boolean): Promise<unknown>
  close(): Promise<void>
}

export function jsonPoster(): JsonPoster {
  const outer = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, lookup: outerLookup }, connections: 32 })
  const inner = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, connections: 32 })
  return {
    async post(url, body, signal, allowInner) {
      const endpoint = checkedEndpoint(url, allowInner)
      const { body: answer, statusCode } = await request(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
        dispatcher: allowInner ? inner : outer,
        signal,
      })
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > MAX_ANSWER_BYTES)
          throw new RangeError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
        chunks.push(chunk)
      }
      if (statusCode !== 200) throw new TypeError(`the status is ${statusCode}`)
      return JSON.parse(Buffer.concat(chunks).toString('utf8'))
    },
    async close() {
      await Promise.all([outer.close(), inner.close()])
    },
  }
}
