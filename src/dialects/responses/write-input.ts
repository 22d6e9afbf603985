import type { Message, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'
import { writeUrl } from './media.ts'
import { citationsIn, itemsIn, partsIn } from './native-items.ts'
import { ownItem } from './reasoning.ts'

type TextPart = Extract<Part, { type: 'text' }>

export interface WrittenInput {
  readonly instructions: string | undefined
  readonly input: JsonObject[]
}

/**
 * The first message is the instructions where it is one plain text of the system; all others are items.
 */
export function writeInput(messages: readonly Message[]): WrittenInput {
  const [first] = messages
  const [text] = first?.content ?? []
  const isInstructions =
    first?.role === 'system' &&
    first.name === undefined &&
    first.content.length === 1 &&
    text?.type === 'text' &&
    text.annotations === undefined &&
    text.cache === undefined &&
    messages.length > 1
  const from = isInstructions ? 1 : 0
  return {
    instructions: isInstructions ? (text as TextPart).text : undefined,
    input: messages.slice(from).flatMap((message, index) => writeMessage(message, index + from)),
  }
}

function writeMessage({ content, name, role }: Message, index: number): JsonObject[] {
  const place = `messages.${index}`
  if (name !== undefined) throw new UnsupportedFeature(`${place}.name`, 'openai-responses')
  if (role === 'tool') return content.flatMap((part, at) => writeItem(part, `${place}.content.${at}`))
  if (role === 'assistant') return writeAssistant(content, place)
  const parts = content.flatMap((part, at) => writePart(part, `${place}.content.${at}`))
  return [{ type: 'message', role, content: parts }]
}

/** What was said together is one item; thoughts, calls and what the provider did by itself are items of their own. */
function writeAssistant(content: readonly Part[], place: string): JsonObject[] {
  const items: JsonObject[] = []
  let said: JsonObject[] | undefined
  for (const [at, part] of content.entries()) {
    refuseCache(part, `${place}.content.${at}`)
    if (part.type === 'text' || part.type === 'refusal') {
      const native = part.type === 'text' ? itemsIn(part.annotations) : []
      if (native.length > 0) {
        items.push(...native)
        said = undefined
      }
      if (part.text === '' && part.type === 'text' && part.annotations !== undefined) continue
      if (said === undefined) {
        said = []
        items.push({ type: 'message', role: 'assistant', content: said })
      }
      said.push(part.type === 'text' ? outputText(part) : { type: 'refusal', refusal: part.text })
    } else {
      items.push(...writeItem(part, `${place}.content.${at}`))
      said = undefined
    }
  }
  return items
}

function outputText(part: TextPart): JsonObject {
  return { type: 'output_text', text: part.text, annotations: citationsIn(part.annotations) }
}

function writeItem(part: Part, place: string): JsonObject[] {
  refuseCache(part, place)
  switch (part.type) {
    case 'tool-call':
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.arguments }]
    case 'tool-result':
      return [{ type: 'function_call_output', call_id: part.callId, output: writeOutput(part, place) }]
    case 'reasoning': {
      const item = ownItem(part)
      if (item === undefined)
        throw new UnsupportedFeature(
          place,
          'openai-responses',
          'openai-responses takes only reasoning of its own',
        )
      return [item]
    }
    default:
      throw new UnsupportedFeature(place, 'openai-responses', `openai-responses has no ${part.type} there`)
  }
}

function writeOutput(part: Extract<Part, { type: 'tool-result' }>, place: string): string | JsonObject[] {
  if (part.isError === true)
    throw new UnsupportedFeature(
      `${place}.isError`,
      'openai-responses',
      'openai-responses has no failed tool',
    )
  const { content } = part
  const [text] = content
  if (content.length === 0) return ''
  const isPlain = content.length === 1 && text?.type === 'text' && text.annotations === undefined
  if (isPlain && text.cache === undefined) return text.text
  return content.flatMap((one, at) => writePart(one, `${place}.content.${at}`))
}

/** Its own marks have other lifetimes, and only some of its models take them. */
function refuseCache(part: Part, place: string): void {
  if ('cache' in part && part.cache !== undefined)
    throw new UnsupportedFeature(`${place}.cache`, 'openai-responses')
}

function writePart(part: Part, place: string): JsonObject[] {
  refuseCache(part, place)
  switch (part.type) {
    case 'text':
      return writeText(part)
    case 'image':
      return [
        {
          type: 'input_image',
          detail: part.detail ?? 'auto',
          ...(part.source.kind === 'file'
            ? { file_id: part.source.fileId }
            : { image_url: writeUrl(part.source) }),
        },
      ]
    case 'file':
      return [writeFile(part)]
    default:
      throw new UnsupportedFeature(place, 'openai-responses', `openai-responses takes no ${part.type} there`)
  }
}

function writeText(part: TextPart): JsonObject[] {
  const parts = partsIn(part.annotations)
  if (part.text === '' && part.annotations !== undefined) return parts
  const mark = (part.annotations ?? []).find(
    (one) => (one as JsonObject | null)?.type === 'prompt_cache_breakpoint',
  ) as JsonObject | undefined
  const { type: _, ...breakpoint } = mark ?? {}
  return [
    ...parts,
    {
      type: 'input_text',
      text: part.text,
      ...(mark === undefined ? {} : { prompt_cache_breakpoint: breakpoint }),
    },
  ]
}

function writeFile({ filename, source }: Extract<Part, { type: 'file' }>): JsonObject {
  const named = filename === undefined ? {} : { filename }
  if (source.kind === 'file') return { type: 'input_file', file_id: source.fileId, ...named }
  if (source.kind === 'url') return { type: 'input_file', file_url: source.url, ...named }
  return { type: 'input_file', filename: filename ?? 'document', file_data: writeUrl(source) }
}
