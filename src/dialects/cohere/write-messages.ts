import type { Message, Part } from '../../contracts/index.ts'
import { type JsonObject, UnsupportedFeature } from '../dialect.ts'

/** Each result of a tool is a message of its own there. Throws `UnsupportedFeature`. */
export function writeMessages(messages: readonly Message[]): JsonObject[] {
  return messages.flatMap((message, index) => {
    const place = `messages.${index}`
    if (message.name !== undefined) throw unsupported(`${place}.name`, 'has no names of who speaks')
    if (message.role === 'tool') return writeResults(message, place)
    if (message.role === 'assistant') return [writeAssistant(message, place)]
    const role = message.role === 'user' ? 'user' : 'system'
    const content = message.content.map((part, at) => writeAsked(part, role, `${place}.content.${at}`))
    return [{ role, content: plain(content) }]
  })
}

/** One text is written as a string. */
function plain(blocks: JsonObject[]): string | JsonObject[] {
  const [block] = blocks
  return blocks.length === 1 && block?.type === 'text' ? (block.text as string) : blocks
}

function writeAsked(part: Part, role: 'user' | 'system', place: string): JsonObject {
  if (part.type === 'text') return writeText(part, place)
  if (role === 'system' || part.type !== 'image')
    throw unsupported(place, `takes no ${part.type} in a message of ${role}`)
  if (part.cache !== undefined) throw unsupported(`${place}.cache`, 'marks no part for its cache')
  const { detail, source } = part
  if (source.kind === 'file') throw unsupported(place, 'takes no ids of files')
  const url = source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`
  return { type: 'image_url', image_url: { url, ...(detail === undefined ? {} : { detail }) } }
}

function writeText(part: Extract<Part, { type: 'text' | 'refusal' }>, place: string): JsonObject {
  if (part.type === 'text' && part.cache !== undefined)
    throw unsupported(`${place}.cache`, 'marks no part for its cache')
  return { type: 'text', text: part.text }
}

/** What was thought before calls is their plan; a refusal is what the assistant said. */
function writeAssistant({ content }: Message, place: string): JsonObject {
  const hasCalls = content.some(({ type }) => type === 'tool-call')
  const blocks: JsonObject[] = []
  const calls: JsonObject[] = []
  const plans: string[] = []
  for (const [at, part] of content.entries()) {
    const here = `${place}.content.${at}`
    if (part.type === 'text' || part.type === 'refusal') blocks.push(writeText(part, here))
    else if (part.type === 'reasoning') {
      const text = thinkingOf(part, here)
      if (hasCalls) plans.push(text)
      else blocks.push({ type: 'thinking', thinking: text })
    } else if (part.type === 'tool-call') {
      if (part.cache !== undefined) throw unsupported(`${here}.cache`, 'marks no part for its cache')
      calls.push({ id: part.id, type: 'function', function: { name: part.name, arguments: part.arguments } })
    } else throw unsupported(here, `takes no ${part.type} in a message of the assistant`)
  }
  return {
    role: 'assistant',
    ...(plans.length === 0 ? {} : { tool_plan: plans.join('\n\n') }),
    ...(blocks.length === 0 ? {} : { content: plain(blocks) }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

function thinkingOf(part: Extract<Part, { type: 'reasoning' }>, place: string): string {
  if (part.signature !== undefined || part.redacted !== undefined)
    throw unsupported(place, 'takes no thinking that is signed or hidden')
  return part.text ?? part.summary?.join('\n\n') ?? ''
}

function writeResults({ content }: Message, place: string): JsonObject[] {
  return content.map((part, at) => {
    const here = `${place}.content.${at}`
    if (part.type !== 'tool-result') throw unsupported(here, `takes no ${part.type} in a message of a tool`)
    if (part.isError === true) throw unsupported(`${here}.isError`, 'does not tell results from errors')
    if (part.cache !== undefined) throw unsupported(`${here}.cache`, 'marks no part for its cache')
    const texts = part.content.map((one, index) => {
      if (one.type === 'text') return writeText(one, `${here}.content.${index}`)
      throw unsupported(`${here}.content.${index}`, `takes no ${one.type} in the result of a tool`)
    })
    return { role: 'tool', tool_call_id: part.callId, content: plain(texts) }
  })
}

function unsupported(feature: string, what: string): UnsupportedFeature {
  return new UnsupportedFeature(feature, 'cohere', `cohere ${what}`)
}
