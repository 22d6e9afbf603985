import { Pool } from 'undici'
import { headerNames } from '../contracts/index.ts'

/** What came back for one line. */
export type LineAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly requestId: string
      readonly body: unknown
      readonly retryAfterMs: number | undefined
    }
  /** There was no answer; `isUnreachable` where nothing of the line was taken. */
  | { readonly kind: 'none'; readonly reason: string; readonly isUnreachable: boolean }
  | { readonly kind: 'too-large' }

/** Sends a line as any client would; as whom is said by the key's public id. */
export interface Asker {
  ask(
    line: { readonly url: string; readonly key: string; readonly body: string },
    signal: AbortSignal,
  ): Promise<LineAnswer>
  close(): Promise<void>
}

/** Longer than a gateway lets a request take, so that it is the gateway that says so. */
const TIMEOUT_MS = 660_000

/**
 * Asks a gateway in the name of the key that made the batch: the installation's internal key proves who sends, and the
 * lowest class of priority is claimed. @param connections lines that all batches together may ask at the same time.
 */
export function gatewayAsker(options: {
  readonly gatewayUrl: string
  readonly internalKey: string
  readonly connections: number
  readonly maxAnswerBytes: number
}): Asker {
  const pool = new Pool(new URL(options.gatewayUrl).origin, {
    connections: options.connections,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })
  return {
    async ask({ body, key, url }, signal) {
      try {
        const response = await pool.request({
          method: 'POST',
          path: url,
          body,
          signal,
          headers: {
            authorization: `Bearer ${options.internalKey}`,
            'content-type': 'application/json',
            [headerNames.onBehalfOf]: key,
            [headerNames.priority]: 'batch',
          },
        })
        const text = await bounded(response.body, options.maxAnswerBytes)
        if (text === undefined) return { kind: 'too-large' }
        const header = (name: string) => {
          const value = response.headers[name]
          return typeof value === 'string' ? value : undefined
        }
        const retryAfter = Number(header('retry-after'))
        return {
          kind: 'answer',
          status: response.statusCode,
          requestId: header(headerNames.requestId) ?? '',
          body: asJson(text),
          retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
        }
      } catch (error) {
        signal.throwIfAborted()
        return {
          kind: 'none',
          reason: error instanceof Error ? error.message : String(error),
          isUnreachable: UNREACHABLE.has((error as { code?: string }).code ?? ''),
        }
      }
    },
    close: () => pool.destroy(),
  }
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

async function bounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Whatever stands between may answer something else. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { error: { message: text.slice(0, 1000), type: 'server_error', param: null, code: null } }
  }
}
