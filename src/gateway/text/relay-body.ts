import { type DialectName, type JsonObject, type RequestGlance, spliceFields } from '../../dialects/index.ts'

/** Dialects whose streams tell the usage only when asked to. */
const ASKED_FOR_USAGE: ReadonlySet<DialectName> = new Set(['openai-chat', 'openai-completions'])

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
  modelName: Buffer,
  dialect: DialectName,
  glance: RequestGlance,
): Buffer | undefined {
  if (glance.model === undefined) return undefined
  if (!glance.stream || glance.includeUsage || !ASKED_FOR_USAGE.has(dialect))
    return spliceFields(body, { model: modelName })
  const options = { ...(parsed.stream_options as object | null | undefined), include_usage: true }
  return spliceFields(body, { model: modelName, stream_options: JSON.stringify(options) })
}
