import { type GenerateEvent, NO_USAGE, type TokenUsage } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { readProblem } from './errors.ts'
import { isAnsweredBlock } from './native-blocks.ts'
import { readTier } from './read-answer.ts'
import { readStopReason } from './stop-reason.ts'
import { readInput } from './tool-input.ts'
import { laterUsage } from './usage.ts'

type Emit = (event: GenerateEvent) => void

interface OpenBlock {
  readonly block: JsonObject
  readonly call: number
  /** Of a call, or of the input of a tool that the provider runs itself. */
  hasInput: boolean
  input: string
  /** A block's citations are told after its words, so that they are known to be of this block. */
  readonly citations: unknown[]
}

/**
 * `message_start`, then per block `content_block_start`, deltas, `content_block_stop`; `message_delta` with the reason
 * and the usage so far, `message_stop`. `ping` may come anywhere, and so may events that are not known yet. `error` is
 * the end (docs.anthropic.com, "Streaming messages").
 */
export class AnthropicInterpreter implements StreamInterpreter {
  readonly #open = new Map<number, OpenBlock>()
  #calls = 0
  #usage: TokenUsage = NO_USAGE
  #tier: string | undefined
  #isFinished = false

  event({ data }: SseEvent, emit: Emit): boolean {
    const event = eventObject(data)
    const problem = event.type === 'error' || event.type === undefined ? readProblem(event) : undefined
    if (problem !== undefined) throw new UpstreamBroken(problem)
    switch (event.type) {
      case 'message_start':
        this.#start(objectIn(event, 'message'), emit)
        return false
      case 'content_block_start':
        this.#startBlock(indexOf(event), objectIn(event, 'content_block'), emit)
        return false
      case 'content_block_delta':
        this.#delta(this.#blockAt(event), objectIn(event, 'delta'), emit)
        return false
      case 'content_block_stop':
        this.#stopBlock(this.#blockAt(event), emit)
        this.#open.delete(indexOf(event))
        return false
      case 'message_delta':
        this.#messageDelta(event, emit)
        return false
      case 'error':
        throw broken('it told an error without words')
      default:
        return event.type === 'message_stop'
    }
  }

  /** A message that stops without a reason has finished all the same. */
  end(emit: Emit, isMarked: boolean): boolean {
    if (isMarked && !this.#isFinished) emit({ type: 'finished', choice: 0, reason: 'other' })
    return false
  }

  #start(message: JsonObject, emit: Emit): void {
    const { id, model, usage } = message
    this.#tier = readTier(usage)
    emit({
      type: 'started',
      id: typeof id === 'string' ? id : '',
      ...(typeof model === 'string' ? { providerModel: model } : {}),
      ...(this.#tier === undefined ? {} : { serviceTier: this.#tier }),
    })
    this.#tellUsage(usage, emit)
  }

  #startBlock(index: number, block: JsonObject, emit: Emit): void {
    const isCall = block.type === 'tool_use'
    const open = { block, call: isCall ? this.#calls++ : -1, hasInput: false, input: '', citations: [] }
    this.#open.set(index, open)
    if (isCall) {
      emit({
        type: 'tool-call-started',
        choice: 0,
        call: open.call,
        id: wordsIn(block, 'id'),
        name: wordsIn(block, 'name'),
      })
    } else if (block.type === 'redacted_thinking')
      emit({ type: 'reasoning', choice: 0, redacted: wordsIn(block, 'data') })
    // Usually empty; what is said here already is said.
    else if (block.type === 'text') this.#delta(open, { type: 'text_delta', text: block.text }, emit)
    else if (block.type === 'thinking')
      this.#delta(open, { type: 'thinking_delta', thinking: block.thinking }, emit)
  }

  #delta(open: OpenBlock, delta: JsonObject, emit: Emit): void {
    switch (delta.type) {
      case 'text_delta':
        if (delta.text !== '') emit({ type: 'text', choice: 0, text: wordsIn(delta, 'text') })
        return
      case 'thinking_delta':
        if (delta.thinking !== '') emit({ type: 'reasoning', choice: 0, text: wordsIn(delta, 'thinking') })
        return
      case 'signature_delta':
        if (delta.signature !== '')
          emit({ type: 'reasoning', choice: 0, signature: wordsIn(delta, 'signature') })
        return
      case 'citations_delta':
        open.citations.push(delta.citation)
        return
      case 'input_json_delta': {
        const text = wordsIn(delta, 'partial_json')
        if (text === '') return
        open.hasInput = true
        if (open.call >= 0) emit({ type: 'tool-call-arguments', choice: 0, call: open.call, text })
        else open.input += text
      }
    }
  }

  #stopBlock({ block, call, citations, hasInput, input }: OpenBlock, emit: Emit): void {
    for (const annotation of citations) emit({ type: 'annotation', choice: 0, annotation })
    // A call without arguments streams nothing, and says `{}` where it is not streamed.
    if (call >= 0 && !hasInput) {
      emit({ type: 'tool-call-arguments', choice: 0, call, text: readInput(block.input) })
    } else if (isAnsweredBlock(block.type)) {
      const annotation = hasInput ? { ...block, input: inputOf(input) } : block
      emit({ type: 'annotation', choice: 0, annotation })
    }
  }

  #messageDelta(event: JsonObject, emit: Emit): void {
    const { stop_reason: raw, stop_sequence: stopText } = objectIn(event, 'delta')
    if (typeof raw === 'string' && raw !== '') {
      this.#isFinished = true
      emit({
        type: 'finished',
        choice: 0,
        reason: readStopReason(raw),
        raw,
        ...(typeof stopText === 'string' ? { stopText } : {}),
      })
    }
    this.#tellUsage(event.usage, emit)
  }

  #tellUsage(usage: unknown, emit: Emit): void {
    if (typeof usage !== 'object' || usage === null) return
    this.#usage = laterUsage(this.#usage, usage)
    const tier = readTier(usage)
    const isNew = tier !== undefined && tier !== this.#tier
    if (isNew) this.#tier = tier
    emit({ type: 'usage', usage: this.#usage, ...(isNew ? { serviceTier: tier } : {}) })
  }

  #blockAt(event: JsonObject): OpenBlock {
    const open = this.#open.get(indexOf(event))
    if (open === undefined) throw broken('an event of its stream is about a block that is not open')
    return open
  }
}

function inputOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw broken('the input of a tool that it ran is not JSON')
  }
}

function indexOf({ index }: JsonObject): number {
  if (typeof index !== 'number') throw broken('an event of its stream does not say which block it is about')
  return index
}

function objectIn(event: JsonObject, name: string): JsonObject {
  const value = event[name]
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw broken(`an event of its stream has no ${name}`)
  return value as JsonObject
}

function wordsIn(holder: JsonObject, name: string): string {
  const value = holder[name]
  if (typeof value !== 'string') throw broken(`an event of its stream has no ${name}`)
  return value
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
