import type { Message, Part } from '../../contracts/index.ts'
import type { Place } from '../json/place.ts'
import { objectOf } from '../json/tolerant.ts'
import { readUrl } from './media.ts'
import { carried, isNativeItem, type NativeMarks } from './native-items.ts'
import { readReasoning } from './reasoning.ts'

type TextPart = Extract<Part, { type: 'text' }>
type ResultContent = Extract<Part, { type: 'tool-result' }>['content'][number]

/**
 * `input`: a text, or items. What the assistant said, thought and called one after the other is one message in the
 * neutral form; results of calls are messages of their own.
 */
export function readInput(input: Place, marks: NativeMarks): Message[] {
  if (typeof input.value === 'string')
    return [{ role: 'user', content: [{ type: 'text', text: input.value }] }]
  const messages: Message[] = []
  for (const item of input.list()) {
    const read = readItem(item, marks)
    const last = messages.at(-1)
    if (read.role === 'assistant' && last?.role === 'assistant') last.content.push(...read.content)
    else messages.push(read)
  }
  return messages
}

function readItem(item: Place, marks: NativeMarks): Message {
  item.object()
  const type = typeOf(item)
  switch (type) {
    case 'message':
      return readMessage(item, marks)
    case 'reasoning':
      return { role: 'assistant', content: [readThought(item)] }
    case 'function_call':
      return { role: 'assistant', content: [readCall(item, marks)] }
    case 'function_call_output':
      return { role: 'tool', content: [readOutput(item, marks)] }
    default:
      if (!isNativeItem(type))
        item.at('type').fail(`is ${JSON.stringify(type.slice(0, 60))}, which is no type of an item`)
      return { role: 'assistant', content: [native(item, type, marks)] }
  }
}

/** Messages may leave their type out, and references to items too. */
function typeOf(item: Place): string {
  const type = item.at('type')
  if (!type.isAbsent) return type.text()
  if (!item.at('role').isAbsent) return 'message'
  if (!item.at('id').isAbsent) return 'item_reference'
  return type.fail('is required')
}

function readMessage(item: Place, marks: NativeMarks): Message {
  const role = item.at('role').oneOf(['user', 'assistant', 'system', 'developer'])
  const content = item.at('content')
  if (typeof content.value === 'string') return { role, content: [{ type: 'text', text: content.value }] }
  return { role, content: content.list().map((part) => readPart(part, marks)) }
}

function readPart(part: Place, marks: NativeMarks): Part {
  part.object()
  const type = part
    .at('type')
    .oneOf(['input_text', 'output_text', 'refusal', 'input_image', 'input_file', 'input_audio'])
  switch (type) {
    case 'input_text':
    case 'output_text':
      return readText(part)
    case 'refusal':
      return { type: 'refusal', text: part.at('refusal').text() }
    case 'input_audio': {
      const audio = part.at('input_audio')
      const format = audio.at('format').text(20)
      const data = audio.at('data').text()
      return { type: 'audio', source: { kind: 'base64', mediaType: `audio/${format}`, data }, format }
    }
    default:
      return readMedia(part, marks)
  }
}

/** A breakpoint of the prompt cache is advice that only this dialect understands. */
function readText(part: Place): TextPart {
  const annotations = part.at('annotations').maybe((place) => place.list().map(({ value }) => value)) ?? []
  const mark = part.at('prompt_cache_breakpoint').maybe((place) => place.object())
  if (mark !== undefined) annotations.push({ ...mark, type: 'prompt_cache_breakpoint' })
  return { type: 'text', text: part.at('text').text(), ...(annotations.length === 0 ? {} : { annotations }) }
}

function readMedia(part: Place, marks: NativeMarks): Extract<Part, { type: 'image' | 'file' | 'text' }> {
  const type = part.at('type').oneOf(['input_image', 'input_file'])
  const detail = part.at('detail').value
  const isPlain = part.at('prompt_cache_breakpoint').isAbsent && detail !== 'original'
  if (!isPlain || (type === 'input_file' && !part.at('detail').isAbsent)) return native(part, type, marks)
  const fileId = part.at('file_id').maybe((place) => place.text(200))
  if (type === 'input_image') {
    const source =
      fileId === undefined ? readMediaUrl(part.at('image_url')) : ({ kind: 'file', fileId } as const)
    const asked = part.at('detail').maybe((place) => place.oneOf(['low', 'high', 'auto']))
    return { type: 'image', source, ...(asked === undefined ? {} : { detail: asked }) }
  }
  const filename = part.at('filename').maybe((place) => place.text(500))
  const url = part.at('file_url')
  const source =
    fileId !== undefined
      ? ({ kind: 'file', fileId } as const)
      : url.isAbsent
        ? readFileData(part.at('file_data'), filename)
        : readMediaUrl(url)
  return { type: 'file', source, ...(filename === undefined ? {} : { filename }) }
}

function readMediaUrl(place: Place) {
  const source = readUrl(place.text())
  if (source.kind === 'url') place.text(8192)
  return source
}

/** A data URL; bare base64 is taken too, and its type from the file's name. */
function readFileData(place: Place, filename: string | undefined) {
  const source = readUrl(place.text())
  if (source.kind !== 'url') return source
  const mediaType = filename?.toLowerCase().endsWith('.txt') ? 'text/plain' : 'application/pdf'
  return { kind: 'base64', mediaType, data: source.url } as const
}

function readThought(item: Place): Part {
  for (const name of ['summary', 'content']) item.at(name).maybe((place) => place.list())
  item.at('id').maybe((place) => place.text(500))
  item.at('encrypted_content').maybe((place) => place.text())
  return readReasoning(item.object())
}

function readCall(item: Place, marks: NativeMarks): Part {
  const caller = objectOf(item.at('caller').value)
  const isPlain =
    ['namespace', 'async'].every((name) => item.at(name).isAbsent) &&
    (caller === undefined || caller.type === 'direct')
  if (!isPlain) return native(item, 'function_call', marks)
  return {
    type: 'tool-call',
    id: item.at('call_id').text(200),
    name: item.at('name').text(200),
    arguments: item.at('arguments').text(),
  }
}

function readOutput(item: Place, marks: NativeMarks): Part {
  const output = item.at('output')
  const content: ResultContent[] =
    typeof output.value === 'string'
      ? [{ type: 'text', text: output.value }]
      : output.list().map((part) => {
          const type = part.at('type').oneOf(['input_text', 'input_image', 'input_file'])
          return type === 'input_text' ? readText(part) : readMedia(part, marks)
        })
  return { type: 'tool-result', callId: item.at('call_id').text(200), content }
}

function native(place: Place, type: string, marks: NativeMarks): TextPart {
  marks.add(type, place.pointer)
  return carried({ ...place.object(), type })
}
