import { type GenerateEvent, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import type { AnswerContext, JsonObject, StreamWriter } from '../dialect.ts'
import { mergeUsage } from '../merge-usage.ts'
import { sseEvent } from '../sse/sse-writer.ts'
import { writeLogprobs } from './logprobs.ts'
import { writeUsage } from './usage.ts'
import { finishWord } from './write-answer.ts'
import { writeError } from './write-error.ts'

/** What one dialect writes for the content of one choice; undefined where it has no word for it. */
export type ChunkContent = (event: ContentEvent, writer: ChunkWriter) => string | undefined

type ContentEvent = Exclude<GenerateEvent, { type: 'started' | 'usage' | 'failed' | 'ended' }>

const DONE = 'data: [DONE]\n\n'

/**
 * Chunks of chat completions or legacy completions. What does not change in a stream is written once; a delta is put
 * together as text, which is what most of a stream is.
 */
export class ChunkWriter implements StreamWriter {
  readonly context: AnswerContext
  readonly #object: string
  readonly #prefix: string
  readonly #content: ChunkContent
  #head = ''
  #started: Extract<GenerateEvent, { type: 'started' }> = { type: 'started', id: '' }
  readonly #tail: string
  #usage: TokenUsage = NO_USAGE
  #isOver = false

  constructor(context: AnswerContext, object: string, prefix: string, content: ChunkContent) {
    this.context = context
    this.#object = object
    this.#prefix = prefix
    this.#content = content
    this.#tail = context.includeUsage ? ',"usage":null}\n\n' : '}\n\n'
    this.#open()
  }

  write(event: GenerateEvent): string {
    if (this.#isOver) return ''
    switch (event.type) {
      case 'started':
        this.#started = event
        this.#open()
        return this.#object === CHAT ? this.chunk(ROLE) : ''
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        if (event.serviceTier !== undefined) {
          this.#started = { ...this.#started, serviceTier: event.serviceTier }
          this.#open()
        }
        return ''
      case 'failed':
        this.#isOver = true
        return sseEvent(JSON.stringify(this.#error(event)))
      case 'ended':
        this.#isOver = true
        return this.#lastUsage() + DONE
      default: {
        const choice = this.#content(event, this)
        return choice === undefined ? '' : this.chunk(choice)
      }
    }
  }

  /** @param choice JSON text of the one choice of the chunk. */
  chunk(choice: string): string {
    return `${this.#head}"choices":[${choice}]${this.#tail}`
  }

  #open(): void {
    const { createdAtMs, model, requestId } = this.context
    const { id, serviceTier, systemFingerprint } = this.#started
    const fixed = JSON.stringify({
      id: id === '' ? `${this.#prefix}${requestId}` : id,
      object: this.#object,
      created: Math.floor(createdAtMs / 1000),
      model,
      ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
      ...(systemFingerprint === undefined ? {} : { system_fingerprint: systemFingerprint }),
    })
    this.#head = `data: ${fixed.slice(0, -1)},`
  }

  #lastUsage(): string {
    const usage = this.context.includeUsage ? writeUsage(this.#usage) : undefined
    return usage === undefined ? '' : `${this.#head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
  }

  #error(event: Extract<GenerateEvent, { type: 'failed' }>): JsonObject {
    const { code, detail, requestId = this.context.requestId, status } = event
    return writeError({ code, status, title: detail, hint: '', requestId })
  }
}

const CHAT = 'chat.completion.chunk'
const ROLE = '{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}'

/** A writer of chat completions; some clients do not start a message without the delta that has its role only. */
export function chatStreamWriter(context: AnswerContext): StreamWriter {
  return new ChunkWriter(context, CHAT, 'chatcmpl-', chatChoice)
}

function chatChoice(event: ContentEvent, { context }: ChunkWriter): string | undefined {
  const { choice } = event
  switch (event.type) {
    case 'text': {
      const logprobs = event.logprobs === undefined ? 'null' : JSON.stringify(writeLogprobs(event.logprobs))
      return delta(choice, `"content":${JSON.stringify(event.text)}`, logprobs)
    }
    case 'reasoning':
      // A signature has no place here, and means nothing to whoever reads this dialect.
      return event.text === undefined
        ? undefined
        : delta(choice, `"reasoning_content":${JSON.stringify(event.text)}`)
    case 'refusal':
      return delta(choice, `"refusal":${JSON.stringify(event.text)}`)
    case 'annotation':
      return delta(choice, `"annotations":${JSON.stringify([event.annotation])}`)
    case 'tool-call-started': {
      const asked = { name: event.name, arguments: '' }
      if (context.usesFunctions === true) return delta(choice, `"function_call":${JSON.stringify(asked)}`)
      const call = { index: event.call, id: event.id, type: 'function', function: asked }
      return delta(choice, `"tool_calls":[${JSON.stringify(call)}]`)
    }
    case 'tool-call-arguments': {
      const words = JSON.stringify(event.text)
      return context.usesFunctions === true
        ? delta(choice, `"function_call":{"arguments":${words}}`)
        : delta(choice, `"tool_calls":[{"index":${event.call},"function":{"arguments":${words}}}]`)
    }
    case 'finished': {
      const word = JSON.stringify(finishWord(event.reason, context.usesFunctions))
      const stop = event.stopText === undefined ? '' : `,"stop_reason":${JSON.stringify(event.stopText)}`
      return `{"index":${choice},"delta":{},"logprobs":null,"finish_reason":${word}${stop}}`
    }
  }
}

function delta(choice: number, fields: string, logprobs = 'null'): string {
  return `{"index":${choice},"delta":{${fields}},"logprobs":${logprobs},"finish_reason":null}`
}
