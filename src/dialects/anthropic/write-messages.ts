import type { MediaSource, Message, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { blocksIn, citationsIn } from './native-blocks.ts'
import { writeInput } from './tool-input.ts'

/** Reasoning that another provider signed; Anthropic takes none but its own. */
const FOREIGN_SIGNATURE = /^openai-responses:/

export interface WrittenMessages {
  /** Undefined where there is none. */
  readonly system: string | JsonObject[] | undefined
  readonly messages: JsonObject[]
}

/**
 * Instructions at the start become `system`; later ones are messages of the role `system`, in their place. Results of
 * tools become blocks of one user message, together with what the user says after them, as the API wants it.
 */
export function writeMessages(messages: readonly Message[]): WrittenMessages {
  const firstOther = messages.findIndex(({ role }) => !isInstruction(role))
  const opening = firstOther < 0 ? messages : messages.slice(0, firstOther)
  const blocks = opening.flatMap((message, index) => writeContent(message, index))
  const written: JsonObject[] = []
  /** Blocks of the last message, while it may take more. */
  let growing: JsonObject[] | undefined
  for (let index = opening.length; index < messages.length; index++) {
    const message = messages[index] as Message
    const content = writeContent(message, index)
    const role = message.role === 'tool' ? 'user' : isInstruction(message.role) ? 'system' : message.role
    const isResult = message.role === 'tool'
    if (growing !== undefined && role === 'user') growing.push(...content)
    else {
      growing = isResult ? content : undefined
      written.push({ role, content: growing ?? plain(content) })
    }
    if (!isResult) growing = undefined
  }
  return { system: blocks.length === 0 ? undefined : plain(blocks), messages: written }
}

function isInstruction(role: Message['role']): boolean {
  return role === 'system' || role === 'developer'
}

/** One text without anything to it is written as a string. */
function plain(blocks: JsonObject[]): string | JsonObject[] {
  const [block] = blocks
  const isPlain = blocks.length === 1 && block?.type === 'text' && Object.keys(block).length === 2
  return isPlain ? (block.text as string) : blocks
}

function writeContent({ content, name, role }: Message, index: number): JsonObject[] {
  const place = `messages.${index}`
  if (name !== undefined) throw new UnsupportedFeature(`${place}.name`, 'anthropic')
  return content.flatMap((part, at) => {
    const here = `${place}.content.${at}`
    if (isInstruction(role) && part.type !== 'text')
      throw new UnsupportedFeature(
        here,
        'anthropic',
        `anthropic takes instructions as text, not as ${part.type}`,
      )
    return writePart(part, here)
  })
}

function writePart(part: Part, place: string): JsonObject[] {
  switch (part.type) {
    case 'text':
      return writeText(part)
    case 'refusal':
      // A refusal has no block of its own here: it is what the assistant said.
      return [{ type: 'text', text: part.text }]
    case 'image':
      return [writeImage(part, place)]
    case 'file':
      return [writeDocument(part, place)]
    case 'audio':
      throw new UnsupportedFeature(place, 'anthropic', 'anthropic takes no audio')
    case 'reasoning':
      return [writeReasoning(part, place)]
    case 'tool-call':
      return [
        {
          type: 'tool_use',
          id: part.id,
          name: part.name,
          input: writeInput(part.arguments),
          ...cacheControl(part),
        },
      ]
    case 'tool-result':
      return [writeResult(part, place)]
  }
}

/** An empty text with annotations only carries them; the API takes none that is empty. */
function writeText(part: Extract<Part, { type: 'text' }>): JsonObject[] {
  const blocks = blocksIn(part.annotations)
  if (part.text === '' && part.annotations !== undefined) return blocks
  const citations = citationsIn(part.annotations)
  const text = {
    type: 'text',
    text: part.text,
    ...(citations.length === 0 ? {} : { citations }),
    ...cacheControl(part),
  }
  return [...blocks, text]
}

function writeImage(part: Extract<Part, { type: 'image' }>, place: string): JsonObject {
  if (part.detail !== undefined && part.detail !== 'auto')
    throw new UnsupportedFeature(`${place}.detail`, 'anthropic', 'anthropic has no detail of images')
  return { type: 'image', source: writeSource(part.source), ...cacheControl(part) }
}

function writeDocument(part: Extract<Part, { type: 'file' }>, place: string): JsonObject {
  return {
    type: 'document',
    source: documentSource(part.source, place),
    ...(part.filename === undefined ? {} : { title: part.filename }),
    ...cacheControl(part),
  }
}

/** docs.anthropic.com: "PDF support", plain text documents. */
function documentSource(source: MediaSource, place: string): JsonObject {
  if (source.kind !== 'base64' || source.mediaType === 'application/pdf') return writeSource(source)
  if (source.mediaType !== 'text/plain')
    throw new UnsupportedFeature(place, 'anthropic', `anthropic takes no documents of ${source.mediaType}`)
  return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') }
}

function writeSource(source: MediaSource): JsonObject {
  switch (source.kind) {
    case 'url':
      return { type: 'url', url: source.url }
    case 'file':
      return { type: 'file', file_id: source.fileId }
    case 'base64':
      return { type: 'base64', media_type: source.mediaType, data: source.data }
  }
}

/** Without Anthropic's own signature, thinking is not taken back. */
function writeReasoning(part: Extract<Part, { type: 'reasoning' }>, place: string): JsonObject {
  if (part.redacted !== undefined) return { type: 'redacted_thinking', data: part.redacted }
  const { signature } = part
  if (signature === undefined || FOREIGN_SIGNATURE.test(signature))
    throw new UnsupportedFeature(place, 'anthropic', 'anthropic takes only thinking that it signed itself')
  return { type: 'thinking', thinking: thinkingOf(part), signature }
}

export function thinkingOf({ summary, text }: Extract<Part, { type: 'reasoning' }>): string {
  return text ?? summary?.join('\n\n') ?? ''
}

function writeResult(part: Extract<Part, { type: 'tool-result' }>, place: string): JsonObject {
  const content = part.content.flatMap((one, index) => writePart(one, `${place}.content.${index}`))
  return {
    type: 'tool_result',
    tool_use_id: part.callId,
    ...(content.length === 0 ? {} : { content: plain(content) }),
    ...(part.isError === undefined ? {} : { is_error: part.isError }),
    ...cacheControl(part),
  }
}

export function cacheControl({
  cache,
}: {
  cache?: { ttl?: '5m' | '1h' | undefined } | undefined
}): JsonObject {
  if (cache === undefined) return {}
  return { cache_control: { type: 'ephemeral', ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) } }
}
