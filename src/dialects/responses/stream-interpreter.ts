import type { GenerateEvent, Part } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { readLogprobs } from '../openai/logprobs.ts'
import { errorInside } from '../openai/read-error.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { finishOf } from './read-answer.ts'
import { readReasoning } from './reasoning.ts'
import { readUsage } from './usage.ts'

type Emit = (event: GenerateEvent) => void

/**
 * Events named by their `type`, numbered by `sequence_number`; the last is `response.completed`, `.incomplete` or
 * `.failed`, or `error`. Words come as deltas; `done` events say them again, and count where no delta came
 * (platform.openai.com/docs/api-reference/responses-streaming). Events that are not known are not looked at.
 */
export class ResponsesInterpreter implements StreamInterpreter {
  /** Output index → index of the call. */
  readonly #calls = new Map<number, number>()
  /** Places whose words came as deltas. */
  readonly #said = new Set<string>()
  /** What the answer holds, as far as it matters to how it ended. */
  readonly #types = new Set<Part['type']>()
  /** What was asked for is told at the start, what it was at the end. */
  #tier: string | undefined
  #isStarted = false
  #hasThought = false

  event({ data }: SseEvent, emit: Emit): boolean {
    // Servers that think of chat completions end with this.
    if (data === '[DONE]') return false
    const event = eventObject(data)
    switch (event.type) {
      case 'response.output_item.added':
        this.#added(event, emit)
        return false
      case 'response.output_item.done':
        this.#done(event, emit)
        return false
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        this.#words(event, event.delta, emit)
        return false
      case 'response.output_text.done':
        if (!this.#said.has(placeOf(event))) this.#words(event, event.text, emit)
        return false
      case 'response.refusal.done':
        if (!this.#said.has(placeOf(event))) this.#words(event, event.refusal, emit)
        return false
      case 'response.output_text.annotation.added':
        emit({ type: 'annotation', choice: 0, annotation: event.annotation })
        return false
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        this.#thought(event, emit)
        return false
      case 'response.function_call_arguments.delta':
        this.#arguments(event, event.delta, emit)
        return false
      case 'response.function_call_arguments.done':
        if (!this.#said.has(placeOf(event))) this.#arguments(event, event.arguments, emit)
        return false
      default:
        return this.#life(event, emit)
    }
  }

  #life(event: JsonObject, emit: Emit): boolean {
    const response = objectOf(event.response)
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        this.#start(response, emit)
        return false
      case 'response.completed':
      case 'response.incomplete':
        this.#start(response, emit)
        this.#end(response ?? {}, emit)
        return true
      case 'response.failed':
        throw failureOf(response ?? {})
      case 'error':
        // The fields stand in the event itself, or in an `error` of it.
        throw failureOf(objectOf(event.error) === undefined ? { error: event } : event)
      default: {
        const problem = event.type === undefined ? errorInside(event) : undefined
        if (problem !== undefined) throw new UpstreamBroken(problem)
        return false
      }
    }
  }

  #start(response: JsonObject | undefined, emit: Emit): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const model = textOf(response?.model)
    this.#tier = textOf(response?.service_tier)
    emit({
      type: 'started',
      id: textOf(response?.id) ?? '',
      ...(model === undefined ? {} : { providerModel: model }),
      ...(this.#tier === undefined ? {} : { serviceTier: this.#tier }),
    })
  }

  #added(event: JsonObject, emit: Emit): void {
    const item = objectOf(event.item) ?? {}
    if (item.type === 'reasoning') this.#hasThought = false
    if (item.type !== 'function_call') return
    const { call_id: id, name } = item
    if (typeof id !== 'string' || typeof name !== 'string')
      throw broken('a call of its stream lacks its id or name')
    const call = this.#calls.size
    this.#calls.set(outputOf(event), call)
    this.#types.add('tool-call')
    emit({ type: 'tool-call-started', choice: 0, call, id, name })
  }

  #done(event: JsonObject, emit: Emit): void {
    const item = objectOf(event.item) ?? {}
    switch (item.type) {
      case 'message':
        return
      case 'function_call':
        if (!this.#said.has(placeOf(event))) this.#arguments(event, item.arguments, emit)
        return
      case 'reasoning': {
        const { redacted, signature, text } = readReasoning(item)
        if (!this.#hasThought && text !== undefined && redacted === undefined)
          emit({ type: 'reasoning', choice: 0, text })
        if (redacted !== undefined) emit({ type: 'reasoning', choice: 0, redacted })
        if (signature !== undefined) emit({ type: 'reasoning', choice: 0, signature })
        return
      }
      default:
        if (typeof item.type === 'string') emit({ type: 'annotation', choice: 0, annotation: item })
    }
  }

  #words(event: JsonObject, words: unknown, emit: Emit): void {
    const text = wordsOf(words)
    this.#said.add(placeOf(event))
    const isRefusal = (event.type as string).startsWith('response.refusal')
    if (isRefusal) this.#types.add('refusal')
    const logprobs = readLogprobs({ content: listOf(event.logprobs) })
    if (isRefusal && text !== '') emit({ type: 'refusal', choice: 0, text })
    else if (text !== '' || logprobs !== undefined)
      emit({ type: 'text', choice: 0, text, ...(logprobs === undefined ? {} : { logprobs }) })
  }

  /** Parts of a summary are paragraphs. */
  #thought(event: JsonObject, emit: Emit): void {
    const delta = wordsOf(event.delta)
    if (delta === '') return
    const place = `${placeOf(event)}.${String(event.summary_index ?? event.content_index ?? 0)}`
    const isNext = this.#hasThought && event.summary_index !== undefined && !this.#said.has(place)
    this.#said.add(place)
    this.#hasThought = true
    emit({ type: 'reasoning', choice: 0, text: isNext ? `\n\n${delta}` : delta })
  }

  #arguments(event: JsonObject, words: unknown, emit: Emit): void {
    const call = this.#calls.get(outputOf(event))
    if (call === undefined) throw broken('arguments in its stream are of no call')
    const text = wordsOf(words)
    this.#said.add(placeOf(event))
    if (text !== '') emit({ type: 'tool-call-arguments', choice: 0, call, text })
  }

  #end(response: JsonObject, emit: Emit): void {
    const { raw, reason } = finishOf(response, this.#types)
    emit({ type: 'finished', choice: 0, reason, ...(raw === undefined ? {} : { raw }) })
    const tier = textOf(response.service_tier)
    const isNew = tier !== undefined && tier !== this.#tier
    if (objectOf(response.usage) !== undefined || isNew)
      emit({ type: 'usage', usage: readUsage(response.usage), ...(isNew ? { serviceTier: tier } : {}) })
  }
}

/** Of a response that failed, and of an `error` event, whose fields may stand in it or in an `error` of it. */
export function failureOf(told: JsonObject): UpstreamBroken {
  return new UpstreamBroken(errorInside(told) ?? brokenProblem('it failed without saying why'))
}

function placeOf(event: JsonObject): string {
  return `${outputOf(event)}.${String(event.content_index ?? '')}`
}

function outputOf({ output_index: index }: JsonObject): number {
  if (typeof index !== 'number') throw broken('an event of its stream does not say which item it is about')
  return index
}

function wordsOf(value: unknown): string {
  if (typeof value !== 'string') throw broken('an event of its stream lacks its words')
  return value
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
