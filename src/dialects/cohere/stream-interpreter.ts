import type { GenerateEvent } from '../../contracts/index.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { readProblem } from './errors.ts'
import { readFinish } from './finish.ts'
import { readUsage } from './usage.ts'

type Emit = (event: GenerateEvent) => void

/** Events of a streamed chat, of which `message-end` is the last. docs.cohere.com/reference/chat-stream */
export class CohereInterpreter implements StreamInterpreter {
  /** Calls in the order of their start, by the number that the provider gives them. */
  readonly #calls = new Map<unknown, number>()
  #isStarted = false

  event({ data }: SseEvent, emit: Emit): boolean {
    const event = eventObject(data)
    const problem = readProblem(event)
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (!this.#isStarted) {
      this.#isStarted = true
      emit({ type: 'started', id: textOf(event.id) ?? '' })
    }
    const delta = objectOf(event.delta) ?? {}
    const message = objectOf(delta.message) ?? {}
    switch (event.type) {
      case 'content-start':
      case 'content-delta':
        content(objectOf(message.content) ?? {}, emit)
        return false
      case 'tool-plan-delta':
        plan(message.tool_plan, emit)
        return false
      case 'tool-call-start':
        this.#call(event.index, objectOf(message.tool_calls) ?? {}, emit)
        return false
      case 'tool-call-delta':
        this.#arguments(event.index, objectOf(message.tool_calls) ?? {}, emit)
        return false
      case 'citation-start':
        emit({ type: 'annotation', choice: 0, annotation: message.citations })
        return false
      case 'message-end':
        end(delta, emit)
        return true
      default:
        return false
    }
  }

  #call(index: unknown, tool: JsonObject, emit: Emit): void {
    const asked = objectOf(tool.function)
    const id = textOf(tool.id)
    const name = textOf(asked?.name)
    if (id === undefined || name === undefined) throw broken('a call of its answer has no id or no name')
    const call = this.#calls.size
    this.#calls.set(index, call)
    emit({ type: 'tool-call-started', choice: 0, call, id, name })
    this.#arguments(index, tool, emit)
  }

  #arguments(index: unknown, tool: JsonObject, emit: Emit): void {
    const call = this.#calls.get(index)
    if (call === undefined) throw broken('its stream has arguments of a call that did not begin')
    const text = textOf(objectOf(tool.function)?.arguments)
    if (text !== undefined) emit({ type: 'tool-call-arguments', choice: 0, call, text })
  }
}

function content(block: JsonObject, emit: Emit): void {
  const text = textOf(block.text)
  plan(block.thinking, emit)
  if (text !== undefined) emit({ type: 'text', choice: 0, text })
}

/** What a model thinks of which tools to call is thinking too. */
function plan(value: unknown, emit: Emit): void {
  const text = textOf(value)
  if (text !== undefined) emit({ type: 'reasoning', choice: 0, text })
}

function end(delta: JsonObject, emit: Emit): void {
  emit({ type: 'usage', usage: readUsage(delta.usage) })
  const raw = textOf(delta.finish_reason)
  if (raw === undefined) throw broken('its stream does not say why it ended')
  emit({ type: 'finished', choice: 0, reason: readFinish(raw, textOf(delta.error) ?? ''), raw })
}

function broken(detail: string): UpstreamBroken {
  return new UpstreamBroken(brokenProblem(detail))
}
