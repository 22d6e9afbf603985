import type { JsonObject } from '../dialect.ts'
import { type ContentEvent, type EventOf, OneChoiceWriter } from '../sse/one-choice-writer.ts'
import { CallOrder } from './call-order.ts'
import { typeOfError } from './errors.ts'
import { CITATIONS, isAnsweredBlock, typeOf } from './native-blocks.ts'
import { type Stop, writeStop } from './stop-reason.ts'
import { writeDeltaUsage, writeUsage } from './usage.ts'
import { emptyMessage, messageId, textBlock, writeTier } from './write-answer.ts'

type OpenKind = 'text' | 'thinking' | 'tool_use'
type Piece = Exclude<ContentEvent, EventOf<'tool-call-started' | 'tool-call-arguments' | 'finished'>>

/**
 * Blocks are made from what comes: one of the same kind goes on until something else comes. `message_start` waits for
 * the first content, so that a usage told before it is in it; reason and usage go out together at the end, whatever
 * came first.
 */
export class AnthropicStreamWriter extends OneChoiceWriter {
  #id = ''
  #isStarted = false
  #index = -1
  #open: OpenKind | undefined
  /** The open text was cited: what is said next is another text. */
  #isCited = false
  #stop: Stop | undefined
  /** Came while a call's arguments were not whole; part of one answer, and bounded with it. */
  #late: Piece[] = []
  readonly #calls = new CallOrder({
    began: (id, name) => {
      this.#close()
      this.#begin('tool_use', { type: 'tool_use', id, name, input: {} })
    },
    said: (text) => this.#delta({ type: 'input_json_delta', partial_json: text }),
    ended: () => this.#close(),
  })

  protected started({ id }: EventOf<'started'>): void {
    this.#id = id
  }

  protected content(event: ContentEvent): void {
    switch (event.type) {
      case 'tool-call-started':
        if (this.#open !== 'tool_use') this.#close()
        this.#calls.started(event.call, event.id, event.name)
        return
      case 'tool-call-arguments':
        this.#calls.arguments(event.call, event.text)
        if (this.#late.length > 0 && !this.#calls.isBusy) this.#catchUp()
        return
      case 'finished':
        this.#catchUp()
        this.#stop = event
        return
      default:
        if (this.#calls.isBusy) this.#late.push(event)
        else this.#piece(event)
    }
  }

  #catchUp(): void {
    this.#calls.flush()
    const late = this.#late
    this.#late = []
    for (const event of late) this.#piece(event)
  }

  #piece(event: Piece): void {
    switch (event.type) {
      case 'text':
      case 'refusal':
        this.#text(event.text)
        return
      case 'reasoning':
        this.#reason(event)
        return
      case 'annotation':
        this.#annotate(event.annotation)
    }
  }

  #text(text: string): void {
    if (text === '') return
    if (this.#open !== 'text' || this.#isCited) this.#next('text', textBlock(''))
    this.#delta({ type: 'text_delta', text })
  }

  #reason({ redacted, signature, text }: EventOf<'reasoning'>): void {
    if (redacted !== undefined) {
      this.#settle()
      this.#begin(undefined, { type: 'redacted_thinking', data: redacted })
      this.#stopBlock()
    }
    if (text === undefined && signature === undefined) return
    if (this.#open !== 'thinking') this.#next('thinking', { type: 'thinking', thinking: '', signature: '' })
    if (text !== undefined && text !== '') this.#delta({ type: 'thinking_delta', thinking: text })
    if (signature === undefined) return
    // A signature closes its thought.
    this.#delta({ type: 'signature_delta', signature })
    this.#close()
  }

  /** Citations belong to the text before them; blocks of this dialect stand by themselves; what else there is, does not. */
  #annotate(annotation: unknown): void {
    const type = typeOf(annotation)
    if (type !== undefined && CITATIONS.has(type)) {
      if (this.#open !== 'text') this.#next('text', textBlock(''))
      this.#delta({ type: 'citations_delta', citation: annotation })
      this.#isCited = true
    } else if (isAnsweredBlock(type)) {
      this.#settle()
      this.#native(annotation as JsonObject)
    }
  }

  /** The input of a tool streams like that of a call, which is where clients look for it. */
  #native(block: JsonObject): void {
    const hasInput = typeof block.input === 'object' && block.input !== null
    this.#begin(undefined, hasInput ? { ...block, input: {} } : block)
    if (hasInput) this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(block.input) })
    this.#stopBlock()
  }

  protected ended(): void {
    this.#catchUp()
    this.#close()
    this.#start()
    const stop = writeStop(this.#stop ?? { reason: 'other' })
    this.say('message_delta', { delta: stop, usage: writeDeltaUsage(this.usage) })
    this.say('message_stop', {})
  }

  protected failed({ code, detail, requestId, status }: EventOf<'failed'>): void {
    const error = { type: typeOfError({ code, status }), message: detail }
    this.say('error', { error, request_id: requestId ?? this.context.requestId })
  }

  #next(kind: OpenKind, block: JsonObject): void {
    this.#settle()
    this.#begin(kind, block)
  }

  /** Nothing is open afterwards. */
  #settle(): void {
    this.#calls.flush()
    this.#close()
  }

  #begin(kind: OpenKind | undefined, block: JsonObject): void {
    this.#start()
    this.#index++
    this.#open = kind
    this.#isCited = false
    this.say('content_block_start', { index: this.#index, content_block: block })
  }

  #delta(delta: JsonObject): void {
    this.say('content_block_delta', { index: this.#index, delta })
  }

  #close(): void {
    if (this.#open === undefined) return
    this.#open = undefined
    this.#stopBlock()
  }

  #stopBlock(): void {
    this.say('content_block_stop', { index: this.#index })
  }

  #start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const message = emptyMessage(messageId(this.#id, this.context), this.context.model)
    this.say('message_start', {
      message: {
        ...message,
        usage: { ...writeUsage(this.usage), service_tier: writeTier(this.serviceTier) },
      },
    })
  }
}
