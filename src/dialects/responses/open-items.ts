import type { TokenLogprob } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { writeLogprobs } from '../openai/logprobs.ts'
import { ownId, sealOf } from './reasoning.ts'
import { callItem, messageId, outputText } from './write-answer.ts'

/** Tells one event, and numbers it. */
export type Tell = (type: string, fields: JsonObject) => void

export interface ItemPlace {
  /** The id of the response. */
  readonly base: string
  readonly index: number
  readonly tell: Tell
}

type Status = 'completed' | 'incomplete'

/** An item of a streamed response while it grows: added ─▶ … ─▶ done, once. */
export class OpenItem {
  readonly item: JsonObject
  readonly #place: ItemPlace
  #isDone = false

  constructor(place: ItemPlace, item: JsonObject) {
    this.#place = place
    this.item = item
  }

  added(): void {
    this.tell('response.output_item.added', { item: this.item })
  }

  done(status: Status): void {
    if (this.#isDone) return
    this.#isDone = true
    this.close(status)
    this.tell('response.output_item.done', { item: this.item })
  }

  /** What is still open in it is told to be whole. */
  protected close(_status: Status): void {}

  protected tell(type: string, fields: JsonObject): void {
    this.#place.tell(type, { output_index: this.#place.index, ...fields })
  }
}

interface OpenPart {
  readonly isRefusal: boolean
  text: string
  readonly annotations: JsonObject[]
  readonly logprobs: TokenLogprob[]
}

export class OpenMessage extends OpenItem {
  readonly #content: JsonObject[] = []
  readonly #id: string
  #part: OpenPart | undefined

  constructor(place: ItemPlace) {
    const id = messageId(place.base, place.index)
    super(place, { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] })
    this.#id = id
  }

  say(text: string, logprobs: readonly TokenLogprob[] = []): void {
    const part = this.#open(false)
    part.text += text
    part.logprobs.push(...logprobs)
    this.#tell('response.output_text.delta', { delta: text, logprobs: writeLogprobs(logprobs)?.content })
  }

  refuse(text: string): void {
    this.#open(true).text += text
    this.#tell('response.refusal.delta', { delta: text })
  }

  cite(annotation: JsonObject): void {
    const { annotations } = this.#open(false)
    annotations.push(annotation)
    this.#tell('response.output_text.annotation.added', {
      annotation,
      annotation_index: annotations.length - 1,
    })
  }

  protected override close(status: Status): void {
    this.#closePart()
    this.item.status = status
    this.item.content = this.#content
  }

  #open(isRefusal: boolean): OpenPart {
    if (this.#part?.isRefusal === isRefusal) return this.#part
    this.#closePart()
    this.#part = { isRefusal, text: '', annotations: [], logprobs: [] }
    this.#tell('response.content_part.added', { part: partOf(this.#part) })
    return this.#part
  }

  #closePart(): void {
    if (this.#part === undefined) return
    const { isRefusal, logprobs, text } = this.#part
    const part = partOf(this.#part)
    if (isRefusal) this.#tell('response.refusal.done', { refusal: text })
    else this.#tell('response.output_text.done', { text, logprobs: writeLogprobs(logprobs)?.content })
    this.#tell('response.content_part.done', { part })
    this.#content.push(part)
    this.#part = undefined
  }

  #tell(type: string, fields: JsonObject): void {
    this.tell(type, { item_id: this.#id, content_index: this.#content.length, ...fields })
  }
}

function partOf({ annotations, isRefusal, logprobs, text }: OpenPart): JsonObject {
  return isRefusal ? { type: 'refusal', refusal: text } : outputText(text, [...annotations], logprobs)
}

export class OpenReasoning extends OpenItem {
  readonly #id: string
  #text: string | undefined

  constructor(place: ItemPlace) {
    const id = ownId(place.base, place.index)
    super(place, { id, type: 'reasoning', summary: [] })
    this.#id = id
  }

  think(text: string): void {
    if (this.#text === undefined)
      this.#tell('response.reasoning_summary_part.added', { part: { type: 'summary_text', text: '' } })
    this.#text = (this.#text ?? '') + text
    this.#tell('response.reasoning_summary_text.delta', { delta: text })
  }

  /** What must come back unchanged. The id is ours by now, so that it goes behind a prefix whosoever it is. */
  seal(part: { readonly signature?: string; readonly redacted?: string }): void {
    this.item.encrypted_content = sealOf(part)
  }

  protected override close(): void {
    const text = this.#text
    if (text === undefined) return
    const part = { type: 'summary_text', text }
    this.#tell('response.reasoning_summary_text.done', { text })
    this.#tell('response.reasoning_summary_part.done', { part })
    this.item.summary = [part]
  }

  #tell(type: string, fields: JsonObject): void {
    this.tell(type, { item_id: this.#id, summary_index: 0, ...fields })
  }
}

export class OpenCall extends OpenItem {
  readonly #id: string
  #text = ''

  constructor(place: ItemPlace, id: string, name: string) {
    const item = callItem(place.base, place.index, { id, name, arguments: '' })
    super(place, { ...item, status: 'in_progress' })
    this.#id = item.id as string
  }

  arguments(text: string): void {
    if (text === '') return
    this.#text += text
    this.tell('response.function_call_arguments.delta', { item_id: this.#id, delta: text })
  }

  protected override close(status: Status): void {
    this.item.arguments = this.#text
    this.item.status = status
    this.tell('response.function_call_arguments.done', {
      item_id: this.#id,
      name: this.item.name,
      arguments: this.#text,
    })
  }
}
