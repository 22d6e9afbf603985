import type { Message, Part } from '../../contracts/index.ts'
import { writeInput } from '../anthropic/tool-input.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { DocumentNames, writeDocument, writeImage } from './write-media.ts'

export interface WrittenMessages {
  readonly system: readonly JsonObject[] | undefined
  readonly messages: readonly JsonObject[]
}

/** Reasoning that OpenAI signed; no model here takes it. */
const FOREIGN_SIGNATURE = /^openai-responses:/

/**
 * What stands first as instructions goes out as `system`; later there is no role for them. User and assistant take turns
 * there, so that messages of one side in a row, results of tools among them, are one. Throws `UnsupportedFeature`.
 */
export function writeMessages(messages: readonly Message[]): WrittenMessages {
  const firstOther = messages.findIndex(({ role }) => !isInstruction(role))
  const opening = messages.slice(0, firstOther < 0 ? messages.length : firstOther)
  const names = new DocumentNames()
  const system = opening.flatMap((message, index) => writeContent(message, index, names))
  const written: { role: string; content: JsonObject[] }[] = []
  for (let index = opening.length; index < messages.length; index++) {
    const message = messages[index] as Message
    if (isInstruction(message.role))
      throw unsupported(`messages.${index}`, 'takes instructions only before all other messages')
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = writeContent(message, index, names)
    const last = written.at(-1)
    if (last?.role === role) last.content.push(...content)
    else written.push({ role, content })
  }
  return { system: system.length === 0 ? undefined : system, messages: written }
}

/** Whatever came before it is to be kept in the cache. */
export function cachePoint(cache: { ttl?: '5m' | '1h' | undefined } | undefined): JsonObject[] {
  if (cache === undefined) return []
  return [{ cachePoint: { type: 'default', ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) } }]
}

function isInstruction(role: Message['role']): boolean {
  return role === 'system' || role === 'developer'
}

function writeContent({ content, name, role }: Message, index: number, names: DocumentNames): JsonObject[] {
  const place = `messages.${index}`
  if (name !== undefined) throw unsupported(`${place}.name`, 'has no names of who speaks')
  return content.flatMap((part, at) => {
    const here = `${place}.content.${at}`
    if (isInstruction(role) && part.type !== 'text')
      throw unsupported(here, `takes instructions as text, not as ${part.type}`)
    const blocks = writePart(part, here, names)
    return 'cache' in part ? [...blocks, ...cachePoint(part.cache)] : blocks
  })
}

function writePart(part: Part, place: string, names: DocumentNames): JsonObject[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      // A refusal has no block of its own here; an empty text is refused there, and says nothing.
      return part.text === '' ? [] : [{ text: part.text }]
    case 'image':
      return [writeImage(part, place)]
    case 'file':
      return [writeDocument(part, place, names)]
    case 'audio':
      throw unsupported(place, 'takes no audio')
    case 'reasoning':
      return [writeReasoning(part, place)]
    case 'tool-call':
      return [{ toolUse: { toolUseId: part.id, name: part.name, input: writeInput(part.arguments) } }]
    case 'tool-result':
      return [writeResult(part, place, names)]
  }
}

function writeReasoning(part: Extract<Part, { type: 'reasoning' }>, place: string): JsonObject {
  if (part.redacted !== undefined) return { reasoningContent: { redactedContent: part.redacted } }
  const { signature } = part
  if (signature !== undefined && FOREIGN_SIGNATURE.test(signature))
    throw unsupported(place, 'takes no thinking that another provider signed')
  const text = part.text ?? part.summary?.join('\n\n') ?? ''
  return { reasoningContent: { reasoningText: { text, ...(signature === undefined ? {} : { signature }) } } }
}

function writeResult(
  part: Extract<Part, { type: 'tool-result' }>,
  place: string,
  names: DocumentNames,
): JsonObject {
  const content = part.content.flatMap((one, at) => {
    const here = `${place}.content.${at}`
    if (one.cache !== undefined) throw unsupported(`${here}.cache`, 'marks no part inside a result')
    return writePart(one, here, names)
  })
  const status = part.isError === undefined ? {} : { status: part.isError ? 'error' : 'success' }
  return { toolResult: { toolUseId: part.callId, content, ...status } }
}

function unsupported(feature: string, what: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'bedrock-converse', `bedrock-converse ${what}`)
}
