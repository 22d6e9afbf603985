import type { JsonObject } from '../dialect.ts'
import { objectOf } from '../json/tolerant.ts'

/**
 * `prompt: "…"` stands for one message of the user, and `content: "…"` of a message (or of a tool's result) for one
 * part of text. Everything else is the neutral form itself, still to be checked; any text will do for a shorthand, so
 * that what is wrong stands where the client wrote it.
 */
export function withoutShorthands(body: JsonObject): JsonObject {
  const { messages, prompt, ...others } = body
  if (typeof prompt === 'string' && messages === undefined)
    return { ...others, messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }] }
  return Array.isArray(messages)
    ? { ...body, messages: messages.map((message) => spelled(message, true)) }
    : body
}

function spelled(holder: unknown, isMessage: boolean): unknown {
  const object = objectOf(holder)
  if (object === undefined) return holder
  const { content } = object
  if (typeof content === 'string') return { ...object, content: [{ type: 'text', text: content }] }
  if (!isMessage || !Array.isArray(content)) return holder
  return {
    ...object,
    content: content.map((part) => (objectOf(part)?.type === 'tool-result' ? spelled(part, false) : part)),
  }
}
