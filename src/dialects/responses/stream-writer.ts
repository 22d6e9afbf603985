import type { TokenLogprob } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject } from '../dialect.ts'
import { objectOf } from '../json/tolerant.ts'
import { type ContentEvent, type EventOf, OneChoiceWriter } from '../sse/one-choice-writer.ts'
import { failureOf } from './failure.ts'
import { citationsIn, itemsIn } from './native-items.ts'
import { OpenCall, OpenItem, OpenMessage, OpenReasoning, type Tell } from './open-items.ts'
import { endingOf, type ResponseState, responseId, responseObject } from './response-object.ts'

/**
 * Items are made from what comes: a message while words come, a thought, a call. Calls stay open until the answer has
 * finished, since their arguments may come interleaved; an event says by its `output_index` which item it is about.
 * The last event has the whole response in it, and there is no `[DONE]`.
 */
export class ResponsesStreamWriter extends OneChoiceWriter {
  #sequence: number
  #id: string
  #isStarted = false
  #hasRefused = false
  #finished: EventOf<'finished'> | undefined
  readonly #items: OpenItem[] = []
  readonly #calls = new Map<number, OpenCall>()
  /** What words or thoughts go to. */
  #current: OpenMessage | OpenReasoning | undefined
  readonly #tell: Tell = (type, fields) => this.say(type, { sequence_number: this.#sequence++, ...fields })

  constructor(context: AnswerContext) {
    super(context)
    this.#sequence = context.eventsBefore ?? 0
    this.#id = responseId('', context)
  }

  protected started({ id }: EventOf<'started'>): void {
    this.#id = responseId(id, this.context)
    this.#start()
  }

  protected content(event: ContentEvent): void {
    switch (event.type) {
      case 'text':
        this.#text(event.text, event.logprobs)
        return
      case 'refusal':
        if (event.text === '') return
        this.#hasRefused = true
        this.#message().refuse(event.text)
        return
      case 'reasoning':
        this.#reason(event)
        return
      case 'annotation':
        this.#annotate(event.annotation)
        return
      case 'tool-call-started':
        this.#close()
        this.#calls.set(
          event.call,
          this.#open((place) => new OpenCall(place, event.id, event.name)),
        )
        return
      case 'tool-call-arguments':
        this.#calls.get(event.call)?.arguments(event.text)
        return
      case 'finished':
        this.#finished = event
    }
  }

  #text(text: string, logprobs: readonly TokenLogprob[] | undefined): void {
    if (text !== '' || logprobs !== undefined) this.#message().say(text, logprobs)
  }

  #reason({ redacted, signature, text }: EventOf<'reasoning'>): void {
    if (redacted !== undefined) {
      this.#close()
      this.#reasoning().seal({ redacted })
      this.#close()
    }
    if (text === undefined && signature === undefined) return
    const thought = this.#reasoning()
    if (text !== undefined && text !== '') thought.think(text)
    if (signature === undefined) return
    // A signature closes its thought.
    thought.seal({ signature })
    this.#close()
  }

  /** Citations belong to the text before them; items of this dialect stand by themselves; what else there is, does not. */
  #annotate(annotation: unknown): void {
    const [citation] = citationsIn([annotation])
    if (citation !== undefined) this.#message().cite(citation)
    const [item] = itemsIn([annotation])
    if (item === undefined) return
    this.#close()
    this.#open((place) => new OpenItem(place, objectOf(item) ?? {})).done('completed')
  }

  #message(): OpenMessage {
    if (this.#current instanceof OpenMessage) return this.#current
    this.#close()
    const message = this.#open((place) => new OpenMessage(place))
    this.#current = message
    return message
  }

  #reasoning(): OpenReasoning {
    if (this.#current instanceof OpenReasoning) return this.#current
    this.#close()
    const thought = this.#open((place) => new OpenReasoning(place))
    this.#current = thought
    return thought
  }

  #open<Item extends OpenItem>(make: (place: { base: string; index: number; tell: Tell }) => Item): Item {
    this.#start()
    const item = make({ base: this.#id, index: this.#items.length, tell: this.#tell })
    this.#items.push(item)
    item.added()
    return item
  }

  #close(status: 'completed' | 'incomplete' = 'completed'): void {
    this.#current?.done(status)
    this.#current = undefined
  }

  #start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const response = this.#response({ status: 'in_progress' })
    this.#tell('response.created', { response })
    this.#tell('response.in_progress', { response })
  }

  protected ended(): void {
    const ending = endingOf(this.#finished?.reason ?? 'other', this.#hasRefused)
    this.#start()
    this.#close(ending.status)
    for (const item of this.#items) item.done(ending.status)
    this.#tell(`response.${ending.status}`, { response: this.#response({ ...ending, usage: this.usage }) })
  }

  /** Before anything was said there is no response that could have failed. */
  protected failed(event: EventOf<'failed'>): void {
    const failure = failureOf(event)
    if (this.#isStarted)
      this.#tell('response.failed', {
        response: this.#response({ status: 'failed', error: failure, usage: this.usage }),
      })
    else this.#tell('error', { ...failure, param: null })
  }

  #response(state: Pick<ResponseState, 'status'> & Partial<ResponseState>): JsonObject {
    const { createdAtMs } = this.context
    const output = this.#items.map((item) => item.item)
    return responseObject(
      { id: this.#id, createdAtMs, output, serviceTier: this.serviceTier, ...state },
      this.context,
    )
  }
}
