import type { GenerateEvent, TokenLogprob } from '../../contracts/index.ts'
import { readInput } from '../anthropic/tool-input.ts'
import { type JsonObject, UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { readBlocked, readProblem } from './errors.ts'
import { isFinal, readFinish } from './finish.ts'
import { readLogprobs } from './logprobs.ts'
import { growUsage, readUsage } from './usage.ts'

type Emit = (event: GenerateEvent) => void

/**
 * Chunks of `streamGenerateContent?alt=sse`, each a `GenerateContentResponse`; a whole answer is the same in one. No
 * event marks the end: a stream is whole when each candidate it showed had its finish reason. What comes for a candidate
 * after that is not told, so that nothing follows `finished`.
 */
export class GoogleInterpreter implements StreamInterpreter {
  readonly #candidates = new Map<number, Candidate>()
  #usage: JsonObject = {}
  #id: string | undefined

  event({ data }: SseEvent, emit: Emit): boolean {
    this.chunk(eventObject(data), emit)
    return false
  }

  /** Throws `UpstreamBroken` for an error, a blocked prompt and what is no candidate. */
  chunk(chunk: JsonObject, emit: Emit): void {
    const problem = readProblem(chunk) ?? readBlocked(chunk.promptFeedback)
    if (problem !== undefined) throw new UpstreamBroken(problem)
    if (this.#id === undefined) {
      this.#id = textOf(chunk.responseId) ?? ''
      const model = textOf(chunk.modelVersion)
      emit({ type: 'started', id: this.#id, ...(model === undefined ? {} : { providerModel: model }) })
    }
    for (const value of listOf(chunk.candidates)) this.#candidate(value, emit)
    const usage = growUsage(this.#usage, chunk.usageMetadata)
    if (JSON.stringify(usage) === JSON.stringify(this.#usage)) return
    this.#usage = usage
    emit({ type: 'usage', usage: readUsage(usage) })
  }

  end(): boolean {
    const candidates = [...this.#candidates.values()]
    return candidates.length > 0 && candidates.every(({ isFinished }) => isFinished)
  }

  #candidate(value: unknown, emit: Emit): void {
    const raw = objectOf(value)
    if (raw === undefined) throw new UpstreamBroken(brokenProblem('a candidate of its answer is no object'))
    const choice = Number.isSafeInteger(raw.index) ? (raw.index as number) : 0
    const known = this.#candidates.get(choice) ?? { calls: 0, isFinished: false }
    this.#candidates.set(choice, known)
    if (known.isFinished) return
    let logprobs = readLogprobs(raw.logprobsResult)
    for (const part of listOf(objectOf(raw.content)?.parts)) {
      const isText = this.#part(objectOf(part) ?? {}, choice, known, logprobs, emit)
      if (isText) logprobs = undefined
    }
    if (logprobs !== undefined) emit({ type: 'text', choice, text: '', logprobs })
    for (const name of ANNOTATIONS)
      if (objectOf(raw[name]) !== undefined)
        emit({ type: 'annotation', choice, annotation: { [name]: raw[name] } })
    if (!isFinal(raw.finishReason)) return
    known.isFinished = true
    const reason = readFinish(raw.finishReason, known.calls > 0)
    emit({ type: 'finished', choice, reason, raw: raw.finishReason })
  }

  /** True where it took the log-probabilities. A signature goes before what it signs, and thinking before its own. */
  #part(
    part: JsonObject,
    choice: number,
    candidate: Candidate,
    logprobs: TokenLogprob[] | undefined,
    emit: Emit,
  ): boolean {
    const signature = textOf(part.thoughtSignature)
    const text = textOf(part.text)
    if (part.thought === true && text !== undefined) emit({ type: 'reasoning', choice, text })
    if (signature !== undefined) emit({ type: 'reasoning', choice, signature })
    const call = objectOf(part.functionCall)
    if (call !== undefined) this.#call(call, choice, candidate, emit)
    else if (part.thought !== true && text !== undefined) {
      emit({ type: 'text', choice, text, ...(logprobs === undefined ? {} : { logprobs }) })
      return true
    } else if (part.text === undefined && part.thought !== true) {
      // Images, code that it ran and the like have no neutral form.
      const { thoughtSignature: _, ...native } = part
      if (Object.keys(native).length > 0) emit({ type: 'annotation', choice, annotation: native })
    }
    return false
  }

  /** Ids are rarely told; one made of the answer's and the call's place is the same however often it is read. */
  #call(call: JsonObject, choice: number, candidate: Candidate, emit: Emit): void {
    const name = textOf(call.name)
    if (name === undefined || call.partialArgs !== undefined || call.willContinue === true)
      throw new UpstreamBroken(brokenProblem('a call of its answer has no name, or not all of its arguments'))
    const number = candidate.calls++
    const id = textOf(call.id) ?? `call_${this.#id}_${choice}_${number}`
    emit({ type: 'tool-call-started', choice, call: number, id, name })
    emit({ type: 'tool-call-arguments', choice, call: number, text: readInput(call.args) })
  }
}

/** Of a candidate: where its words are from. */
const ANNOTATIONS = ['citationMetadata', 'groundingMetadata', 'urlContextMetadata'] as const

interface Candidate {
  calls: number
  isFinished: boolean
}
