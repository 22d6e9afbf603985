import type { JsonObject, RequestGlance } from '../dialect.ts'
import { listOf, objectOf } from '../json/tolerant.ts'

/** A picture in high detail is about this many tokens, at four characters each (OpenAI's guide on vision). */
const IMAGE_CHARACTERS = 6000

export function glanceChat(body: JsonObject): RequestGlance {
  const { max_completion_tokens: newer, max_tokens: older } = body
  const characters =
    charactersOfMessages(body.messages) +
    charactersIn(body.tools) +
    charactersIn(body.functions) +
    charactersIn(body.response_format)
  return {
    ...plainGlance(body, characters),
    maxOutputTokens: positive(newer) ?? positive(older),
    ...(listOf(body.functions).length > 0 ? { usesFunctions: true } : {}),
  }
}

export function plainGlance(body: JsonObject, promptCharacters: number): RequestGlance {
  const { model, safety_identifier: safety, seed, stream, temperature, user } = body
  return {
    model: typeof model === 'string' ? model : undefined,
    stream: stream === true,
    includeUsage: objectOf(body.stream_options)?.include_usage === true,
    user: typeof user === 'string' ? user : typeof safety === 'string' ? safety : undefined,
    maxOutputTokens: positive(body.max_tokens),
    promptCharacters,
    isSampled: temperature !== 0 && typeof seed !== 'number',
  }
}

function positive(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

function charactersOfMessages(messages: unknown): number {
  let characters = 0
  for (const one of listOf(messages)) {
    const { content, ...rest } = objectOf(one) ?? {}
    if (typeof content === 'string') characters += content.length
    else
      for (const part of listOf(content))
        characters += objectOf(part)?.type === 'image_url' ? IMAGE_CHARACTERS : charactersIn(part)
    // Calls, thinking, names.
    characters += charactersIn(rest)
  }
  return characters
}

/** Of all texts and names in a value, whatever its form; deeper than bodies may be, nothing is counted. */
export function charactersIn(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length
  if (typeof value === 'number') return 4
  if (typeof value !== 'object' || value === null || depth > 64) return 0
  let characters = 0
  if (Array.isArray(value)) for (const one of value) characters += charactersIn(one, depth + 1)
  else
    for (const name of Object.keys(value))
      characters += name.length + charactersIn((value as JsonObject)[name], depth + 1)
  return characters
}
