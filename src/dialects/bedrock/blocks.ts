import type { GenerateEvent } from '../../contracts/index.ts'
import { readInput } from '../anthropic/tool-input.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'

type Emit = (event: GenerateEvent) => void

/** What blocks of content tell, whole or in pieces. The only choice there is has number 0. */
export class Blocks {
  readonly #emit: Emit
  /** Calls by the number of their block, until it stops. */
  readonly #open = new Map<unknown, OpenCall>()
  #calls = 0

  constructor(emit: Emit) {
    this.#emit = emit
  }

  /** A block of a whole answer. */
  whole(block: JsonObject): void {
    const tool = objectOf(block.toolUse)
    if (tool !== undefined) {
      const { call } = this.#call(tool)
      this.#emit({ type: 'tool-call-arguments', choice: 0, call, text: readInput(tool.input) })
      return
    }
    const cited = objectOf(block.citationsContent)
    if (cited !== undefined) {
      for (const one of listOf(cited.content)) this.#text(objectOf(one)?.text)
      for (const one of listOf(cited.citations))
        this.#emit({ type: 'annotation', choice: 0, annotation: { citation: one } })
      return
    }
    const reasoning = objectOf(block.reasoningContent)
    if (reasoning !== undefined) this.#reasoning({ ...reasoning, ...objectOf(reasoning.reasoningText) })
    else if (typeof block.text === 'string') this.#text(block.text)
    else this.#emit({ type: 'annotation', choice: 0, annotation: block })
  }

  started(index: unknown, start: JsonObject): void {
    const tool = objectOf(start.toolUse)
    if (tool !== undefined) this.#open.set(index, this.#call(tool))
    else if (Object.keys(start).length > 0) this.#emit({ type: 'annotation', choice: 0, annotation: start })
  }

  delta(index: unknown, delta: JsonObject): void {
    const reasoning = objectOf(delta.reasoningContent)
    const tool = objectOf(delta.toolUse)
    if (reasoning !== undefined) this.#reasoning(reasoning)
    else if (tool !== undefined) this.#input(index, tool.input)
    else if (typeof delta.text === 'string') this.#text(delta.text)
    else this.#emit({ type: 'annotation', choice: 0, annotation: delta })
  }

  /** A call without arguments has no piece of them in a stream, and an empty object in a whole answer. */
  stopped(index: unknown): void {
    const call = this.#open.get(index)
    if (call === undefined) return
    this.#open.delete(index)
    if (!call.hasSaid) this.#emit({ type: 'tool-call-arguments', choice: 0, call: call.call, text: '{}' })
  }

  #text(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.#emit({ type: 'text', choice: 0, text })
  }

  #reasoning(part: JsonObject): void {
    const { redactedContent, signature, text } = part
    const told = {
      ...(typeof text === 'string' && text !== '' ? { text } : {}),
      ...(typeof signature === 'string' && signature !== '' ? { signature } : {}),
      ...(typeof redactedContent === 'string' ? { redacted: redactedContent } : {}),
    }
    if (Object.keys(told).length > 0) this.#emit({ type: 'reasoning', choice: 0, ...told })
  }

  #call(tool: JsonObject): OpenCall {
    const id = textOf(tool.toolUseId)
    const name = textOf(tool.name)
    if (id === undefined || name === undefined)
      throw new UpstreamBroken(brokenProblem('a call of its answer has no id or no name'))
    const call = this.#calls++
    this.#emit({ type: 'tool-call-started', choice: 0, call, id, name })
    return { call, hasSaid: false }
  }

  #input(index: unknown, input: unknown): void {
    const call = this.#open.get(index)
    if (call === undefined)
      throw new UpstreamBroken(brokenProblem('its stream has arguments of a call that did not begin'))
    if (typeof input !== 'string' || input === '') return
    call.hasSaid = true
    this.#emit({ type: 'tool-call-arguments', choice: 0, call: call.call, text: input })
  }
}

interface OpenCall {
  readonly call: number
  hasSaid: boolean
}
