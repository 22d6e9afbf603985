import type { JsonObject } from '../dialect.ts'
import { objectOf } from '../json/tolerant.ts'

export interface Spelled {
  /** As the schema has it; still to be checked. */
  readonly request: unknown
  /** Where a place of it stands in the body as it came. */
  pointerOf(path: readonly PropertyKey[]): string
}

/**
 * `prompt: "…"` stands for one message of the user, and `content: "…"` of a message (or of a tool's result) for one
 * part of text. Everything else is the neutral form itself.
 */
export function withoutShorthands(body: JsonObject): Spelled {
  const isPrompt = typeof body.prompt === 'string' && body.messages === undefined
  const { prompt, ...others } = body
  const request = isPrompt
    ? { ...others, messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }] }
    : Array.isArray(body.messages)
      ? { ...body, messages: body.messages.map((message) => spelled(message, true)) }
      : body
  return {
    request,
    pointerOf: (path) => (isPrompt && path[0] === 'messages' ? '/prompt' : pointerOf(body, path)),
  }
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

/** RFC 6901. The path ends early where the client wrote a text for what the schema has parts for. */
function pointerOf(body: unknown, path: readonly PropertyKey[]): string {
  let pointer = ''
  let value: unknown = body
  for (const step of path) {
    if (typeof value === 'string') break
    pointer += `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`
    value =
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined
  }
  return pointer
}
