import type { DialectName, JsonObject, RequestGlance } from '../../dialects/index.ts'
import type { BodySpans } from './body-scan.ts'

/** Dialects whose streams tell the usage only when asked to. */
const ASKED_FOR_USAGE: ReadonlySet<DialectName> = new Set(['openai-chat', 'openai-completions'])

const ASK = Buffer.from(',"stream_options":{"include_usage":true}')

/**
 * The client's bytes with the model's name replaced and, where a stream would not tell its usage otherwise, the usage
 * asked for: whatever the client said besides reaches the provider as it was said. Undefined where the bytes leave room
 * for two readings; then the request is written anew.
 *
 * @param modelName as JSON text.
 */
export function relayBody(
  body: Buffer,
  parsed: JsonObject,
  spans: BodySpans,
  modelName: Buffer,
  dialect: DialectName,
  glance: RequestGlance,
): Buffer | undefined {
  if (!spans.isPlain || spans.modelFrom < 0 || spans.modelTo < 0 || spans.closesAt < 0) return undefined
  if (glance.model === undefined) return undefined
  const asks = glance.stream && !glance.includeUsage && ASKED_FOR_USAGE.has(dialect)
  const edits = [{ from: spans.modelFrom, to: spans.modelTo, text: modelName }]
  if (asks && spans.optionsFrom < 0) edits.push({ from: spans.closesAt, to: spans.closesAt, text: ASK })
  else if (asks) {
    const options = { ...(parsed.stream_options as object | null), include_usage: true }
    edits.push({
      from: spans.optionsFrom,
      to: spans.optionsTo,
      text: Buffer.from(JSON.stringify(options)),
    })
  }
  return spliced(body, edits)
}

function spliced(body: Buffer, edits: { from: number; to: number; text: Buffer }[]): Buffer {
  if (edits.length > 1) edits.sort((left, right) => left.from - right.from)
  const pieces: Buffer[] = []
  let at = 0
  for (const { from, text, to } of edits) {
    pieces.push(body.subarray(at, from), text)
    at = to
  }
  pieces.push(body.subarray(at))
  return Buffer.concat(pieces)
}
