import type { MediaSource, Message, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import type { ChatQuirks } from './chat-quirks.ts'

const DIALECT = 'openai-chat'

type PartOf<Type extends Part['type']> = Extract<Part, { type: Type }>

/** Results of tools are one message each. Throws `UnsupportedFeature` with the place of what cannot be said. */
export function writeMessages(messages: readonly Message[], quirks: ChatQuirks): JsonObject[] {
  const written: JsonObject[] = []
  for (const [index, message] of messages.entries()) {
    const place = `messages.${index}`
    if (message.role === 'assistant') written.push(assistant(message, place, quirks))
    else if (message.content.some(({ type }) => type === 'tool-result'))
      written.push(...results(message, place, quirks))
    else written.push(plain(message, place, quirks))
  }
  return written
}

function plain(message: Message, place: string, quirks: ChatQuirks): JsonObject {
  const { content, name, role } = message
  return {
    role: role === 'developer' && !quirks.hasDeveloperRole ? 'system' : role,
    content: contentOf(content, `${place}.content`),
    ...(name === undefined ? {} : { name }),
  }
}

/** One text is a string, which every server takes. */
function contentOf(content: readonly Part[], place: string): unknown {
  const [first] = content
  if (content.length === 1 && first?.type === 'text') return textOf(first, `${place}.0`)
  return content.map((part, index) => written(part, `${place}.${index}`))
}

/** A user's message may hold results and words; the words come after, as they were said. */
function results(message: Message, place: string, quirks: ChatQuirks): JsonObject[] {
  const written: JsonObject[] = []
  const rest: Part[] = []
  for (const [index, part] of message.content.entries()) {
    if (part.type === 'tool-result') written.push(result(part, `${place}.content.${index}`))
    else rest.push(part)
  }
  if (rest.length > 0) written.push(plain({ ...message, role: 'user', content: rest }, place, quirks))
  return written
}

function result(part: PartOf<'tool-result'>, place: string): JsonObject {
  refuseCache(part, place)
  if (part.isError === true) throw new UnsupportedFeature(`${place}.isError`, DIALECT)
  for (const [index, { type }] of part.content.entries())
    if (type !== 'text') throw new UnsupportedFeature(`${place}.content.${index}`, DIALECT)
  return {
    role: 'tool',
    tool_call_id: part.callId,
    content: part.content.length === 0 ? '' : contentOf(part.content, `${place}.content`),
  }
}

function assistant(message: Message, place: string, quirks: ChatQuirks): JsonObject {
  const said: Part[] = []
  const calls: JsonObject[] = []
  const annotations: unknown[] = []
  const written: JsonObject = { role: 'assistant' }
  for (const [index, part] of message.content.entries()) {
    const at = `${place}.content.${index}`
    if (part.type === 'reasoning') think(part, at, written, quirks)
    else if (part.type === 'tool-call') calls.push(callOf(part, at))
    else if (part.type === 'refusal')
      written.refusal = `${(written.refusal as string | undefined) ?? ''}${part.text}`
    else if (part.type === 'text') {
      refuseCache(part, at)
      annotations.push(...(part.annotations ?? []))
      said.push(part)
    } else throw new UnsupportedFeature(at, DIALECT)
  }
  if (said.length > 0) written.content = contentOf(said, `${place}.content`)
  else if (calls.length === 0 || quirks.emptyContent === 'null')
    written.content = calls.length === 0 && written.refusal === undefined ? '' : null
  else if (quirks.emptyContent === 'text') written.content = ''
  if (calls.length > 0) written.tool_calls = calls
  if (annotations.length > 0) written.annotations = annotations
  if (message.name !== undefined) written.name = message.name
  return written
}

/** What is signed or encrypted only its own dialect can take back. */
function think(part: PartOf<'reasoning'>, place: string, message: JsonObject, quirks: ChatQuirks): void {
  for (const key of ['signature', 'redacted', 'id', 'summary'] as const)
    if (part[key] !== undefined) throw new UnsupportedFeature(`${place}.${key}`, DIALECT)
  const { reasoningField } = quirks
  if (reasoningField === undefined) throw new UnsupportedFeature(place, DIALECT)
  message[reasoningField] = `${(message[reasoningField] as string | undefined) ?? ''}${part.text ?? ''}`
}

function callOf(part: PartOf<'tool-call'>, place: string): JsonObject {
  refuseCache(part, place)
  return { id: part.id, type: 'function', function: { name: part.name, arguments: part.arguments } }
}

function textOf(part: PartOf<'text'>, place: string): string {
  refuseCache(part, place)
  return part.text
}

function written(part: Part, place: string): JsonObject {
  if ('cache' in part) refuseCache(part, place)
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image': {
      if (part.source.kind === 'file') throw new UnsupportedFeature(place, DIALECT)
      const { detail } = part
      return {
        type: 'image_url',
        image_url: { url: urlOf(part.source), ...(detail === undefined ? {} : { detail }) },
      }
    }
    case 'audio': {
      if (part.source.kind !== 'base64') throw new UnsupportedFeature(place, DIALECT)
      const format = part.format ?? formatOf(part.source.mediaType)
      return { type: 'input_audio', input_audio: { data: part.source.data, format } }
    }
    case 'file': {
      if (part.source.kind === 'url') throw new UnsupportedFeature(place, DIALECT)
      const { filename, source } = part
      return {
        type: 'file',
        file: {
          ...(source.kind === 'file' ? { file_id: source.fileId } : { file_data: urlOf(source) }),
          ...(filename === undefined ? {} : { filename }),
        },
      }
    }
    default:
      throw new UnsupportedFeature(place, DIALECT)
  }
}

function urlOf(source: Exclude<MediaSource, { kind: 'file' }>): string {
  return source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`
}

function formatOf(mediaType: string): string {
  const name = mediaType.slice(mediaType.indexOf('/') + 1)
  return name === 'mpeg' ? 'mp3' : name.replace(/^x-/, '')
}

function refuseCache(part: { readonly cache?: unknown }, place: string): void {
  if (part.cache !== undefined) throw new UnsupportedFeature(`${place}.cache`, DIALECT)
}
