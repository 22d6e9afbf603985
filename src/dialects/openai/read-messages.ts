import type { MediaSource, Message, Part } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { nestedName } from '../json/nested-extras.ts'
import type { Place } from '../json/place.ts'

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const
const MAX_MESSAGES = 100_000

/** What is read of a message, whatever its role; `name` of a function's result is whose result it is. */
const READ: ReadonlySet<string> = new Set([
  'annotations',
  'content',
  'function_call',
  'name',
  'reasoning',
  'reasoning_content',
  'refusal',
  'role',
  'tool_call_id',
  'tool_calls',
])

/** Fields that answers have when there is nothing in them, and that clients send back with the message. */
const EMPTY: ReadonlySet<string> = new Set(['audio', 'parsed'])

type ToolResult = Extract<Part, { type: 'tool-result' }>

/** Messages of chat completions. What the neutral form has no place for goes into `extras` by its path. */
export function readMessages(place: Place, extras: JsonObject): Message[] {
  const places = place.list(MAX_MESSAGES)
  if (places.length === 0) place.fail('has no message')
  const legacy = new LegacyCalls()
  return places.map((one, index) => new MessageReader(one, index - places.length, extras, legacy).read())
}

/** Calls of functions from before they had ids: a result belongs to the last call of its name. */
class LegacyCalls {
  readonly #ids = new Map<string, string>()
  #count = 0

  started(name: string): string {
    const id = `function_call_${++this.#count}`
    this.#ids.set(name, id)
    return id
  }

  idOf(name: string): string | undefined {
    return this.#ids.get(name)
  }
}

class MessageReader {
  readonly #place: Place
  /** From the last message, -1. */
  readonly #index: number
  readonly #extras: JsonObject
  readonly #legacy: LegacyCalls

  constructor(place: Place, index: number, extras: JsonObject, legacy: LegacyCalls) {
    this.#place = place
    this.#index = index
    this.#extras = extras
    this.#legacy = legacy
  }

  read(): Message {
    const place = this.#place
    const fields = place.object()
    const role = place.at('role').oneOf(ROLES)
    const content = this.#content(role)
    for (const [name, value] of Object.entries(fields))
      if (!READ.has(name) && !(EMPTY.has(name) && value === null)) this.#keep(value, name)
    if (role === 'function') return { role: 'tool', content }
    const name = place.at('name').maybe((one) => one.text(200))
    return { role, content, ...(name === undefined ? {} : { name }) }
  }

  #content(role: (typeof ROLES)[number]): Part[] {
    const place = this.#place
    if (role === 'tool') return [this.#result(place.at('tool_call_id').text(200))]
    if (role === 'function') {
      const name = place.at('name').text(200)
      const id = this.#legacy.idOf(name)
      if (id === undefined) return place.at('name').fail('is the name of no function called before')
      return [this.#result(id)]
    }
    if (role === 'assistant') return this.#assistant()
    return this.#parts()
  }

  #assistant(): Part[] {
    const place = this.#place
    const content: Part[] = []
    const thought = place.at('reasoning_content').isAbsent
      ? place.at('reasoning')
      : place.at('reasoning_content')
    if (typeof thought.value === 'string' && thought.value !== '')
      content.push({ type: 'reasoning', text: thought.value })
    else if (!thought.isAbsent && thought.value !== '') thought.fail('must be a string')
    const said = this.#parts()
    const calls = this.#calls()
    const refusal = place.at('refusal').maybe((one) => one.text())
    // An empty text beside calls says nothing.
    if (!(calls.length > 0 && said.length === 1 && isEmptyText(said[0]))) content.push(...said)
    this.#annotate(content)
    if (refusal !== undefined && refusal !== '') content.push({ type: 'refusal', text: refusal })
    content.push(...calls)
    return content
  }

  #parts(): Part[] {
    const place = this.#place.at('content')
    if (place.isAbsent) {
      if (this.#place.at('role').value !== 'assistant') place.fail('is required')
      return []
    }
    if (typeof place.value === 'string') return [{ type: 'text', text: place.value }]
    const parts: Part[] = []
    for (const [index, one] of place.list(10_000).entries()) {
      one.object()
      const part = this.#part(one, index)
      if (part === undefined) this.#keep(one.value, 'content', index)
      else parts.push(part)
    }
    return parts
  }

  /** Undefined for parts of a kind that the neutral form does not have. */
  #part(place: Place, index: number): Part | undefined {
    const type = place.at('type').text(100)
    switch (type) {
      case 'text':
        this.#keepRest(place, ['type', 'text'], 'content', index)
        return { type: 'text', text: place.at('text').text() }
      case 'refusal':
        this.#keepRest(place, ['type', 'refusal'], 'content', index)
        return { type: 'refusal', text: place.at('refusal').text() }
      case 'image_url': {
        this.#keepRest(place, ['type', 'image_url'], 'content', index)
        return this.#image(place.at('image_url'), index)
      }
      case 'input_audio': {
        this.#keepRest(place, ['type', 'input_audio'], 'content', index)
        const audio = place.at('input_audio')
        const format = audio.at('format').text(20)
        const data = audio.at('data').text()
        const source: MediaSource = { kind: 'base64', mediaType: audioType(format), data }
        return { type: 'audio', source, format }
      }
      case 'file':
        this.#keepRest(place, ['type', 'file'], 'content', index)
        return this.#file(place.at('file'), index)
      default:
        return undefined
    }
  }

  #image(place: Place, index: number): Part {
    place.object()
    const detail = place.at('detail')
    const known = (['low', 'high', 'auto'] as const).find((one) => one === detail.value)
    const rest = known === undefined ? ['url'] : ['url', 'detail']
    this.#keepRest(place, rest, 'content', index, 'image_url')
    const source = sourceOf(place.at('url'))
    return { type: 'image', source, ...(known === undefined ? {} : { detail: known }) }
  }

  #file(place: Place, index: number): Part {
    place.object()
    this.#keepRest(place, ['file_data', 'file_id', 'filename'], 'content', index, 'file')
    const filename = place.at('filename').maybe((one) => one.text(500))
    const data = place.at('file_data')
    const source: MediaSource = data.isAbsent
      ? { kind: 'file', fileId: place.at('file_id').text(200) }
      : data.text().startsWith('data:')
        ? sourceOf(data)
        : { kind: 'base64', mediaType: 'application/octet-stream', data: data.text() }
    return { type: 'file', source, ...(filename === undefined ? {} : { filename }) }
  }

  #calls(): Part[] {
    const calls: Part[] = []
    for (const [index, one] of (
      this.#place.at('tool_calls').maybe((all) => all.list(1024)) ?? []
    ).entries()) {
      one.object()
      const asked = one.at('function')
      if (asked.isAbsent) {
        this.#keep(one.value, 'tool_calls', index)
        continue
      }
      this.#keepRest(one, ['id', 'type', 'function', 'index'], 'tool_calls', index)
      calls.push({
        type: 'tool-call',
        id: one.at('id').text(200),
        name: asked.at('name').text(200),
        arguments: asked.at('arguments').maybe((words) => words.text()) ?? '',
      })
    }
    const legacy = this.#place.at('function_call')
    if (!legacy.isAbsent) {
      legacy.object()
      const name = legacy.at('name').text(200)
      const words = legacy.at('arguments').text()
      calls.push({ type: 'tool-call', id: this.#legacy.started(name), name, arguments: words })
    }
    return calls
  }

  #result(callId: string): ToolResult {
    const parts = this.#parts()
    const content: ToolResult['content'] = []
    for (const [index, part] of parts.entries()) {
      if (part.type === 'text' || part.type === 'image' || part.type === 'file') content.push(part)
      else this.#place.at('content').at(index).fail('cannot be part of the result of a tool')
    }
    return { type: 'tool-result', callId, content }
  }

  #annotate(content: Part[]): void {
    const annotations = this.#place.at('annotations')
    if (annotations.isAbsent || (Array.isArray(annotations.value) && annotations.value.length === 0)) return
    const text = content.find((part) => part.type === 'text')
    const list = annotations.list(10_000).map((one) => one.value)
    if (text === undefined) this.#keep(list, 'annotations')
    else text.annotations = list
  }

  #keepRest(place: Place, read: readonly string[], ...steps: readonly (string | number)[]): void {
    for (const [name, value] of Object.entries(place.object()))
      if (!read.includes(name) && value !== null) this.#keep(value, ...steps, name)
  }

  #keep(value: unknown, ...steps: readonly (string | number)[]): void {
    this.#extras[nestedName('messages', this.#index, ...steps)] = value
  }
}

function isEmptyText(part: Part | undefined): boolean {
  return part?.type === 'text' && part.text === ''
}

const DATA_URL = /^data:([^;,]{1,200})(?:;[^;,]{1,200})*;base64,/

/** RFC 2397; what is not base64 stays a URL. */
function sourceOf(place: Place): MediaSource {
  const url = place.text()
  const [head, mediaType] = DATA_URL.exec(url.slice(0, 1000)) ?? []
  if (head !== undefined && mediaType !== undefined)
    return { kind: 'base64', mediaType, data: url.slice(head.length) }
  if (url.length > 8192) place.fail('is longer than 8192 characters and no base64 data URL')
  return { kind: 'url', url }
}

/** `mp3` is called otherwise as a media type (RFC 3003). */
function audioType(format: string): string {
  return format === 'mp3' ? 'audio/mpeg' : `audio/${format}`
}
