import { type Dispatcher, request } from 'undici'
import type { JsonObject } from '../../dialects/index.ts'
import type { ServiceTarget } from './service-target.ts'

/** An answer as it came, bounded. */
export interface RawAnswer {
  /** 0: no answer; then the body says why. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Never throws, but for an abort. A body past 2 MB is cut and so read as broken. */
export async function askRaw(
  target: ServiceTarget,
  body: JsonObject,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RawAnswer> {
  try {
    const answer = await request(target.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...target.headers },
      body: JSON.stringify({ ...body, model: target.model }),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    return { status: answer.statusCode, headers: flat(answer.headers), body: await bounded(answer.body) }
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = error as Error & { code?: string }
    return { status: 0, headers: {}, body: String(code ?? message).slice(0, 200) }
  }
}

async function bounded(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flat(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .slice(0, 100)
      .map(([name, value]) => [name.toLowerCase(), String(value).slice(0, 200)]),
  )
}

const MOST_BYTES = 2_000_000
