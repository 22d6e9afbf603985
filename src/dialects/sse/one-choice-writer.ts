import { type GenerateEvent, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject, StreamWriter } from '../dialect.ts'
import { mergeUsage } from '../merge-usage.ts'
import { sseEvent } from './sse-writer.ts'

export type EventOf<Type extends GenerateEvent['type']> = Extract<GenerateEvent, { type: Type }>
export type ContentEvent = Exclude<GenerateEvent, EventOf<'started' | 'usage' | 'failed' | 'ended'>>

/**
 * What dialects with one choice and typed events have in common: usage and tier as they stand, and nothing after the end.
 *
 * open ──ended or failed──▶ over
 */
export abstract class OneChoiceWriter implements StreamWriter {
  protected readonly context: AnswerContext
  protected usage: TokenUsage = NO_USAGE
  protected serviceTier: string | undefined
  #out = ''
  #isOver = false

  constructor(context: AnswerContext) {
    this.context = context
  }

  write(event: GenerateEvent): string {
    if (this.#isOver) return ''
    this.#out = ''
    this.#event(event)
    return this.#out
  }

  protected abstract started(event: EventOf<'started'>): void
  protected abstract content(event: ContentEvent): void
  protected abstract ended(): void
  protected abstract failed(event: EventOf<'failed'>): void

  /** One event of the dialect, named by its type. */
  protected say(type: string, fields: JsonObject): void {
    this.#out += sseEvent(JSON.stringify({ type, ...fields }), type)
  }

  #event(event: GenerateEvent): void {
    switch (event.type) {
      case 'started':
        this.serviceTier = event.serviceTier
        this.started(event)
        return
      case 'usage':
        this.serviceTier = event.serviceTier ?? this.serviceTier
        this.usage = mergeUsage(this.usage, event.usage)
        return
      case 'failed':
        this.failed(event)
        this.#isOver = true
        return
      case 'ended':
        this.ended()
        this.#isOver = true
        return
      default:
        if (event.choice === 0) this.content(event)
    }
  }
}
