import type { MediaSource, Message, Part } from '../../contracts/index.ts'
import type { Place } from '../json/place.ts'
import { CITATIONS, carried, isNativeBlock, type NativeMarks, typeOf } from './native-blocks.ts'
import { readInput } from './tool-input.ts'

type ResultContent = Extract<Part, { type: 'tool-result' }>['content'][number]

/** `system`: a text, or blocks of text with cache marks. */
export function readSystem(system: Place): Message[] {
  if (system.isAbsent) return []
  if (typeof system.value === 'string')
    return [{ role: 'system', content: [{ type: 'text', text: system.value }] }]
  return [{ role: 'system', content: system.list().map(readText) }]
}

export function readMessages(messages: Place, marks: NativeMarks): Message[] {
  return messages.list().flatMap((message) => readMessage(message, marks))
}

/** Results of tools are messages of their own in the neutral form, in the order in which they stand here. */
function readMessage(message: Place, marks: NativeMarks): Message[] {
  message.object()
  const role = message.at('role').oneOf(['user', 'assistant', 'system'])
  const content = message.at('content')
  if (typeof content.value === 'string') return [{ role, content: [{ type: 'text', text: content.value }] }]
  const read: Message[] = []
  for (const block of content.list()) {
    const part = readBlock(block, marks)
    const last = read.at(-1)
    if (part.type === 'tool-result') read.push({ role: 'tool', content: [part] })
    else if (last?.role === role) last.content.push(part)
    else read.push({ role, content: [part] })
  }
  return read.length === 0 ? [{ role, content: [] }] : read
}

function readBlock(block: Place, marks: NativeMarks): Part {
  block.object()
  const type = block.at('type').text()
  switch (type) {
    case 'text':
      return readText(block)
    case 'image':
    case 'document':
      return readMedia(block, marks)
    case 'thinking':
      return { type: 'reasoning', text: block.at('thinking').text(), signature: block.at('signature').text() }
    case 'redacted_thinking':
      return { type: 'reasoning', redacted: block.at('data').text() }
    case 'tool_use':
      return readToolUse(block, marks)
    case 'tool_result':
      return readToolResult(block, marks)
    default:
      return native(block, type, marks)
  }
}

function readText(block: Place): Extract<Part, { type: 'text' }> {
  if (block.at('type').text() !== 'text') block.at('type').fail('must be text')
  const text = block.at('text').text()
  const citations = block.at('citations').maybe((place) => place.list().map(({ value }) => value))
  const strange = citations?.findIndex((citation) => !CITATIONS.has(typeOf(citation) ?? '')) ?? -1
  if (strange >= 0) block.at('citations').at(strange).fail('is no citation of a known type')
  return {
    type: 'text',
    text,
    ...(citations === undefined || citations.length === 0 ? {} : { annotations: citations }),
    ...cacheOf(block),
  }
}

/** What a document says beside its source and title only this dialect understands. */
function readMedia(block: Place, marks: NativeMarks): Extract<Part, { type: 'image' | 'file' | 'text' }> {
  const type = block.at('type').oneOf(['image', 'document'])
  const isPlain = ['citations', 'context', 'transformations'].every((name) => block.at(name).isAbsent)
  const source = isPlain ? readSource(block.at('source')) : undefined
  if (source === undefined) return native(block, type, marks)
  if (type === 'image') return { type, source, ...cacheOf(block) }
  const filename = block.at('title').maybe((title) => title.text(500))
  return { type: 'file', source, ...(filename === undefined ? {} : { filename }), ...cacheOf(block) }
}

/** Undefined for a source of blocks. */
function readSource(source: Place): MediaSource | undefined {
  source.object()
  switch (source.at('type').oneOf(['base64', 'url', 'file', 'text', 'content'])) {
    case 'base64':
      return {
        kind: 'base64',
        mediaType: source.at('media_type').text(200),
        data: source.at('data').text(),
      }
    case 'url':
      return { kind: 'url', url: source.at('url').text(8192) }
    case 'file':
      return { kind: 'file', fileId: source.at('file_id').text(200) }
    case 'text':
      return {
        kind: 'base64',
        mediaType: 'text/plain',
        data: Buffer.from(source.at('data').text(), 'utf8').toString('base64'),
      }
    case 'content':
      return undefined
  }
}

function readToolUse(block: Place, marks: NativeMarks): Part {
  const isPlain =
    block.at('toolset_name').isAbsent && (block.at('caller').isAbsent || isDirect(block.at('caller')))
  if (!isPlain) return native(block, 'tool_use', marks)
  const input = block.at('input')
  input.object()
  return {
    type: 'tool-call',
    id: block.at('id').text(200),
    name: block.at('name').text(200),
    arguments: readInput(input.value),
    ...cacheOf(block),
  }
}

function isDirect(caller: Place): boolean {
  return caller.at('type').value === 'direct'
}

function readToolResult(block: Place, marks: NativeMarks): Part {
  const content = block.at('content')
  const isError = block.at('is_error').maybe((flag) => flag.flag())
  return {
    type: 'tool-result',
    callId: block.at('tool_use_id').text(200),
    content: content.isAbsent ? [] : readResult(content, marks),
    ...(isError === undefined ? {} : { isError }),
    ...cacheOf(block),
  }
}

function readResult(content: Place, marks: NativeMarks): ResultContent[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value }]
  return content.list().map((block) => {
    const type = block.at('type').text()
    if (type === 'text') return readText(block)
    if (type === 'image' || type === 'document') return readMedia(block, marks)
    return native(block, type, marks)
  })
}

function native(block: Place, type: string, marks: NativeMarks): Extract<Part, { type: 'text' }> {
  if (!isNativeBlock(type))
    block.at('type').fail(`is ${JSON.stringify(type.slice(0, 60))}, which is no type of a block here`)
  marks.add(type, block.pointer)
  return carried(block.object())
}

export function cacheOf(block: Place): { cache?: { ttl?: '5m' | '1h' } } {
  const mark = block.at('cache_control')
  if (mark.isAbsent) return {}
  mark.object()
  mark.at('type').oneOf(['ephemeral'])
  const ttl = mark.at('ttl').maybe((place) => place.oneOf(['5m', '1h']))
  return { cache: ttl === undefined ? {} : { ttl } }
}
