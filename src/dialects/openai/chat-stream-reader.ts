import { type GenerateEvent, NO_USAGE } from '../../contracts/index.ts'
import type { JsonObject } from '../dialect.ts'
import { UpstreamBroken } from '../dialect.ts'
import { listOf, objectOf, textOf } from '../json/tolerant.ts'
import { brokenProblem } from '../problem.ts'
import type { SseEvent } from '../sse/sse-reader.ts'
import { eventObject, type StreamInterpreter } from '../sse/sse-stream.ts'
import { readFinish } from './finish.ts'
import { readLogprobs } from './logprobs.ts'
import { argumentsOf, indexOfChoice, refuseChoiceError, wordsOf } from './read-answer.ts'
import { refuseError } from './read-error.ts'
import { readCostUsd, readUsage } from './usage.ts'

type Emit = (event: GenerateEvent) => void

/** What is read of one choice of one chunk: of chat completions, or of legacy completions. */
export type DeltaReader = (choice: JsonObject, state: ChoiceState, emit: Emit) => void

/**
 * Chunks of chat completions. A finish reason is told on only at the end of the stream: some servers send content after
 * it, and nothing may follow `finished`.
 */
export class ChatInterpreter implements StreamInterpreter {
  readonly #delta: DeltaReader
  readonly #doneIsOptional: boolean
  readonly #choices = new Map<number, ChoiceState>()
  #isStarted = false
  /** As the last chunk that had one says, and as it was told on. */
  #tier: string | undefined
  #toldTier: string | undefined

  constructor(delta: DeltaReader, doneIsOptional: boolean) {
    this.#delta = delta
    this.#doneIsOptional = doneIsOptional
  }

  event({ data, event }: SseEvent, emit: Emit): boolean {
    if (data === '[DONE]') {
      this.#start({}, emit)
      return true
    }
    if (data === '') return false
    const chunk = eventObject(data)
    refuseError(event === 'error' ? { error: chunk.error ?? chunk } : chunk)
    this.#tier = textOf(chunk.service_tier) ?? this.#tier
    const choices = listOf(chunk.choices)
    // Azure's first event has verdicts on the prompt and neither id nor model.
    if (choices.length > 0 || textOf(chunk.id) !== undefined) this.#start(chunk, emit)
    for (const [place, one] of choices.entries()) {
      const choice = objectOf(one)
      if (choice === undefined)
        throw new UpstreamBroken(brokenProblem('a choice of its stream is not an object'))
      refuseChoiceError(choice)
      const state = this.#choice(indexOfChoice(choice, place))
      this.#delta(choice, state, emit)
      state.finish(choice)
    }
    const usage = objectOf(chunk.usage) ?? objectOf(objectOf(chunk.x_groq)?.usage)
    if (usage !== undefined) {
      this.#start(chunk, emit)
      const reportedCostUsd = readCostUsd(usage)
      emit({
        type: 'usage',
        usage: readUsage(usage),
        ...this.#laterTier(),
        ...(reportedCostUsd === null ? {} : { reportedCostUsd }),
      })
    }
    return false
  }

  end(emit: Emit, isMarked: boolean): boolean {
    const states = [...this.#choices.values()]
    const isWhole = states.length > 0 && states.every((state) => state.isFinished)
    if (!isMarked && !(this.#doneIsOptional && isWhole)) return false
    for (const state of states) state.told(emit)
    if (this.#tier !== this.#toldTier) emit({ type: 'usage', usage: NO_USAGE, ...this.#laterTier() })
    return true
  }

  #laterTier(): { serviceTier?: string } {
    if (this.#tier === undefined || this.#tier === this.#toldTier) return {}
    this.#toldTier = this.#tier
    return { serviceTier: this.#tier }
  }

  #start(chunk: JsonObject, emit: Emit): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const model = textOf(chunk.model)
    const systemFingerprint = textOf(chunk.system_fingerprint)
    emit({
      type: 'started',
      id: textOf(chunk.id) ?? '',
      ...(model === undefined ? {} : { providerModel: model }),
      ...(systemFingerprint === undefined ? {} : { systemFingerprint }),
      ...this.#laterTier(),
    })
  }

  #choice(index: number): ChoiceState {
    const known = this.#choices.get(index)
    if (known !== undefined) return known
    if (this.#choices.size >= MAX_CHOICES)
      throw new UpstreamBroken(brokenProblem(`its stream has more than ${MAX_CHOICES} choices`))
    const state = new ChoiceState(index)
    this.#choices.set(index, state)
    return state
  }
}

const MAX_CHOICES = 128
const MAX_CALLS = 1024

interface StreamedCall {
  readonly call: number
  readonly id: string | undefined
  name: string
  isTold: boolean
}

/** What is known of a choice between its chunks. */
export class ChoiceState {
  readonly index: number
  readonly #calls = new Map<unknown, StreamedCall>()
  #callCount = 0
  #lastKey: unknown
  #finish: string | undefined
  #stopText: string | undefined

  constructor(index: number) {
    this.index = index
  }

  get isFinished(): boolean {
    return this.#finish !== undefined
  }

  /** An empty text is no reason to finish. */
  finish(choice: JsonObject): void {
    this.#finish = textOf(choice.finish_reason) ?? this.#finish
    this.#stopText = textOf(choice.stop_reason) ?? this.#stopText
  }

  told(emit: Emit): void {
    const { raw, reason } = readFinish(this.#finish, this.#callCount > 0)
    emit({
      type: 'finished',
      choice: this.index,
      reason,
      ...(raw === undefined ? {} : { raw }),
      ...(this.#stopText === undefined ? {} : { stopText: this.#stopText }),
    })
  }

  /**
   * A piece of a call. Servers differ: the id comes once or each time, all calls have the index 0 or none has one; a new
   * id is a new call. A call is told when its name is known.
   */
  call(key: unknown, id: string | undefined, name: string | undefined, words: string, emit: Emit): void {
    const at = key ?? (id === undefined ? (this.#lastKey ?? 0) : id)
    this.#lastKey = at
    let call = this.#calls.get(at)
    if (call === undefined || (id !== undefined && call.id !== undefined && call.id !== id)) {
      if (this.#callCount >= MAX_CALLS)
        throw new UpstreamBroken(brokenProblem(`its stream has more than ${MAX_CALLS} calls of tools`))
      call = { call: this.#callCount++, id, name: '', isTold: false }
      this.#calls.set(at, call)
    }
    if (!call.isTold && name !== undefined) call.name = name
    if (!call.isTold && (call.name !== '' || words !== '')) {
      call.isTold = true
      const told = call.id ?? `call_${this.index}_${call.call}`
      emit({ type: 'tool-call-started', choice: this.index, call: call.call, id: told, name: call.name })
    }
    if (words !== '') emit({ type: 'tool-call-arguments', choice: this.index, call: call.call, text: words })
  }
}

/** `choices[].delta`; `message` where a server sends the whole at once. */
export function readDelta(choice: JsonObject, state: ChoiceState, emit: Emit): void {
  const delta = objectOf(choice.delta) ?? objectOf(choice.message)
  if (delta === undefined) return
  const index = state.index
  const said = wordsOf(delta.content)
  const thought = textOf(delta.reasoning_content) ?? textOf(delta.reasoning) ?? textOf(said.thought)
  if (thought !== undefined) emit({ type: 'reasoning', choice: index, text: thought })
  const logprobs = readLogprobs(choice.logprobs)
  // Tokens of a text that is not whole characters yet come with their probabilities all the same.
  if (said.text !== '' || logprobs !== undefined)
    emit({ type: 'text', choice: index, text: said.text, ...(logprobs === undefined ? {} : { logprobs }) })
  const refusal = textOf(delta.refusal)
  if (refusal !== undefined) emit({ type: 'refusal', choice: index, text: refusal })
  for (const annotation of listOf(delta.annotations)) emit({ type: 'annotation', choice: index, annotation })
  for (const one of listOf(delta.tool_calls)) {
    const call = objectOf(one) ?? {}
    const asked = objectOf(call.function) ?? {}
    state.call(
      call.index ?? undefined,
      textOf(call.id),
      textOf(asked.name),
      argumentsOf(asked.arguments),
      emit,
    )
  }
  const legacy = objectOf(delta.function_call)
  if (legacy !== undefined)
    state.call('function', `call_${index}_function`, textOf(legacy.name), argumentsOf(legacy.arguments), emit)
}
